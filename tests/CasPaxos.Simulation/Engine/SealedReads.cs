using System.Numerics;

namespace CasPaxos.Simulation;

/// <summary>
/// Watches the sealed reads of one register (rule 20): an attempt that had sent its accept before such a read began, or
/// whose ballot every slot had promised by then, is never chosen afterwards unless the answer contains it, and nothing
/// is chosen that carries what only such attempts made.
/// </summary>
internal sealed class SealedReads(World world, int register)
{
    private readonly List<Attempt> _attempts = []; // In the order in which a sealed read can end them.
    private readonly Dictionary<Ballot, Attempt> _byBallot = [];
    private readonly Dictionary<Ballot, int> _promises = []; // By slot, one bit each.
    private readonly Dictionary<(OperationId Id, long Version), List<Attempt>> _makers = [];
    private readonly HashSet<(IReplyTarget Proposer, OperationId Id)> _asked = [];

    /// <summary>What to hand back with the answer of a sealed read that begins now.</summary>
    public int Begun => _attempts.Count;

    /// <summary>A proposer is asked for an operation: it may begin a new attempt, whatever was sealed.</summary>
    public void Asked(IReplyTarget proposer, OperationId id) => _asked.Add((proposer, id));

    /// <summary>A slot has promised a ballot, durably.</summary>
    public void Promised(int slot, Ballot ballot)
    {
        var slots = _promises[ballot] = _promises.GetValueOrDefault(ballot) | (1 << slot);
        if (BitOperations.PopCount((uint)slots) == world.Scenario.Slots)
        {
            Find(ballot);
        }
    }

    /// <summary>A sealed read is answered.</summary>
    /// <param name="begun">The value of <see cref="Begun"/> when it began.</param>
    /// <param name="version">The version of the record that it saw.</param>
    public void Answered(int begun, long version)
    {
        world.Statistics.Add(Count.SealedReadsAnswered);
        foreach (var attempt in _attempts.Take(begun))
        {
            var was = attempt.IsSealedOut;
            attempt.Seen = Math.Min(attempt.Seen, version);
            if (attempt.IsSealedOut && !was)
            {
                world.Statistics.Add(Count.AcceptsSealedOut);
            }

            if (attempt.IsChosen && attempt.Version > version)
            {
                Violate($"A sealed read saw version {version}, and {attempt.Ballot} of version {attempt.Version} was "
                    + "chosen before it.");
            }
        }
    }

    /// <summary>An accept leaves its proposer.</summary>
    public void Proposed(IReplyTarget sender, Ballot ballot, RegisterRecord record)
    {
        var attempt = Find(ballot);
        attempt.Version = record.Version;
        var version = record.Version - record.Recent.Ids.Length;
        foreach (var id in record.Recent.Ids)
        {
            version++;
            if (!_makers.TryGetValue((id, version), out var makers))
            {
                _makers.Add((id, version), makers = []);
            }

            attempt.Adopts |= makers.Count > 0
                && makers.TrueForAll(maker => maker.IsSealedOut) && !_asked.Contains((sender, id));
            makers.Add(attempt);
        }
    }

    /// <summary>An accept is chosen.</summary>
    public void Chosen(Ballot ballot)
    {
        var attempt = _byBallot[ballot];
        attempt.IsChosen = true;
        if (attempt.IsSealedOut)
        {
            Violate($"{ballot} of version {attempt.Version} is chosen, and a sealed read before did not see it, or "
                + "not what it carries.");
        }
    }

    private Attempt Find(Ballot ballot)
    {
        if (!_byBallot.TryGetValue(ballot, out var attempt))
        {
            _byBallot.Add(ballot, attempt = new Attempt(ballot));
            _attempts.Add(attempt);
        }

        return attempt;
    }

    private void Violate(string text) => world.Invariants.Violate(register, "sealed reads hold", text);

    private sealed class Attempt(Ballot ballot)
    {
        public Ballot Ballot => ballot;

        /// <summary>Of the record that it asks to accept; 0 while it has not asked.</summary>
        public long Version { get; set; }

        /// <summary>The lowest version that a sealed read saw which began after it.</summary>
        public long Seen { get; set; } = long.MaxValue;

        /// <summary>Carries what only attempts made that were sealed out.</summary>
        public bool Adopts { get; set; }

        public bool IsChosen { get; set; }

        public bool IsSealedOut => Version > Seen || Adopts;
    }
}
