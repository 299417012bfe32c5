using CasPaxos.Postgres;
using CasPaxos.Registers;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Orleans.Storage;

namespace CasPaxos.Orleans;

/// <summary>How to make a cluster of the slots that a silo's options name.</summary>
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

    /// <summary>
    /// Longest wait for a step of one slot: it is looked at, written, completed. Default 30 s; above 0.
    /// </summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(30);
}

/// <summary>The explicit init of a cluster (rule 18), for slots in grain storages, in databases, or in both.</summary>
public static class CasPaxosStorageInit
{
    /// <summary>
    /// Makes a cluster of the slots that the silo's options name, of whatever kinds. An explicit act, once: it refuses
    /// a slot that is initialised. Call it on a silo's host that is built and not started.
    /// </summary>
    /// <param name="services">The services of the host.</param>
    /// <param name="options">Quorums and the like; null for the defaults.</param>
    /// <param name="cancellationToken">Stops; what was begun is finished by an init that resumes.</param>
    /// <returns>The configuration that every slot has now.</returns>
    /// <remarks>
    /// Two passes: first every slot gets its identity, marked incomplete, then every mark is lifted. No slot serves
    /// before its mark is lifted, so one that is missing while marks are still on has never promised anything. A slot
    /// in grain storage has its incarnation from the options; that of a PostgreSQL slot is drawn, and is read from the
    /// database ever after.
    /// </remarks>
    /// <exception cref="OrleansConfigurationException">The silo's options are wrong; nothing was changed.</exception>
    /// <exception cref="ArgumentException">A quorum is wrong; nothing was changed.</exception>
    /// <exception cref="SlotStoreException">
    /// A store cannot be reached, is unfit, has a slot already, is on the server of another slot, or does not refuse a
    /// second first write.
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
        var limits = Limits(options.Timeout) with { ConfigureDataSource = silo.ConfigureDataSource };
        var stores = SiloSlots.Find(services, silo, limits, options.Timeout);
        var init = new ClusterInit(
            options.PrepareQuorum, options.AcceptQuorum, options.Resume, silo.AllowSharedServer);

        // Many providers connect when their silo starts, and this silo cannot start before its slots are initialised.
        var lifecycle = new SiloLifecycleSubject(services.GetRequiredService<ILogger<SiloLifecycleSubject>>());
        foreach (var name in silo.Slots.Where(slot => slot.IsInGrainStorage).Select(slot => slot.GrainStorage)
            .Distinct())
        {
            (services.GetRequiredKeyedService<IGrainStorage>(name) as ILifecycleParticipant<ISiloLifecycle>)
                ?.Participate(lifecycle);
        }

        try
        {
            await lifecycle.OnStart(cancellationToken);
            return (await ClusterSlots.InitializeAsync(stores, init, cancellationToken)).Configuration;
        }
        catch (ClusterException refused)
        {
            throw SlotStoreException.From(refused);
        }
        finally
        {
            await lifecycle.OnStop(CancellationToken.None);
        }
    }

    /// <summary>As PostgreSQL slots have them, but no longer than the whole step may take.</summary>
    private static PostgresAcceptorOptions Limits(TimeSpan timeout)
    {
        var limits = new PostgresInitOptions().Limits;
        return limits with
        {
            ConnectTimeout = timeout < limits.ConnectTimeout ? timeout : limits.ConnectTimeout,
            StatementTimeout = timeout < limits.StatementTimeout ? timeout : limits.StatementTimeout,
        };
    }
}
