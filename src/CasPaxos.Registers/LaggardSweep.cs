namespace CasPaxos.Registers;

/// <summary>
/// One look through the registers that some acceptors have and others lack, or have an older value of. Those that the
/// look before saw in the same state are not being changed: an acceptor was down, or a proposer died after it had
/// reached only one of them.
/// </summary>
internal sealed class LaggardSweep
{
    private readonly SweepMemory<RegisterKey, State> _memory;
    private List<RegisterKey> _old = [];

    /// <param name="before">The look before; null for the first of all.</param>
    public LaggardSweep(LaggardSweep? before) => _memory = new(before?._memory);

    /// <summary>Takes what the acceptors that answered have of a register.</summary>
    /// <param name="key">The register.</param>
    /// <param name="rows">Those that have a row.</param>
    /// <param name="answered">How many answered.</param>
    public void Add(RegisterKey key, ScannedRow[] rows, int answered)
    {
        var latest = rows.Max(row => row.AcceptedBallot);
        var state = new State(latest, answered - rows.Count(row => row.AcceptedBallot == latest));
        if (state.Behind <= 0)
        {
            return;
        }

        if (_memory.Knew(key, state))
        {
            _old.Add(key);
        }
        else
        {
            _memory.Remember(key, state);
        }
    }

    /// <summary>The registers to repair that were found since this was last asked.</summary>
    public List<RegisterKey> TakeOld()
    {
        var old = _old;
        _old = [];
        return old;
    }

    /// <summary>The latest that was accepted, and how many of those that answered do not have it.</summary>
    private readonly record struct State(Ballot Latest, int Behind);
}
