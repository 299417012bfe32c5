using System.Collections.Immutable;

namespace CasPaxos.Registers;

/// <summary>What follows from the facts of all slots: the decisions of the init and of the opening. No I/O.</summary>
internal static class ClusterDecisions
{
    private const long FirstEpoch = 1;

    /// <summary>The configuration of a new cluster, with random incarnations where none is chosen.</summary>
    /// <exception cref="ArgumentException">A quorum, or the number of slots, is wrong.</exception>
    public static Configuration Plan(IReadOnlyList<Guid?> chosen, int? prepareQuorum, int? acceptQuorum)
    {
        var majority = (chosen.Count / 2) + 1;
        return new Configuration(
            Guid.NewGuid(),
            FirstEpoch,
            chosen.Select(incarnation => incarnation ?? Guid.NewGuid()),
            prepareQuorum ?? majority,
            acceptQuorum ?? majority);
    }

    /// <summary>The configuration of an init that was interrupted; null when there was none.</summary>
    /// <param name="slots">All slots.</param>
    /// <param name="wanted">True if such an init is to be finished.</param>
    /// <exception cref="ClusterException">
    /// A slot cannot be initialised, or is; or an init was begun that cannot be finished, or shall not be.
    /// </exception>
    public static Configuration? Resume(ImmutableArray<SlotFacts> slots, bool wanted)
    {
        foreach (var slot in slots)
        {
            if ((slot.Problem ?? slot.Identity?.Unreadable) is { } problem)
            {
                var named = slot.Problem is null ? $"{slot.Place}: {problem}" : problem;
                throw new ClusterException($"An init needs every slot. {named}", slot.ProblemMayPass);
            }
        }

        var found = slots.Where(slot => slot.Identity is not null).ToList();
        if (found.Count == 0)
        {
            return null;
        }

        var places = string.Join(", ", found.Select(slot => slot.Place));
        if (found.Find(slot => slot.Identity!.Complete) is { } complete
            && (found.Count < slots.Length || found.TrueForAll(slot => slot.Identity!.Complete)))
        {
            // Complete means that all slots had their identities. One that has none now was wiped: never fill it again.
            throw new ClusterException(
                $"An acceptor is there already: {places}, of cluster {complete.Identity!.ClusterId}. An init is for " +
                "new, empty slots.");
        }

        if (!wanted)
        {
            throw new ClusterException(
                $"An init was begun and not finished: {places}. Run it again and let it resume (option Resume).");
        }

        var configuration = found[0].Identity!.ToConfiguration();
        return IsOfThese(configuration.Incarnations, slots)
            && found.TrueForAll(slot => slot.Identity!.AgreesWith(configuration)
                && StoredIdentity.FindProblem(
                    slot.Identity with { Complete = true },
                    configuration.ClusterId,
                    slot.Slot,
                    configuration.Incarnations[slot.Slot]) is null)
            ? configuration
            : throw new ClusterException(
                $"These are not the slots of one init in their order: {places}. To begin anew, clear those that are " +
                $"not completely initialised: {string.Join(", ", found.Select(slot => slot.HowToClear).Distinct())}.");
    }

    /// <summary>The newest configuration, if enough slots hold it that no newer one can have been agreed on.</summary>
    /// <exception cref="ClusterException">
    /// Too few hold it, a slot is in another's place, or one is in a store that must not hold any.
    /// </exception>
    public static Configuration Agree(ImmutableArray<SlotFacts> slots)
    {
        if (slots.FirstOrDefault(slot => slot.Problem is not null && !slot.ProblemMayPass) is { } unfit)
        {
            throw new ClusterException(unfit.Problem!);
        }

        var known = slots.Where(slot => slot.Identity is { Complete: true, Unreadable: null }).ToList();
        if (known.Count == 0)
        {
            throw new ClusterException(
                $"No slot says which cluster it belongs to. {Reasons(slots)} A new cluster is made by an init: the " +
                "silo's command init, PostgresCluster.InitializeAsync, or InitializeCasPaxosAsync on a silo's host.",
                mayPass: true);
        }

        // A database of another cluster that strayed in here has no say in which cluster is meant.
        var meant = known.Find(slot => IsOfThese(slot.Identity!.Incarnations, slots)) ?? known[0];
        var configuration = known.Where(slot => slot.Identity!.ClusterId == meant.Identity!.ClusterId)
            .MaxBy(slot => slot.Identity!.ConfigurationEpoch)!.Identity!.ToConfiguration();
        RefuseOthers(configuration, slots, known);
        var agreeing = known.Count(
            slot => slot.Identity!.AgreesWith(configuration) && slot.FindProblem(configuration) is null);
        if (agreeing < configuration.PrepareQuorum)
        {
            throw new ClusterException(
                $"Only {agreeing} of {configuration.Slots} slots agree on the configuration of cluster " +
                $"{configuration.ClusterId}; {configuration.PrepareQuorum} are needed. {Reasons(slots)}",
                mayPass: true);
        }

        var heard = known.Where(slot => slot.FindProblem(configuration) is null).Max(slot => slot.Identity!.EpochHeard);
        return heard <= configuration.Epoch
            ? configuration
            : throw new ClusterException(
                $"A slot of cluster {configuration.ClusterId} has heard of configuration epoch {heard}, but none " +
                $"that can be reached holds a newer one than {configuration.Epoch}.",
                mayPass: true);
    }

    /// <summary>Finds slots that are on one server.</summary>
    /// <returns>A warning a pair, where that is allowed.</returns>
    /// <exception cref="ClusterException">It is not allowed, or two slots are one store, which never is.</exception>
    public static IReadOnlyList<string> FindSharedServers(IEnumerable<SlotFacts> slots, bool allowed)
    {
        var warnings = new List<string>();
        var seen = new List<SlotFacts>();
        foreach (var slot in slots.Where(slot => slot.Server is not null))
        {
            if (seen.Find(other => other.Store is not null && other.Store == slot.Store) is { } same)
            {
                throw new ClusterException(
                    $"Slots {same.Slot} and {slot.Slot} are one and the same database: it would be counted twice.");
            }

            foreach (var twin in seen.Where(other => other.Server == slot.Server))
            {
                var fact =
                    $"Slots {twin.Slot} and {slot.Slot} are on one server ({slot.Server}): one failure takes both.";
                warnings.Add(allowed ? fact : throw new ClusterException(
                    $"{fact} Give each slot a server of its own; for development there is the option " +
                    "AllowSharedServer."));
            }

            seen.Add(slot);
        }

        return warnings;
    }

    /// <summary>Refuses stores that are not the cluster's, or not in its order.</summary>
    private static void RefuseOthers(
        Configuration configuration, ImmutableArray<SlotFacts> slots, List<SlotFacts> known)
    {
        if (configuration.Slots != slots.Length)
        {
            throw new ClusterException(
                $"Cluster {configuration.ClusterId} has {configuration.Slots} slots, but {slots.Length} were given: " +
                "the place of each is needed, in their order.",
                mayPass: true); // Another cluster's, if it was found alone.
        }

        if (!IsOfThese(configuration.Incarnations, slots))
        {
            throw new ClusterException(
                $"Cluster {configuration.ClusterId} has the slots {string.Join(", ", configuration.Incarnations)}; " +
                "the options have others, or another order of them.",
                mayPass: known.TrueForAll(slot => slot.Incarnation is null)); // Then it may be another cluster's, too.
        }

        foreach (var slot in known)
        {
            if (slot.Identity!.ClusterId == configuration.ClusterId && slot.Identity.Slot != slot.Slot)
            {
                throw new ClusterException(
                    $"Connection string {slot.Slot} leads to the database of slot {slot.Identity.Slot}: put them in " +
                    "the order of the slots.");
            }
        }
    }

    /// <summary>True if those are as many as the slots, and have the chosen ones in their places.</summary>
    private static bool IsOfThese(ImmutableArray<Guid> incarnations, ImmutableArray<SlotFacts> slots) =>
        incarnations.Length == slots.Length
        && slots.All(slot => slot.Incarnation is null || slot.Incarnation == incarnations[slot.Slot]);

    private static string Reasons(IEnumerable<SlotFacts> slots) =>
        string.Join(' ', slots.Select(slot => slot switch
        {
            { Problem: { } problem } => problem,
            { Identity: null, Incarnation: { } chosen } => $"{slot.Place} holds no acceptor of incarnation {chosen}.",
            { Identity: null } => $"{slot.Place} holds no acceptor.",
            { Identity.Unreadable: { } reason } => $"{slot.Place}: {reason}",
            { Identity.Complete: false } => $"{slot.Place} is not completely initialised.",
            _ => $"{slot.Place} is slot {slot.Identity.Slot} of cluster {slot.Identity.ClusterId}, epoch " +
                $"{slot.Identity.ConfigurationEpoch}.",
        }));
}
