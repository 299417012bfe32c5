using CasPaxos.Orleans;
using CasPaxos.Registers;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Orleans.Configuration.Overrides;
using Orleans.Providers;
using Orleans.Runtime.Hosting;
using Orleans.Serialization.Serializers;
using Orleans.Storage;

[assembly: RegisterProvider("CasPaxos", "GrainStorage", "Silo", typeof(CasPaxosGrainStorageProviderBuilder))]

namespace Orleans.Hosting;

/// <summary>Grain storage in CASPaxos registers, on the services of a silo.</summary>
public static class CasPaxosGrainStorageServiceCollectionExtensions
{
    /// <summary>Adds a grain storage that keeps states in registers.</summary>
    /// <param name="services">The services of a silo.</param>
    /// <param name="name">The storage's name, as in <c>[PersistentState("state", "name")]</c>.</param>
    /// <param name="configure">Sets options; null for the defaults.</param>
    public static IServiceCollection AddCasPaxosGrainStorage(
        this IServiceCollection services, string name, Action<CasPaxosGrainStorageOptions>? configure = null) =>
        services.AddCasPaxosGrainStorage(name, options => options.Configure(configure ?? (static _ => { })));

    /// <summary>The same, with options that need services.</summary>
    /// <param name="services">The services of a silo.</param>
    /// <param name="name">The storage's name.</param>
    /// <param name="configure">Sets options.</param>
    public static IServiceCollection AddCasPaxosGrainStorage(
        this IServiceCollection services, string name, Action<OptionsBuilder<CasPaxosGrainStorageOptions>> configure)
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentNullException.ThrowIfNull(name);
        ArgumentNullException.ThrowIfNull(configure);
        configure(services.AddProviderOptions<CasPaxosGrainStorageOptions, CasPaxosGrainStorageOptionsValidator>(name));
        services.TryAddEnumerable(ServiceDescriptor.Transient<
            IPostConfigureOptions<CasPaxosGrainStorageOptions>,
            DefaultStorageProviderSerializerOptionsConfigurator<CasPaxosGrainStorageOptions>>());
        services.AddGrainStorage(name, Make);
        services.AddSingleton(provider => new ReservedPrefix(
            $"{provider.GetRequiredService<IOptionsMonitor<CasPaxosGrainStorageOptions>>().Get(name).KeyPrefix}/"));
        return services;
    }

    /// <summary>Adds the storage that grains use which name none.</summary>
    /// <param name="services">The services of a silo.</param>
    /// <param name="configure">Sets options; null for the defaults.</param>
    public static IServiceCollection AddCasPaxosGrainStorageAsDefault(
        this IServiceCollection services, Action<CasPaxosGrainStorageOptions>? configure = null) =>
        services.AddCasPaxosGrainStorage(ProviderConstants.DEFAULT_STORAGE_PROVIDER_NAME, configure);

    /// <summary>The same, with options that need services.</summary>
    /// <param name="services">The services of a silo.</param>
    /// <param name="configure">Sets options.</param>
    public static IServiceCollection AddCasPaxosGrainStorageAsDefault(
        this IServiceCollection services, Action<OptionsBuilder<CasPaxosGrainStorageOptions>> configure) =>
        services.AddCasPaxosGrainStorage(ProviderConstants.DEFAULT_STORAGE_PROVIDER_NAME, configure);

    private static CasPaxosGrainStorage Make(IServiceProvider services, string name)
    {
        var options = services.GetRequiredService<IOptionsMonitor<CasPaxosGrainStorageOptions>>().Get(name);
        var databases = options.HasDatabases
            ? ActivatorUtilities.CreateInstance<GrainStorageDatabases>(services, name, options)
            : null;

        // There is no service only where the options are wrong. Their check, which comes after this, says so.
        return new CasPaxosGrainStorage(
            name,
            services.GetProviderClusterOptions(name).Value.ServiceId,
            options,
            databases is null ? services.GetService<IRegisterClient>() : null,
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
                configurationSection.BindDatabases(settings);
                if (configurationSection["SerializerKey"] is { Length: > 0 } key)
                {
                    settings.GrainStorageSerializer = services.GetRequiredKeyedService<IGrainStorageSerializer>(key);
                }
            }));
}
