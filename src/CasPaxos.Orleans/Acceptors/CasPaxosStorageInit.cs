using System.Collections.Immutable;
using CasPaxos.Registers;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Orleans.Storage;

namespace CasPaxos.Orleans;

/// <summary>How to make a cluster of slots in grain storage.</summary>
public sealed record CasPaxosStorageInitOptions
{
    /// <summary>How many slots must promise. Default null: the smallest majority.</summary>
    public int? PrepareQuorum { get; init; }

    /// <summary>How many slots must accept. Default null: the smallest majority.</summary>
    public int? AcceptQuorum { get; init; }

    /// <summary>
    /// Finishes an init that was interrupted, with the configuration that it had begun with; the quorums above are then
    /// not used. Default false.
    /// </summary>
    public bool Resume { get; init; }

    /// <summary>Longest wait for all of one slot's steps. Default 30 s; above 0.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(30);
}

/// <summary>The explicit init of a cluster whose slots are in grain storage (rule 18).</summary>
public static class CasPaxosStorageInit
{
    private const long FirstEpoch = 1;

    /// <summary>
    /// Makes a cluster of the slots that the silo's options name. An explicit act, once: it refuses a slot that is
    /// initialised. Call it on a silo's host that is built and not started.
    /// </summary>
    /// <param name="services">The services of the host.</param>
    /// <param name="options">Quorums and the like; null for the defaults.</param>
    /// <param name="cancellationToken">Stops; what was begun is finished by an init that resumes.</param>
    /// <returns>The configuration that every slot has now.</returns>
    /// <remarks>
    /// Two passes, as for PostgreSQL: first every slot gets its record, marked incomplete, then every mark is lifted.
    /// No slot serves before its mark is lifted, so one that is missing while marks are still on has never promised
    /// anything.
    /// </remarks>
    /// <exception cref="OptionsValidationException">The options name no grain storages, or not only.</exception>
    /// <exception cref="ArgumentException">A quorum is wrong; nothing was changed.</exception>
    /// <exception cref="SlotStoreException">
    /// A storage cannot be reached, is unfit, has a slot already, or does not refuse a second first write.
    /// </exception>
    public static Task<Configuration> InitializeCasPaxosAsync(
        this IServiceProvider services,
        CasPaxosStorageInitOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(services);
        options ??= new CasPaxosStorageInitOptions();
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(options.Timeout, TimeSpan.Zero);
        return RunAsync(
            services, services.GetRequiredService<IOptions<CasPaxosOptions>>().Value, options, cancellationToken);
    }

    /// <summary>The same with the silo's options at hand.</summary>
    internal static async Task<Configuration> RunAsync(
        IServiceProvider services,
        CasPaxosOptions silo,
        CasPaxosStorageInitOptions options,
        CancellationToken cancellationToken)
    {
        var storages = GrainStorageCluster.Find(services, silo);
        var planned = Plan(storages, options); // Before anything is touched: it checks the quorums.

        // Many providers connect when their silo starts, and this silo cannot start before its slots are initialised.
        var lifecycle = new SiloLifecycleSubject(services.GetRequiredService<ILogger<SiloLifecycleSubject>>());
        foreach (var name in storages.Select(storage => storage.Name).Distinct())
        {
            (services.GetRequiredKeyedService<IGrainStorage>(name) as ILifecycleParticipant<ISiloLifecycle>)
                ?.Participate(lifecycle);
        }

        try
        {
            await lifecycle.OnStart(cancellationToken);
            return await RunAsync(services, silo, storages, planned, options, cancellationToken);
        }
        finally
        {
            await lifecycle.OnStop(CancellationToken.None);
        }
    }

    private static Configuration Plan(ImmutableArray<SlotStorage> storages, CasPaxosStorageInitOptions options)
    {
        var majority = (storages.Length / 2) + 1;
        return new Configuration(
            Guid.NewGuid(),
            FirstEpoch,
            storages.Select(storage => storage.Incarnation),
            options.PrepareQuorum ?? majority,
            options.AcceptQuorum ?? majority);
    }

    private static async Task<Configuration> RunAsync(
        IServiceProvider services,
        CasPaxosOptions silo,
        ImmutableArray<SlotStorage> storages,
        Configuration planned,
        CasPaxosStorageInitOptions options,
        CancellationToken cancellationToken)
    {
        var probes = await GrainStorageCluster.ProbeAsync(
            storages,
            [.. services.GetServices<ISlotStoreCheck>()],
            new SlotServers(silo.AllowSharedServer),
            options.Timeout,
            cancellationToken);
        GrainStorageCluster.RefuseUnfit(probes);
        if (probes.FirstOrDefault(probe => probe.Unreachable is not null) is { Unreachable: { } unreachable })
        {
            throw new SlotStoreException(
                $"An init needs every slot. {unreachable.Message}", mayPass: true, unreachable);
        }

        var configuration = Resume(probes, options) ?? planned;
        foreach (var probe in probes.Where(probe => probe.Record is null))
        {
            await WriteAsync(probe.Storage, options, token => CreateAsync(probe.Storage, configuration, token));
        }

        foreach (var probe in probes)
        {
            await WriteAsync(probe.Storage, options, token => CompleteAsync(probe.Storage, configuration, token));
        }

        return configuration;
    }

    /// <summary>The configuration of an init that was interrupted; null when there was none.</summary>
    private static Configuration? Resume(
        ImmutableArray<GrainStorageCluster.Probe> probes, CasPaxosStorageInitOptions options)
    {
        var found = probes.Where(probe => probe.Record is not null).ToList();
        if (found.Count == 0)
        {
            return null;
        }

        var places = string.Join(", ", found.Select(probe => probe.Storage.Place));
        if (found.Find(probe => probe.Record!.State.Complete) is { } complete
            && (found.Count < probes.Length || found.TrueForAll(probe => probe.Record!.State.Complete)))
        {
            // Complete means that all slots had their records. One that has none now was wiped: never fill it again.
            throw new SlotStoreException(
                $"Initialised already: {places}, of cluster {complete.Record!.State.ClusterId}. An init is for new " +
                "slots.");
        }

        if (!options.Resume)
        {
            throw new SlotStoreException($"An init was begun and not finished: {places}. Run it again, with Resume.");
        }

        var first = found[0].Record!.State;
        if (first.Format != SlotRecord.FormatVersion)
        {
            throw new SlotStoreException($"{found[0].Storage.Place} has a record of format {first.Format}.");
        }

        var configuration = first.ToConfiguration();
        return configuration.Incarnations.SequenceEqual(probes.Select(probe => probe.Storage.Incarnation))
            && found.TrueForAll(probe => probe.Record!.State.AgreesWith(configuration)
                && probe.Record.State.Slot == probe.Storage.Slot)
            ? configuration
            : throw new SlotStoreException(
                $"These are not the slots of one init in their order: {places}. Give them new incarnations, and " +
                "begin anew.");
    }

    private static async Task CreateAsync(
        SlotStorage storage, Configuration configuration, CancellationToken deadline)
    {
        await FirstWriteAsync(storage, configuration, deadline);
        try
        {
            // A store where the last of two first writers wins would forget promises: this one must be refused.
            await FirstWriteAsync(storage, configuration, deadline);
        }
        catch (InconsistentStateException)
        {
            return;
        }

        throw new SlotStoreException(
            $"{storage.Place} lets a first write follow another one: it does not guard its records with ETags, so it " +
            "cannot hold a slot.");
    }

    private static Task FirstWriteAsync(
        SlotStorage storage, Configuration configuration, CancellationToken deadline) =>
        storage.WriteSlotAsync(
            new GrainState<SlotRecord>(SlotRecord.From(configuration, storage.Slot, complete: false)), deadline);

    private static async Task CompleteAsync(
        SlotStorage storage, Configuration configuration, CancellationToken deadline)
    {
        var record = await storage.ReadSlotAsync(deadline);
        if (!record.State.AgreesWith(configuration))
        {
            throw new SlotStoreException($"{storage.Place}: its record, just written, is gone or another one.");
        }

        record.State.Complete = true;
        await storage.WriteSlotAsync(record, deadline);
    }

    private static async Task WriteAsync(
        SlotStorage storage, CasPaxosStorageInitOptions options, Func<CancellationToken, Task> step)
    {
        using var deadline = new CancellationTokenSource(options.Timeout);
        try
        {
            await step(deadline.Token);
        }
        catch (Exception failure) when (failure is AcceptorUnavailableException or InconsistentStateException)
        {
            throw new SlotStoreException(
                $"{failure.Message} The init of {storage.Place} was not finished: run it again and let it resume.",
                mayPass: true,
                failure);
        }
    }
}
