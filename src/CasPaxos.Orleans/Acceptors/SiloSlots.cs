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
    /// <exception cref="OptionsValidationException">A name leads to nothing, or two slots have one storage.</exception>
    /// <exception cref="ArgumentException">A connection string is wrong.</exception>
    public static ImmutableArray<ISlotStore> Find(
        IServiceProvider services, CasPaxosOptions options, PostgresAcceptorOptions postgres, TimeSpan storageTimeout)
    {
        var named = options.Slots.Index().Where(slot => slot.Item.IsInGrainStorage)
            .Select(slot => (Number: slot.Index, Name: slot.Item.GrainStorage!)).ToList();
        var errors = named.Where(slot => services.GetKeyedService<IGrainStorage>(slot.Name) is null).Select(slot =>
            $"{nameof(CasPaxosOptions.Slots)}:{slot.Number}:{nameof(CasPaxosSlotOptions.GrainStorage)}: no grain " +
            $"storage named '{slot.Name}' was added to the silo.").ToList();
        if (!options.AllowSharedServer)
        {
            errors.AddRange(named.GroupBy(slot => slot.Name).Where(same => same.Count() > 1).Select(same =>
                $"{nameof(CasPaxosOptions.Slots)}: several slots are in grain storage '{same.Key}'. One failure " +
                $"would take them all; for development there is the option {nameof(options.AllowSharedServer)}."));
        }

        if (errors.Count > 0)
        {
            throw new OptionsValidationException(nameof(CasPaxosOptions), typeof(CasPaxosOptions), errors);
        }

        ISlotStoreCheck[] checks = [.. services.GetServices<ISlotStoreCheck>()];
        var logger = services.GetRequiredService<ILogger<GrainStorageAcceptor>>();
        return [.. options.Slots.Select(ISlotStore (slot, number) =>
        {
            if (!slot.IsInGrainStorage)
            {
                return new PostgresSlot(slot.ConnectionString ?? "", number, postgres);
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
    /// <exception cref="SlotStoreException">
    /// Fewer than a prepare quorum agree on the newest configuration, a store is unfit, or the options do not fit it.
    /// </exception>
    public static async Task<OpenedCluster> OpenAsync(
        IServiceProvider services, CasPaxosOptions options, CancellationToken cancellationToken)
    {
        var postgres = new PostgresAcceptorOptions { AllowSharedServer = options.AllowSharedServer };
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
