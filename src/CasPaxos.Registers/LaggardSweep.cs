namespace CasPaxos.Registers;

/// <summary>
/// One look through the registers that some acceptors have and others lack, or have an older value of. Those that the
/// look before saw in the same state are not being changed: an acceptor was down, or a proposer died after it had
/// reached only one of them.
/// </summary>
internal sealed class LaggardSweep
{
    /// <summary>Registers remembered from one look to the next; further ones wait until there is room.</summary>
    internal const int RememberedMax = 100_000;

    private readonly Dictionary<RegisterKey, State> _before;
    private readonly Dictionary<RegisterKey, State> _seen = [];
    private List<RegisterKey> _old = [];

    /// <summary>The first look of all.</summary>
    public LaggardSweep() => _before = [];

    /// <summary>The look after another one.</summary>
    public LaggardSweep(LaggardSweep before) => _before = before._seen;

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

        if (_before.TryGetValue(key, out var before) && before == state)
        {
            _old.Add(key);
        }
        else if (_seen.Count < RememberedMax)
        {
            _seen[key] = state;
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
