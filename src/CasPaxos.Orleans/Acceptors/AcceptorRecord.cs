using CasPaxos.Registers;

namespace CasPaxos.Orleans;

/// <summary>
/// All that an acceptor has for one register, as one grain state: written whole, guarded by its ETag (rule 4). Plain
/// properties, so that every serializer that a provider may use can carry it.
/// </summary>
[GenerateSerializer, Alias("caspaxos.AcceptorRecord")]
internal sealed class AcceptorRecord
{
    public const int FormatVersion = 2;

    /// <summary>0 in a record that was never written, or was cleared by somebody else.</summary>
    [Id(0)]
    public int Format { get; set; }

    /// <summary>The register's whole key: the record is addressed by a hash of it.</summary>
    [Id(1)]
    public string? Key { get; set; }

    [Id(2)]
    public long Epoch { get; set; }

    [Id(3)]
    public long FloorCounter { get; set; }

    [Id(4)]
    public Guid FloorProposer { get; set; }

    /// <summary>The greatest version of a tombstone of this register that was erased (rule 19).</summary>
    [Id(5)]
    public long VersionFloor { get; set; }

    /// <summary>
    /// False when the register is erased. The record stays: a storage has no slot-wide floors to take the place of its
    /// promise and version, so each erased register keeps its own.
    /// </summary>
    [Id(6)]
    public bool HasRow { get; set; }

    [Id(7)]
    public long PromisedCounter { get; set; }

    [Id(8)]
    public Guid PromisedProposer { get; set; }

    [Id(9)]
    public long AcceptedCounter { get; set; }

    [Id(10)]
    public Guid AcceptedProposer { get; set; }

    [Id(11)]
    public byte[]? Value { get; set; }

    public static AcceptorRecord From(RegisterKey key, AcceptorState state) => new()
    {
        Format = FormatVersion,
        Key = key.Text,
        Epoch = state.Epoch,
        FloorCounter = state.Floor.Counter,
        FloorProposer = state.Floor.Proposer.Value,
        VersionFloor = state.VersionFloor,
        HasRow = state.Row is not null,
        PromisedCounter = state.Row?.Promised.Counter ?? 0,
        PromisedProposer = state.Row?.Promised.Proposer.Value ?? Guid.Empty,
        AcceptedCounter = state.Row?.Accepted.Counter ?? 0,
        AcceptedProposer = state.Row?.Accepted.Proposer.Value ?? Guid.Empty,
        Value = state.Row?.Value.ToArray(),
    };

    /// <summary>What the rule decides from.</summary>
    /// <param name="epochAtLeast">The slot's own epoch: a record of an older one has not heard of it yet.</param>
    public AcceptorState ToState(long epochAtLeast) => new(
        Math.Max(Epoch, epochAtLeast),
        new Ballot(FloorCounter, new ProposerId(FloorProposer)),
        HasRow
            ? new AcceptorRow(
                new Ballot(PromisedCounter, new ProposerId(PromisedProposer)),
                new Ballot(AcceptedCounter, new ProposerId(AcceptedProposer)),
                Value ?? [])
            : null,
        VersionFloor);

    /// <summary>What keeps a stored record from being that of a register; null if it is that.</summary>
    public string? FindProblem(RegisterKey key) => this switch
    {
        { Format: 0 } => "its record was cleared, so promises may be forgotten",
        { Format: not FormatVersion } => $"its record has format {Format}, this library reads {FormatVersion}",
        _ when Key != key.Text => "its record belongs to another register",
        _ => null,
    };
}

/// <summary>Which slot a storage holds: a record of its own, written by the init alone (rule 5).</summary>
[GenerateSerializer, Alias("caspaxos.SlotRecord")]
internal sealed class SlotRecord
{
    public const int FormatVersion = 2;

    /// <summary>0 in a record that was never written, or was cleared by somebody else.</summary>
    [Id(0)]
    public int Format { get; set; }

    /// <summary>False until every slot of the init has its record: before that, none may serve.</summary>
    [Id(1)]
    public bool Complete { get; set; }

    [Id(2)]
    public Guid ClusterId { get; set; }

    [Id(3)]
    public int Slot { get; set; }

    [Id(4)]
    public long Epoch { get; set; }

    [Id(5)]
    public Guid[]? Incarnations { get; set; }

    [Id(6)]
    public int PrepareQuorum { get; set; }

    [Id(7)]
    public int AcceptQuorum { get; set; }

    public static SlotRecord From(Configuration configuration, int slot, bool complete) => new()
    {
        Format = FormatVersion,
        Complete = complete,
        ClusterId = configuration.ClusterId,
        Slot = slot,
        Epoch = configuration.Epoch,
        Incarnations = [.. configuration.Incarnations],
        PrepareQuorum = configuration.PrepareQuorum,
        AcceptQuorum = configuration.AcceptQuorum,
    };

    /// <summary>Who the slot says that it is; null if there is no record.</summary>
    public static StoredIdentity? Identify(SlotState<SlotRecord> record) =>
        record.IsThere ? record.State.Identify() : null;

    private StoredIdentity Identify() => new()
    {
        Unreadable = Format switch
        {
            FormatVersion => null,
            0 => $"the slot's record was cleared. {StoredIdentity.Remedy}",
            _ => $"the slot's record has format {Format}, this library reads {FormatVersion}.",
        },
        Complete = Complete,
        ClusterId = ClusterId,
        Slot = Slot,
        Incarnation = Incarnations?.ElementAtOrDefault(Slot) ?? Guid.Empty, // It was found by it; this is a check.
        ConfigurationEpoch = Epoch,
        Incarnations = [.. Incarnations ?? []],
        PrepareQuorum = PrepareQuorum,
        AcceptQuorum = AcceptQuorum,
        EpochHeard = Epoch,
    };
}
