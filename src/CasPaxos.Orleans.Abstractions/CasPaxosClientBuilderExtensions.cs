using CasPaxos.Orleans;
using CasPaxos.Registers;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;

namespace Orleans.Hosting;

/// <summary>Registers for Orleans clients.</summary>
public static class CasPaxosClientBuilderExtensions
{
    /// <summary>
    /// Adds an <see cref="IRegisterClient"/> to the services: the registers of the cluster that the client is connected
    /// to.
    /// </summary>
    /// <param name="builder">The client.</param>
    /// <param name="configure">Sets options; null for the defaults.</param>
    public static IClientBuilder AddCasPaxos(
        this IClientBuilder builder, Action<GrainRegisterClientOptions>? configure = null) =>
        builder.AddCasPaxos(options => options.Configure(configure ?? (static _ => { })));

    /// <summary>The same with options from a section such as <c>CasPaxos:Client</c>.</summary>
    public static IClientBuilder AddCasPaxos(this IClientBuilder builder, IConfiguration section) =>
        builder.AddCasPaxos(options => options.Configure(section.BindTo));

    /// <summary>The same, with options that need services.</summary>
    /// <param name="builder">The client.</param>
    /// <param name="configure">Sets options.</param>
    /// <remarks>
    /// A client whose options are wrong does not start: an <see cref="OrleansConfigurationException"/> names them.
    /// </remarks>
    public static IClientBuilder AddCasPaxos(
        this IClientBuilder builder, Action<OptionsBuilder<GrainRegisterClientOptions>> configure)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(configure);
        configure(builder.Services
            .AddProviderOptions<GrainRegisterClientOptions, GrainRegisterClientOptionsValidator>());
        builder.Services.TryAddEnumerable(ServiceDescriptor.Singleton<IHealthSource, ServiceHealth>());
        builder.Services.TryAddSingleton<IRegisterClient>(services => new GrainRegisterClient(
            services.GetRequiredService<IGrainFactory>(),
            services.GetRequiredService<IOptions<GrainRegisterClientOptions>>().Value,
            services.GetService<TimeProvider>()));
        return builder;
    }
}
