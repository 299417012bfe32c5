using System.Collections.Immutable;

namespace CasPaxos.Registers;

/// <summary>How an init is to go.</summary>
/// <param name="PrepareQuorum">How many slots must promise; null for the smallest majority.</param>
/// <param name="AcceptQuorum">How many slots must accept; null for the smallest majority.</param>
/// <param name="Resume">Finishes an init that was interrupted, with the configuration that it had begun with.</param>
/// <param name="AllowSharedServer">Slots on one server are a warning.</param>
internal sealed record ClusterInit(int? PrepareQuorum, int? AcceptQuorum, bool Resume, bool AllowSharedServer);

/// <summary>A cluster that was opened.</summary>
/// <param name="Configuration">What a prepare quorum of the slots agreed on.</param>
/// <param name="Slots">The slots in their order, those that could not be reached included.</param>
/// <param name="Warnings">What an operator should know: slots that did not serve, slots on one server.</param>
internal sealed record OpenedCluster(
    Configuration Configuration, ImmutableArray<OpenedSlot> Slots, ImmutableArray<string> Warnings);

/// <summary>The two acts on all slots of a cluster together: it is made once, and opened by whoever uses it.</summary>
internal static class ClusterSlots
{
    /// <summary>Makes a cluster of empty slots. An explicit act, once (rule 18).</summary>
    /// <remarks>
    /// Two passes: first every slot gets its identity, marked incomplete, then every mark is lifted. No acceptor serves
    /// before its mark is lifted, so one that is missing while marks are still on has never promised anything.
    /// </remarks>
    /// <exception cref="ArgumentException">A quorum is wrong; nothing was touched.</exception>
    /// <exception cref="ClusterException">A slot is not fit, not empty, or could not be written.</exception>
    public static async Task<(Configuration Configuration, ImmutableArray<string> Warnings)> InitializeAsync(
        IReadOnlyList<ISlotStore> stores, ClusterInit init, CancellationToken cancellationToken)
    {
        var planned = ClusterDecisions.Plan(
            [.. stores.Select(store => store.Incarnation)], init.PrepareQuorum, init.AcceptQuorum);
        var slots = await ProbeAsync(stores, cancellationToken);
        var warnings = ClusterDecisions.FindSharedServers(slots, init.AllowSharedServer);
        var configuration = ClusterDecisions.Resume(slots, init.Resume) ?? planned;
        foreach (var slot in slots.Where(slot => slot.Identity is null))
        {
            await StepAsync(stores[slot.Slot].CreateAsync, configuration, cancellationToken);
        }

        foreach (var store in stores)
        {
            await StepAsync(store.CompleteAsync, configuration, cancellationToken);
        }

        return (configuration, [.. warnings]);
    }

    /// <summary>Finds the configuration and prepares to ask every slot.</summary>
    /// <exception cref="ClusterException">
    /// See <see cref="ClusterDecisions.Agree"/>; or two slots share a server.
    /// </exception>
    public static async Task<OpenedCluster> OpenAsync(
        IReadOnlyList<ISlotStore> stores, bool allowSharedServer, CancellationToken cancellationToken)
    {
        var slots = await ProbeAsync(stores, cancellationToken);
        var configuration = ClusterDecisions.Agree(slots);

        // What is not of the cluster is not asked, so it may be anywhere.
        var members = slots.Where(slot => slot.FindProblem(configuration) is null).ToList();
        var shared = ClusterDecisions.FindSharedServers(members, allowSharedServer);
        var servers = new SlotServers(allowSharedServer);
        foreach (var slot in members)
        {
            servers.FindTwin(slot.Slot, slot.Server);
        }

        return new OpenedCluster(
            configuration,
            [.. stores.Select(store => store.Open(configuration, servers))],
            [.. slots.Select(slot => slot.FindProblem(configuration)).OfType<string>(), .. shared]);
    }

    /// <summary>Looks into every store at once.</summary>
    private static async Task<ImmutableArray<SlotFacts>> ProbeAsync(
        IEnumerable<ISlotStore> stores, CancellationToken cancellationToken)
    {
        var slots = await Task.WhenAll(stores.Select(store => store.ProbeAsync(cancellationToken)));
        cancellationToken.ThrowIfCancellationRequested();
        return [.. slots];
    }

    private static async Task StepAsync(
        Func<Configuration, CancellationToken, Task> step,
        Configuration configuration,
        CancellationToken cancellationToken)
    {
        try
        {
            await step(configuration, cancellationToken);
        }
        catch (AcceptorUnavailableException failure)
        {
            cancellationToken.ThrowIfCancellationRequested();
            throw new ClusterException(
                $"{failure.Message} The init was not finished: run it again and let it resume.",
                mayPass: true,
                failure);
        }
    }
}
