
namespace CasPaxos.Orleans;

/// <summary>The register service as one silo sees it. Holds no secret.</summary>
[GenerateSerializer, Immutable, Alias("caspaxos.ServiceStatus")]
public sealed record ServiceStatus
{
    /// <summary>Names the cluster of acceptors.</summary>
    [Id(0)]
    public required Guid ClusterId { get; init; }

    /// <summary>Configuration epoch of the silo that answered.</summary>
    [Id(1)]
    public required long Epoch { get; init; }

    /// <summary>How many slots must promise.</summary>
    [Id(2)]
    public required int PrepareQuorum { get; init; }

    /// <summary>How many slots must accept.</summary>
    [Id(3)]
    public required int AcceptQuorum { get; init; }

    /// <summary>The silos of the cluster that are not dead.</summary>
    [Id(4)]
    public required IReadOnlyList<SiloStatusInfo> Silos { get; init; }

    /// <summary>The slots, in their order.</summary>
    [Id(5)]
    public required IReadOnlyList<SlotStatusInfo> Slots { get; init; }

    /// <summary>True if enough slots serve for every operation.</summary>
    public bool HasQuorum => Slots.Count(slot => slot.Serves) >= Math.Max(PrepareQuorum, AcceptQuorum);
}

/// <summary>One silo of the cluster.</summary>
/// <param name="Address">Its address, as Orleans writes it.</param>
/// <param name="Name">Its name.</param>
/// <param name="State">Its membership state, as Orleans names it: Active, Joining, …</param>
/// <param name="Slot">The slot that it is labelled with; null for none.</param>
[GenerateSerializer, Immutable, Alias("caspaxos.SiloStatusInfo")]
public sealed record SiloStatusInfo(
    [property: Id(0)] string Address,
    [property: Id(1)] string Name,
    [property: Id(2)] string State,
    [property: Id(3)] int? Slot);

/// <summary>One slot and its acceptors.</summary>
/// <param name="Slot">The position in the configuration.</param>
/// <param name="Problem">Null if it serves; otherwise why it cannot be reached or refuses.</param>
/// <param name="Epoch">The newest configuration epoch that its database has heard of; null if it does not say.</param>
/// <param name="Floor">The greatest ballot that it has ever erased, as text; null if it does not say.</param>
/// <param name="VersionFloor">
/// The greatest version of a deleted register that it has ever erased; null if it does not say.
/// </param>
/// <param name="RowsEstimate">About how many registers it holds; null if it does not say.</param>
/// <param name="Acceptors">Its acceptor grains, by shard.</param>
[GenerateSerializer, Immutable, Alias("caspaxos.SlotStatusInfo")]
public sealed record SlotStatusInfo(
    [property: Id(0)] int Slot,
    [property: Id(1)] string? Problem,
    [property: Id(2)] long? Epoch,
    [property: Id(3)] string? Floor,
    [property: Id(4)] long? VersionFloor,
    [property: Id(5)] long? RowsEstimate,
    [property: Id(6)] IReadOnlyList<AcceptorStatusInfo> Acceptors)
{
    /// <summary>True if the slot answers and is the acceptor that it should be.</summary>
    public bool Serves => Problem is null;
}

/// <summary>One acceptor grain.</summary>
/// <param name="Shard">Which part of the slot's keys it serves.</param>
/// <param name="Silo">Where it answered from; where it would be placed if it did not; null if nowhere.</param>
/// <param name="Reachable">True if it answered.</param>
/// <param name="AtHome">True if that silo is labelled with the slot.</param>
[GenerateSerializer, Immutable, Alias("caspaxos.AcceptorStatusInfo")]
public sealed record AcceptorStatusInfo(
    [property: Id(0)] int Shard,
    [property: Id(1)] string? Silo,
    [property: Id(2)] bool Reachable,
    [property: Id(3)] bool AtHome);
