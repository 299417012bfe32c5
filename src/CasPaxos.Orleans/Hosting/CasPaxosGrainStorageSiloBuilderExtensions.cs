using CasPaxos.Orleans;
using CasPaxos.Registers;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Orleans.Configuration;
using Orleans.Configuration.Overrides;
using Orleans.Providers;
using Orleans.Runtime.Hosting;
using Orleans.Serialization.Serializers;
using Orleans.Storage;

[assembly: RegisterProvider("CasPaxos", "GrainStorage", "Silo", typeof(CasPaxosGrainStorageProviderBuilder))]

namespace Orleans.Hosting;

/// <summary>Grain storage in CASPaxos registers.</summary>
public static class CasPaxosGrainStorageSiloBuilderExtensions
{
    /// <summary>
    /// Adds a grain storage that keeps states in registers: those of the silo's register service
    /// (<see cref="CasPaxosSiloBuilderExtensions.AddCasPaxos(ISiloBuilder, Action{CasPaxosOptions})"/>), or of the
    /// databases that its options name.
    /// </summary>
    /// <param name="builder">The silo.</param>
    /// <param name="name">The storage's name, as in <c>[PersistentState("state", "name")]</c>.</param>
    /// <param name="configure">Sets options; null for the defaults.</param>
    public static ISiloBuilder AddCasPaxosGrainStorage(
        this ISiloBuilder builder, string name, Action<CasPaxosGrainStorageOptions>? configure = null) =>
        builder.AddCasPaxosGrainStorage(name, options => options.Configure(configure ?? (static _ => { })));

    /// <summary>The same, with options that need services.</summary>
    /// <param name="builder">The silo.</param>
    /// <param name="name">The storage's name.</param>
    /// <param name="configure">Sets options.</param>
    public static ISiloBuilder AddCasPaxosGrainStorage(
        this ISiloBuilder builder, string name, Action<OptionsBuilder<CasPaxosGrainStorageOptions>> configure)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(name);
        ArgumentNullException.ThrowIfNull(configure);
        var services = builder.Services;
        configure(services.AddOptionsWithValidateOnStart<
            CasPaxosGrainStorageOptions, CasPaxosGrainStorageOptionsValidator>(name));
        services.TryAddEnumerable(ServiceDescriptor.Transient<
            IPostConfigureOptions<CasPaxosGrainStorageOptions>,
            DefaultStorageProviderSerializerOptionsConfigurator<CasPaxosGrainStorageOptions>>());
        services.ConfigureNamedOptionForLogging<CasPaxosGrainStorageOptions>(name);
        services.AddGrainStorage(name, Make);
        return builder;
    }

    /// <summary>Adds the storage that grains use which name none.</summary>
    /// <param name="builder">The silo.</param>
    /// <param name="configure">Sets options; null for the defaults.</param>
    public static ISiloBuilder AddCasPaxosGrainStorageAsDefault(
        this ISiloBuilder builder, Action<CasPaxosGrainStorageOptions>? configure = null) =>
        builder.AddCasPaxosGrainStorage(ProviderConstants.DEFAULT_STORAGE_PROVIDER_NAME, configure);

    private static CasPaxosGrainStorage Make(IServiceProvider services, string name)
    {
        var options = services.GetRequiredService<IOptionsMonitor<CasPaxosGrainStorageOptions>>().Get(name);
        var databases = options.ConnectionStrings.Count == 0
            ? null
            : ActivatorUtilities.CreateInstance<GrainStorageDatabases>(services, name, options);
        return new CasPaxosGrainStorage(
            name,
            services.GetProviderClusterOptions(name).Value.ServiceId,
            options,
            databases is null ? services.GetRequiredService<IRegisterClient>() : null,
            services.GetRequiredService<IActivatorProvider>(),
            services.GetRequiredService<ILogger<CasPaxosGrainStorage>>(),
            databases);
    }
}

/// <summary>Adds a storage that is named by configuration.</summary>
internal sealed class CasPaxosGrainStorageProviderBuilder : IProviderBuilder<ISiloBuilder>
{
    public void Configure(ISiloBuilder builder, string? name, IConfigurationSection configurationSection) =>
        builder.AddCasPaxosGrainStorage(
            name ?? ProviderConstants.DEFAULT_STORAGE_PROVIDER_NAME,
            options => options.Configure<IServiceProvider>((settings, services) =>
            {
                configurationSection.Bind(settings);
                if (configurationSection["SerializerKey"] is { Length: > 0 } key)
                {
                    settings.GrainStorageSerializer = services.GetRequiredKeyedService<IGrainStorageSerializer>(key);
                }
            }));
}
