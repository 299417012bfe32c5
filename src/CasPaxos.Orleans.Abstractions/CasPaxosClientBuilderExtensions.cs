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
        this IClientBuilder builder, Action<GrainRegisterClientOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        var options = builder.Services
            .AddOptionsWithValidateOnStart<GrainRegisterClientOptions, GrainRegisterClientOptionsValidator>();
        if (configure is not null)
        {
            options.Configure(configure);
        }

        builder.Services.TryAddSingleton<IRegisterClient>(services => new GrainRegisterClient(
            services.GetRequiredService<IGrainFactory>(),
            services.GetRequiredService<IOptions<GrainRegisterClientOptions>>().Value,
            services.GetService<TimeProvider>()));
        return builder;
    }

    /// <summary>The same with options from a section such as <c>CasPaxos:Client</c>.</summary>
    public static IClientBuilder AddCasPaxos(this IClientBuilder builder, IConfiguration section) =>
        builder.AddCasPaxos(section.Bind);
}
