using CasPaxos.Orleans;
using CasPaxos.Registers;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using Orleans.Configuration;
using Orleans.Metadata;
using Orleans.Runtime.Hosting;

namespace Orleans.Hosting;

/// <summary>The register service on silos.</summary>
public static class CasPaxosSiloBuilderExtensions
{
    /// <summary>
    /// Adds the register service: the acceptors of this silo's slot, proposers for all registers, and an
    /// <see cref="IRegisterClient"/> for its grains.
    /// </summary>
    /// <param name="builder">The silo.</param>
    /// <param name="configure">Sets options; the slots at the least.</param>
    /// <remarks>
    /// A silo whose options are wrong does not start: an <see cref="OrleansConfigurationException"/> names them.
    /// </remarks>
    public static ISiloBuilder AddCasPaxos(this ISiloBuilder builder, Action<CasPaxosOptions> configure) =>
        builder.AddCasPaxos(options => options.Configure(configure));

    /// <summary>The same with options from a section such as <c>CasPaxos</c>.</summary>
    public static ISiloBuilder AddCasPaxos(this ISiloBuilder builder, IConfiguration section) =>
        builder.AddCasPaxos(options => options.Configure(section.BindTo));

    /// <summary>The same, with options that need services.</summary>
    /// <param name="builder">The silo.</param>
    /// <param name="configure">Sets options; the slots at the least.</param>
    public static ISiloBuilder AddCasPaxos(
        this ISiloBuilder builder, Action<OptionsBuilder<CasPaxosOptions>> configure)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(configure);
        var services = builder.Services;
        configure(services.AddProviderOptions<CasPaxosOptions, CasPaxosOptionsValidator>());
        if (services.Any(service => service.ServiceType == typeof(SlotStores)))
        {
            return builder; // Added before: these options come on top.
        }

        services.AddSingleton<SlotStores>();
        services.AddSingleton<ILifecycleParticipant<ISiloLifecycle>>(
            provider => provider.GetRequiredService<SlotStores>());
        services.AddSingleton<AcceptorMap>();
        services.AddSingleton<IGrainPropertiesProvider, SlotLabel>();
        services.AddSingleton<SiloRegisters>();
        services.AddSingleton<ClientKeys>();
        services.AddSingleton<ILifecycleParticipant<ISiloLifecycle>, BackgroundEraser>();
        services.TryAddSingleton<IRegisterClient, SiloRegisterClient>();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IHealthSource, ServiceHealth>());
        services.AddPlacementDirector<AcceptorPlacement, AcceptorPlacementDirector>();
        services.AddGrainDirectory(
            ComputedDirectory.Name,
            static (provider, _) => ActivatorUtilities.CreateInstance<ComputedDirectory>(provider));
        builder.AddIncomingGrainCallFilter<ClientCallFilter>();
        return builder.UseGatewayGuard();
    }

    /// <summary>
    /// Ends connections to this silo's gateway whose client calls itself by a name that no client has, such as that of
    /// a silo: it would receive what is for the silo, and pass for it. Connections that say nothing for 10 s end too.
    /// AddCasPaxos does this; other silos of an application need it as well.
    /// </summary>
    /// <param name="builder">The silo.</param>
    public static ISiloBuilder UseGatewayGuard(this ISiloBuilder builder)
    {
        ArgumentNullException.ThrowIfNull(builder);
        var services = builder.Services;
        if (services.Any(service => service.ServiceType == typeof(GatewayGuard)))
        {
            return builder;
        }

        services.AddSingleton<GatewayGuard>();

        // After everything else, so that it sees what TLS has decrypted.
        services.PostConfigure<SiloConnectionOptions>(options => options.ConfigureGatewayInboundConnection(
            static connections =>
            {
                var guard = connections.ApplicationServices.GetRequiredService<GatewayGuard>();
                connections.Use(next => connection => guard.ReceiveAsync(connection, next));
            }));
        return builder;
    }
}
