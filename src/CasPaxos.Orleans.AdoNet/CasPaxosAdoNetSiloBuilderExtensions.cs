using CasPaxos.Orleans;
using CasPaxos.Orleans.AdoNet;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Orleans.Configuration;
using Orleans.Runtime.Hosting;
using Orleans.Storage;

namespace Orleans.Hosting;

/// <summary>Slots in Orleans' ADO.NET grain storage.</summary>
public static class CasPaxosAdoNetSiloBuilderExtensions
{
    /// <summary>
    /// Checks, whenever a slot begins to serve, that the table behind an ADO.NET grain storage can hold one: on
    /// PostgreSQL that it has a unique key and that the server keeps what it confirms. Needed for slots in storages
    /// that were added with AddAdoNetGrainStorage.
    /// </summary>
    /// <param name="builder">The silo.</param>
    public static ISiloBuilder AddCasPaxosAdoNet(this ISiloBuilder builder)
    {
        ArgumentNullException.ThrowIfNull(builder);
        if (!builder.Services.Any(service => service.ImplementationType == typeof(AdoNetSlotCheck)))
        {
            builder.Services.AddSingleton<ISlotStoreCheck, AdoNetSlotCheck>();
        }

        return builder;
    }

    /// <summary>
    /// Adds an ADO.NET grain storage for one slot, and <see cref="AddCasPaxosAdoNet"/>. The provider is Orleans' own;
    /// but where a silo with AddAdoNetGrainStorage does not start while the storage's database is down, with this one
    /// it does, and the slot serves once the database is back.
    /// </summary>
    /// <param name="builder">The silo.</param>
    /// <param name="name">The name of the storage, for <see cref="CasPaxosSlotOptions.GrainStorage"/>.</param>
    /// <param name="configure">Sets the invariant and the connection string.</param>
    public static ISiloBuilder AddCasPaxosAdoNetSlot(
        this ISiloBuilder builder, string name, Action<AdoNetGrainStorageOptions> configure) =>
        builder.AddCasPaxosAdoNetSlot(name, options => options.Configure(configure));

    /// <summary>The same, with options that need services.</summary>
    /// <param name="builder">The silo.</param>
    /// <param name="name">The name of the storage, for <see cref="CasPaxosSlotOptions.GrainStorage"/>.</param>
    /// <param name="configure">Sets the invariant and the connection string.</param>
    public static ISiloBuilder AddCasPaxosAdoNetSlot(
        this ISiloBuilder builder, string name, Action<OptionsBuilder<AdoNetGrainStorageOptions>> configure)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(configure);
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        builder.AddCasPaxosAdoNet();

        // All that AddAdoNetGrainStorage registers, but for a storage that takes part in the silo's start.
        configure(builder.Services.AddOptions<AdoNetGrainStorageOptions>(name));
        builder.Services.AddTransient<IConfigurationValidator>(services => new AdoNetGrainStorageOptionsValidator(
            services.GetRequiredService<IOptionsMonitor<AdoNetGrainStorageOptions>>().Get(name), name));
        builder.Services.ConfigureNamedOptionForLogging<AdoNetGrainStorageOptions>(name);
        builder.Services.AddTransient<
            IPostConfigureOptions<AdoNetGrainStorageOptions>,
            DefaultStorageProviderSerializerOptionsConfigurator<AdoNetGrainStorageOptions>>();
        builder.Services.AddTransient<
            IPostConfigureOptions<AdoNetGrainStorageOptions>,
            DefaultAdoNetGrainStorageOptionsHashPickerConfigurator>();
        builder.Services.AddGrainStorage(
            name, static (services, key) => new LateAdoNetStorage(AdoNetGrainStorageFactory.Create(services, key)));
        return builder;
    }
}
