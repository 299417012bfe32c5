using System.Collections.Immutable;
using CasPaxos.Registers;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Orleans.Storage;

namespace CasPaxos.Orleans;

/// <summary>The slots of a cluster whose slots are all in grain storage.</summary>
/// <param name="Configuration">What a prepare quorum of the slots agreed on.</param>
/// <param name="Stores">The slots, those that could not be reached included.</param>
/// <param name="Warnings">What an operator should know.</param>
internal sealed record GrainStorageCluster(
    Configuration Configuration, ImmutableArray<SlotStore> Stores, ImmutableArray<string> Warnings)
{
    /// <summary>What was found in one slot's storage, before anything is decided from it.</summary>
    /// <param name="Storage">The slot.</param>
    /// <param name="Unfit">What the checks have against it; null for nothing.</param>
    /// <param name="Unreachable">Why it could not be asked; null if it was.</param>
    /// <param name="Record">The slot's record; null if there is none.</param>
    public sealed record Probe(
        SlotStorage Storage, string? Unfit, AcceptorUnavailableException? Unreachable, GrainState<SlotRecord>? Record);

    /// <summary>Finds the storages by their names.</summary>
    /// <exception cref="OptionsValidationException">
    /// A name leads to nothing, two slots have one storage, or the cluster is mixed.
    /// </exception>
    public static ImmutableArray<SlotStorage> Find(IServiceProvider services, CasPaxosOptions options)
    {
        var errors = new List<string>();
        var found = ImmutableArray.CreateBuilder<SlotStorage>();
        for (var slot = 0; slot < options.Slots.Count; slot++)
        {
            var path = $"{nameof(CasPaxosOptions.Slots)}:{slot}:{nameof(CasPaxosSlotOptions.GrainStorage)}";
            var name = options.Slots[slot].GrainStorage;
            if (string.IsNullOrWhiteSpace(name))
            {
                errors.Add(
                    $"{path}: is missing, but other slots have one. The slots of a cluster are all PostgreSQL " +
                    "databases or all grain storages: the one kind's init does not know the other's.");
            }
            else if (services.GetKeyedService<IGrainStorage>(name) is not { } storage)
            {
                errors.Add($"{path}: no grain storage named '{name}' was added to the silo.");
            }
            else
            {
                found.Add(new SlotStorage(storage, name, slot, options.Slots[slot].Incarnation.GetValueOrDefault()));
            }
        }

        if (!options.AllowSharedServer)
        {
            errors.AddRange(found.GroupBy(storage => storage.Name).Where(same => same.Count() > 1).Select(same =>
                $"{nameof(CasPaxosOptions.Slots)}: several slots are in grain storage '{same.Key}'. One failure " +
                $"would take them all; for development there is the option {nameof(options.AllowSharedServer)}."));
        }

        return errors.Count == 0
            ? found.ToImmutable()
            : throw new OptionsValidationException(nameof(CasPaxosOptions), typeof(CasPaxosOptions), errors);
    }

    /// <summary>Looks into every storage at once.</summary>
    public static async Task<ImmutableArray<Probe>> ProbeAsync(
        ImmutableArray<SlotStorage> storages,
        IReadOnlyList<ISlotStoreCheck> checks,
        SlotServers servers,
        TimeSpan timeout,
        CancellationToken cancellationToken) =>
        [.. await Task.WhenAll(storages.Select(async storage =>
        {
            using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            deadline.CancelAfter(timeout);
            try
            {
                var unfit = await SlotGuard.FindUnfitAsync(storage, checks, servers, deadline.Token);
                if (unfit is not null)
                {
                    return new Probe(storage, unfit, Unreachable: null, Record: null);
                }

                var record = await storage.ReadSlotAsync(deadline.Token);
                return new Probe(storage, unfit, Unreachable: null, SlotStorage.IsThere(record) ? record : null);
            }
            catch (AcceptorUnavailableException failure)
            {
                return new Probe(storage, Unfit: null, failure, Record: null);
            }
        }))];

    /// <summary>Finds the configuration and prepares to ask every slot.</summary>
    /// <exception cref="SlotStoreException">
    /// Fewer than a prepare quorum agree on the newest configuration, a store is unfit, or the options do not fit it.
    /// </exception>
    public static async Task<GrainStorageCluster> OpenAsync(
        IServiceProvider services, CasPaxosOptions options, CancellationToken cancellationToken)
    {
        var logger = services.GetRequiredService<ILogger<GrainStorageAcceptor>>();
        ISlotStoreCheck[] checks = [.. services.GetServices<ISlotStoreCheck>()];
        var servers = new SlotServers(options.AllowSharedServer);
        var storages = Find(services, options);
        var probes = await ProbeAsync(storages, checks, servers, options.AcceptorTimeout, cancellationToken);
        var configuration = Agree(probes);
        var stores = storages.Select(storage =>
        {
            var guard = new SlotGuard(storage, configuration, checks, servers);
            return new SlotStore(
                new GrainStorageAcceptor(storage, guard, options.AcceptorTimeout, logger),
                storage.Incarnation,
                token => guard.StatusAsync(options.AcceptorTimeout, token));
        });
        return new GrainStorageCluster(
            configuration,
            [.. stores],
            [.. probes.Select(probe => FindWarning(probe, configuration)).OfType<string>()]);
    }

    /// <summary>Refuses a store that is unfit: waiting does not mend it, and it must not serve meanwhile.</summary>
    public static void RefuseUnfit(ImmutableArray<Probe> probes)
    {
        foreach (var probe in probes.Where(probe => probe.Unfit is not null))
        {
            throw new SlotStoreException($"{probe.Storage.Place}: {probe.Unfit}");
        }
    }

    /// <summary>
    /// The newest configuration, if enough slots hold it that no newer one can have been agreed on.
    /// </summary>
    private static Configuration Agree(ImmutableArray<Probe> probes)
    {
        RefuseUnfit(probes);
        var known = probes.Where(probe => probe.Record?.State is { Complete: true, Format: SlotRecord.FormatVersion })
            .ToList();
        if (known.Count == 0)
        {
            throw new SlotStoreException(
                $"No slot says which cluster it belongs to. {Reasons(probes)} A new cluster is made by " +
                $"{nameof(CasPaxosStorageInit.InitializeCasPaxosAsync)}.",
                mayPass: true);
        }

        var newest = known.MaxBy(probe => probe.Record!.State.Epoch)!.Record!.State;
        var configuration = newest.ToConfiguration();
        if (!configuration.Incarnations.SequenceEqual(probes.Select(probe => probe.Storage.Incarnation)))
        {
            throw new SlotStoreException(
                $"Cluster {configuration.ClusterId} has the slots {string.Join(", ", configuration.Incarnations)}; " +
                "the options have others, or another order of them.");
        }

        var agreeing = known.Count(
            probe => probe.Record!.State.AgreesWith(configuration) && probe.Record.State.Slot == probe.Storage.Slot);
        return agreeing >= configuration.PrepareQuorum
            ? configuration
            : throw new SlotStoreException(
                $"Only {agreeing} of {configuration.Slots} slots agree on the configuration of cluster " +
                $"{configuration.ClusterId}; {configuration.PrepareQuorum} are needed. {Reasons(probes)}",
                mayPass: true);
    }

    private static string? FindWarning(Probe probe, Configuration configuration) => probe switch
    {
        { Unreachable: { } failure } => failure.Message,
        { Record: null } => $"{probe.Storage.Place} does not serve: it was wiped, or never initialised.",
        _ when !probe.Record.State.AgreesWith(configuration) =>
            $"{probe.Storage.Place} does not serve: it is of another cluster, or of another configuration.",
        _ => null,
    };

    private static string Reasons(IEnumerable<Probe> probes) =>
        string.Join(' ', probes.Select(probe => probe switch
        {
            { Unreachable: { } failure } => failure.Message,
            { Record: null } => $"{probe.Storage.Place} holds no slot of incarnation {probe.Storage.Incarnation}.",
            { Record.State.Complete: false } => $"{probe.Storage.Place} is not completely initialised.",
            _ => $"{probe.Storage.Place} is slot {probe.Record.State.Slot} of cluster " +
                $"{probe.Record.State.ClusterId}, epoch {probe.Record.State.Epoch}.",
        }));
}
