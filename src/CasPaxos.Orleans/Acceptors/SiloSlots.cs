using System.Collections.Immutable;
using CasPaxos.Postgres;
using CasPaxos.Registers;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Orleans.Storage;

namespace CasPaxos.Orleans;

/// <summary>The slots that a silo's options name: each in a PostgreSQL database, or in a grain storage.</summary>
internal static class SiloSlots
{
    /// <summary>Makes the store of every slot; asks none of them anything.</summary>
    /// <param name="services">The silo's services, with the grain storages.</param>
    /// <param name="options">The slots.</param>
    /// <param name="postgres">Limits of the databases.</param>
    /// <param name="storageTimeout">Longest wait for a grain storage.</param>
    /// <exception cref="OrleansConfigurationException">
    /// An option is wrong, or a name or key leads to nothing.
    /// </exception>
    public static ImmutableArray<ISlotStore> Find(
        IServiceProvider services, CasPaxosOptions options, PostgresAcceptorOptions postgres, TimeSpan storageTimeout)
    {
        // Not every caller is a silo that starts, with all options checked.
        var wrong = new CasPaxosOptionsValidator(services).Validate(Options.DefaultName, options);
        if (wrong.Failed)
        {
            throw OptionsCheck.ToException(
                [new OptionsValidationException(Options.DefaultName, typeof(CasPaxosOptions), wrong.Failures)]);
        }

        ISlotStoreCheck[] checks = [.. services.GetServices<ISlotStoreCheck>()];
        var logger = services.GetRequiredService<ILogger<GrainStorageAcceptor>>();
        return [.. options.Slots.Select(ISlotStore (slot, number) =>
        {
            if (!slot.IsInGrainStorage)
            {
                return new PostgresSlot(slot.Databases(number)[0].Resolve(services), number, postgres);
            }

            var storage = services.GetRequiredKeyedService<IGrainStorage>(slot.GrainStorage);
            return new GrainStorageSlot(
                new SlotStorage(storage, slot.GrainStorage!, number, slot.Incarnation.GetValueOrDefault()),
                checks,
                storageTimeout,
                logger);
        })];
    }

    /// <summary>Finds the configuration and prepares to ask every slot.</summary>
    /// <exception cref="OrleansConfigurationException">An option is wrong.</exception>
    /// <exception cref="SlotStoreException">
    /// Fewer than a prepare quorum agree on the newest configuration, a store is unfit, or the options do not fit it.
    /// </exception>
    public static async Task<OpenedCluster> OpenAsync(
        IServiceProvider services, CasPaxosOptions options, CancellationToken cancellationToken)
    {
        var postgres = new PostgresAcceptorOptions
        {
            AllowSharedServer = options.AllowSharedServer,
            ConfigureDataSource = options.ConfigureDataSource,
        };
        var stores = Find(services, options, postgres, options.AcceptorTimeout);
        try
        {
            return await ClusterSlots.OpenAsync(stores, options.AllowSharedServer, cancellationToken);
        }
        catch (ClusterException refused)
        {
            throw SlotStoreException.From(refused);
        }
    }
}
