using System.Collections.Immutable;
using System.Numerics;

namespace CasPaxos.Simulation;

/// <summary>
/// What was proposed and chosen at one register: one value a ballot, and the chosen ones form one chain.
/// </summary>
internal sealed class ChosenValues(World world, int register)
{
    private readonly Dictionary<Ballot, Proposal> _proposals = [];
    private readonly List<Proposal> _chosen = [];
    private readonly HashSet<ETag> _positions = []; // Of the chosen records.
    private readonly HashSet<OperationId> _known = [];
    private readonly HashSet<OperationId> _knownChosen = [];
    private readonly HashSet<OperationId> _settled = [];
    private readonly HashSet<OperationId> _over = []; // Settled in a chosen record, or refused for good.
    private readonly Dictionary<OperationId, long> _versions = []; // That an operation made, in a chosen record.
    private readonly Dictionary<OperationId, ProposerId> _firstProposers = [];

    /// <summary>What sealed reads saw, and what came of that.</summary>
    public SealedReads Sealed { get; } = new(world, register);

    /// <summary>An accept leaves its proposer.</summary>
    public void Proposed(IReplyTarget sender, long attempt, AcceptorRequest.Accept accept)
    {
        if (_proposals.TryGetValue(accept.Ballot, out var other))
        {
            if (!other.Value.Span.SequenceEqual(accept.Value.Span))
            {
                Violate(
                    "one value a ballot", $"{accept.Ballot} is used for {other} and {Describe.Value(accept.Value)}.");
            }
            else if (other.Sender != sender || other.Attempt != attempt)
            {
                Violate("ballot used once", $"Two attempts ask to accept {accept.Ballot}.");
            }

            return;
        }

        var quorum = world.AcceptQuorumOf(accept.Epoch);
        var proposal = new Proposal(sender, attempt, accept, RecordCodec.Decode(accept.Value), quorum);
        _proposals.Add(accept.Ballot, proposal);
        Sealed.Proposed(sender, accept.Ballot, proposal.Record);
        Tally(accept.Ballot, proposal.Record);
    }

    /// <summary>An accept is durable at a slot.</summary>
    public void Accepted(int slot, Ballot ballot)
    {
        var proposal = _proposals[ballot];
        proposal.Slots |= 1 << slot;
        if (!proposal.IsChosen && BitOperations.PopCount((uint)proposal.Slots) >= proposal.Quorum)
        {
            proposal.IsChosen = true;
            Sealed.Chosen(ballot);
            Choose(proposal);
        }
    }

    /// <summary>A client is told that an operation takes no effect, and never will.</summary>
    public void Refused(OperationId id)
    {
        _over.Add(id);
        if (_versions.ContainsKey(id))
        {
            Violate("refused for good", $"{$"{id}"[..8]} is refused, and was applied.");
        }
    }

    /// <summary>A proposer answers from a record: one that is chosen, whatever a minority holds (rule 13).</summary>
    public void Answered(IReplyTarget proposer, ETag position)
    {
        var isAbsent = position.CreationId == RegisterRecord.None.CreationId;
        if (!isAbsent && !_positions.Contains(position))
        {
            Violate("answers are chosen", $"{proposer} answers from {Describe.ETag(position)}, which is not chosen.");
        }
    }

    public bool IsEverywhere(Ballot ballot) =>
        BitOperations.PopCount((uint)_proposals[ballot].Slots) == world.Scenario.Slots;

    private void Choose(Proposal proposal)
    {
        if (world.Trace.IsOn)
        {
            world.Trace.Add(register, $"chosen: {proposal.Ballot} {proposal}");
        }

        foreach (var settlement in proposal.Record.Recent.Settled)
        {
            _over.Add(settlement.Id);
        }

        _positions.Add(proposal.Record.Position);
        CheckOnce(proposal.Record);

        // Nearly always the last; but an adopted value may be completed by a late accept.
        var place = _chosen.Count;
        while (place > 0 && _chosen[place - 1].Ballot > proposal.Ballot)
        {
            place--;
        }

        _chosen.Insert(place, proposal);
        if (place > 0)
        {
            CheckOrder(_chosen[place - 1], proposal);
        }

        if (place + 1 < _chosen.Count)
        {
            CheckOrder(proposal, _chosen[place + 1]);
        }
    }

    /// <summary>An operation makes one version, in whatever life of the register; or none, once that is said.</summary>
    private void CheckOnce(RegisterRecord record)
    {
        var version = record.Version - record.Recent.Ids.Length;
        foreach (var id in record.Recent.Ids)
        {
            version++;
            _knownChosen.Add(id);
            if (!_versions.TryAdd(id, version) && _versions[id] != version)
            {
                Violate("applied once", $"{$"{id}"[..8]} made version {_versions[id]} and {version}.");
            }

            if (_over.Contains(id))
            {
                Violate("refused for good", $"{$"{id}"[..8]} is over, and made version {version}.");
            }
        }
    }

    /// <summary>The value with the higher ballot descends from the one with the lower.</summary>
    private void CheckOrder(Proposal older, Proposal newer)
    {
        var (before, after) = (older.Record, newer.Record);
        var changes = after.Version - before.Version;
        if (changes < 0 || (changes == 0 && before.IsTombstone && !after.IsTombstone))
        {
            Violate(
                "versions never restart",
                $"{newer.Ballot} {newer} is chosen after {older.Ballot} {older}, which has that version or a later " +
                "one.");
            return;
        }

        if (before.IsTombstone && world.Scenario.EraseEvery > 0)
        {
            // May have been erased since, and the register begun anew.
            var begunAnew = !after.IsTombstone && after.Version - after.Recent.Ids.Length >= before.Version;
            world.Statistics.Add(Count.RecreatedAfterErase, begunAnew ? 1 : 0);
            return;
        }

        var ids = after.Recent.Ids;
        var descends = changes == 0
            ? after.Payload.Span.SequenceEqual(before.Payload.Span)
                && after.CreationId == before.CreationId
                && ids.AsSpan().SequenceEqual(before.Recent.Ids.AsSpan())
                && after.Recent.Settled.AsSpan().StartsWith(StillNeeded(before.Recent.Settled, after))
            : changes > 0 && (before.Recent.Ids.IsEmpty
                || changes >= ids.Length
                || ids[ids.Length - 1 - (int)changes] == before.Recent.Ids[^1]);
        if (!descends)
        {
            Violate(
                "one chain",
                $"{newer.Ballot} {newer} is chosen, and so is {older.Ballot} {older}, from which it does not descend.");
        }
    }

    /// <summary>What was settled at a version from which on all changes are shown is kept.</summary>
    private static ReadOnlySpan<Settlement> StillNeeded(ImmutableArray<Settlement> settled, RegisterRecord record) =>
        settled.Where(one => one.Version >= record.Version - record.Recent.Shown).ToArray();

    private void Tally(Ballot ballot, RegisterRecord record)
    {
        var statistics = world.Statistics;
        var isNew = false;
        var isAdopted = false;
        foreach (var id in record.Recent.Ids)
        {
            if (_known.Add(id))
            {
                isNew = true;
                _firstProposers.Add(id, ballot.Proposer);
            }
            else
            {
                isAdopted |= !_knownChosen.Contains(id) && _firstProposers[id] != ballot.Proposer;
            }
        }

        statistics.Add(Count.MinorityValuesAdopted, isAdopted ? 1 : 0);
        var isSettling = false;
        foreach (var settlement in record.Recent.Settled)
        {
            isSettling |= _settled.Add(settlement.Id);
        }

        statistics.Add(Count.Settlements, isSettling ? 1 : 0);
        statistics.Add(Count.IdentityAccepts, isNew || isSettling || record.DeletedAt == 0 ? 0 : 1);
        statistics.Add(Count.RecordsWithFingerprints, record.Recent.Fingerprints.IsEmpty ? 0 : 1);
        statistics.Add(Count.AbsencesChosen, record.DeletedAt == 0 ? 1 : 0);
        statistics.Add(Count.CombinedRounds, isNew && record.Recent.Rounds[^1] > 1 ? 1 : 0);
    }

    private void Violate(string rule, string text) => world.Invariants.Violate(register, rule, text);

    private sealed class Proposal(
        IReplyTarget sender, long attempt, AcceptorRequest.Accept accept, RegisterRecord record, int quorum)
    {
        public IReplyTarget Sender => sender;

        public long Attempt => attempt;

        public Ballot Ballot => accept.Ballot;

        public ReadOnlyMemory<byte> Value => accept.Value;

        public RegisterRecord Record => record;

        public int Quorum => quorum;

        public int Slots { get; set; }

        public bool IsChosen { get; set; }

        public override string ToString() => Describe.Record(record);
    }
}
