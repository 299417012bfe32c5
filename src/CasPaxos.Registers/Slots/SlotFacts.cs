using System.Collections.Immutable;

namespace CasPaxos.Registers;

/// <summary>What was found in one slot's store, before anything is decided from it.</summary>
/// <param name="Slot">The place of the store in the list of those who look.</param>
/// <param name="Place">Slot and address, for messages.</param>
internal sealed record SlotFacts(int Slot, string Place)
{
    /// <summary>The incarnation that it was looked for by; null where the store alone knows it.</summary>
    public Guid? Incarnation { get; init; }

    /// <summary>
    /// A sentence that names the place and says why it cannot be asked or must not be used; null for nothing.
    /// </summary>
    public string? Problem { get; init; }

    /// <summary>
    /// False if the store can never be used as it is: then a silo does not even start, since a quorum of the others
    /// would hide a mistake that was made when the cluster was set up.
    /// </summary>
    public bool ProblemMayPass { get; init; } = true;

    /// <summary>Tells servers apart, whatever the kinds of their slots; null where that cannot be told.</summary>
    public string? Server { get; init; }

    /// <summary>Tells stores apart that can hold only one slot each; null for a store that can hold several.</summary>
    public string? Store { get; init; }

    /// <summary>What the store says that it is; null if it holds no acceptor.</summary>
    public StoredIdentity? Identity { get; init; }

    /// <summary>How to begin anew with a slot that an init has left incomplete.</summary>
    public string HowToClear { get; init; } = "";

    /// <summary>What keeps it from being the acceptor that a configuration means; null if it is that.</summary>
    public string? FindProblem(Configuration configuration) => Problem is not null
        ? Problem
        : StoredIdentity.FindProblem(Identity, configuration.ClusterId, Slot, configuration.Incarnations[Slot])
            is { } reason
            ? $"{Place} does not serve: {reason}"
            : null;
}

/// <summary>Who a store says that it is: written into it by the init (rule 5).</summary>
internal sealed record StoredIdentity
{
    /// <summary>What an operator must not do who finds a store that may have forgotten what it promised.</summary>
    public const string Remedy =
        "It may have forgotten promises. Give the slot a new, empty store as a new member; never restore an old one.";

    /// <summary>What keeps this library from reading it, such as another format; null for nothing.</summary>
    public string? Unreadable { get; init; }

    /// <summary>False until every slot of the init has its identity: before that, none may serve.</summary>
    public bool Complete { get; init; }

    public Guid ClusterId { get; init; }

    public int Slot { get; init; }

    public Guid Incarnation { get; init; }

    /// <summary>The epoch of the configuration that is stored.</summary>
    public long ConfigurationEpoch { get; init; }

    public ImmutableArray<Guid> Incarnations { get; init; } = [];

    public int PrepareQuorum { get; init; }

    public int AcceptQuorum { get; init; }

    /// <summary>The newest epoch that the store has heard of. It may have heard of one that it does not hold.</summary>
    public long EpochHeard { get; init; }

    /// <summary>
    /// What of the store is not what it was when the identity was written, such as its server; null for nothing.
    /// </summary>
    public string? Displaced { get; init; }

    /// <summary>The configuration that the store was written with.</summary>
    public Configuration ToConfiguration() =>
        new(ClusterId, ConfigurationEpoch, Incarnations, PrepareQuorum, AcceptQuorum);

    /// <summary>True if it was written by the same init, or the same change of membership.</summary>
    public bool AgreesWith(Configuration configuration) =>
        Unreadable is null
        && ClusterId == configuration.ClusterId
        && ConfigurationEpoch == configuration.Epoch
        && configuration.Incarnations.SequenceEqual(Incarnations)
        && PrepareQuorum == configuration.PrepareQuorum
        && AcceptQuorum == configuration.AcceptQuorum;

    /// <summary>What keeps a store from being the acceptor that is meant; null if it is that.</summary>
    public static string? FindProblem(StoredIdentity? identity, Guid clusterId, int slot, Guid incarnation) =>
        identity switch
        {
            null =>
                $"it holds no acceptor of incarnation {incarnation}: it was wiped, or never initialised. {Remedy}",
            { Unreadable: { } reason } => reason,
            { Complete: false } =>
                "its initialisation was begun and not finished. Run the init again and let it resume.",
            _ when identity.ClusterId != clusterId =>
                $"it belongs to cluster {identity.ClusterId}, not {clusterId}.",
            _ when identity.Slot != slot => $"it is slot {identity.Slot}, not {slot}: check the order of the slots.",
            _ when identity.Incarnation != incarnation =>
                $"it is incarnation {identity.Incarnation}, not {incarnation}. {Remedy}",
            { Displaced: { } what } =>
                $"its {what} is not the one it was initialised with: it is a copy, or was restored or promoted. " +
                Remedy,
            _ => null,
        };
}
