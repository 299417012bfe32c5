using CasPaxos.Orleans;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Orleans.Configuration;
using Orleans.Messaging;
using Orleans.Providers;

[assembly: RegisterProvider("CasPaxos", "Clustering", "Silo", typeof(CasPaxosClusteringProvider))]
[assembly: RegisterProvider("CasPaxos", "Clustering", "Client", typeof(CasPaxosClusteringProvider))]

namespace Orleans.Hosting;

/// <summary>Orleans clustering in registers.</summary>
public static class CasPaxosClusteringExtensions
{
    /// <summary>
    /// Keeps the cluster's membership in registers: it outlives the loss of any minority of their databases. The
    /// silo's own proposers ask the databases directly, so that the membership needs no silo.
    /// </summary>
    /// <param name="builder">The silo.</param>
    /// <param name="configure">Sets options; the databases at the least.</param>
    /// <remarks>
    /// The registers' keys begin with <c>membership/</c>; applications that use the same databases keep off them.
    /// A silo that starts fails with <see cref="RegisterGrainUnavailableException"/> if no quorum of the databases
    /// answers within <see cref="PassiveDatabasesOptions.StartTimeout"/>, and with
    /// <see cref="OrleansConfigurationException"/> if an option is wrong.
    /// </remarks>
    public static ISiloBuilder UseCasPaxosClustering(
        this ISiloBuilder builder, Action<CasPaxosClusteringOptions> configure) =>
        builder.UseCasPaxosClustering(options => options.Configure(configure));

    /// <summary>The same with options from a section such as <c>Orleans:Clustering</c>.</summary>
    public static ISiloBuilder UseCasPaxosClustering(this ISiloBuilder builder, IConfiguration section) =>
        builder.UseCasPaxosClustering(options => options.Configure(section.BindDatabases));

    /// <summary>The same, with options that need services.</summary>
    public static ISiloBuilder UseCasPaxosClustering(
        this ISiloBuilder builder, Action<OptionsBuilder<CasPaxosClusteringOptions>> configure)
    {
        ArgumentNullException.ThrowIfNull(builder);
        AddOptions(builder.Services, configure);
        builder.Services.AddSingleton<IMembershipTable, CasPaxosMembershipTable>();
        return builder;
    }

    /// <summary>Finds the gateways of a cluster whose membership is in registers.</summary>
    /// <param name="builder">The client.</param>
    /// <param name="configure">Sets options; the databases at the least.</param>
    /// <remarks>
    /// Once connected, a client goes on with the gateways that it knows while no quorum answers. One that starts fails
    /// as a silo does.
    /// </remarks>
    public static IClientBuilder UseCasPaxosClustering(
        this IClientBuilder builder, Action<CasPaxosClusteringOptions> configure) =>
        builder.UseCasPaxosClustering(options => options.Configure(configure));

    /// <summary>The same with options from a section such as <c>Orleans:Clustering</c>.</summary>
    public static IClientBuilder UseCasPaxosClustering(this IClientBuilder builder, IConfiguration section) =>
        builder.UseCasPaxosClustering(options => options.Configure(section.BindDatabases));

    /// <summary>The same, with options that need services.</summary>
    public static IClientBuilder UseCasPaxosClustering(
        this IClientBuilder builder, Action<OptionsBuilder<CasPaxosClusteringOptions>> configure)
    {
        ArgumentNullException.ThrowIfNull(builder);
        AddOptions(builder.Services, configure);
        builder.Services.AddOptions<GatewayOptions>().PostConfigure<IOptions<CasPaxosClusteringOptions>>(
            (gateways, clustering) => gateways.GatewayListRefreshPeriod =
                clustering.Value.GatewayRefreshPeriod ?? gateways.GatewayListRefreshPeriod);
        builder.Services.AddSingleton<IGatewayListProvider, CasPaxosGatewayList>();
        return builder;
    }

    private static void AddOptions(
        IServiceCollection services, Action<OptionsBuilder<CasPaxosClusteringOptions>> configure)
    {
        ArgumentNullException.ThrowIfNull(configure);
        configure(services.AddProviderOptions<CasPaxosClusteringOptions, CasPaxosClusteringOptions.Validator>());
    }
}

/// <summary>For <c>Orleans:Clustering:ProviderType</c> = <c>CasPaxos</c>.</summary>
internal sealed class CasPaxosClusteringProvider : IProviderBuilder<ISiloBuilder>, IProviderBuilder<IClientBuilder>
{
    public void Configure(ISiloBuilder builder, string? name, IConfigurationSection configurationSection) =>
        builder.UseCasPaxosClustering(configurationSection);

    public void Configure(IClientBuilder builder, string? name, IConfigurationSection configurationSection) =>
        builder.UseCasPaxosClustering(configurationSection);
}
