using System.Globalization;
using CasPaxos.Registers;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Orleans.Configuration;
using Orleans.Storage;
using Orleans.TestingHost;

namespace CasPaxos.Orleans.Tests;

/// <summary>Slots in grain storages, without a silo: what a silo does with them when it starts.</summary>
internal static class StorageHost
{
    /// <summary>The name of the only storage of most tests.</summary>
    public const string Name = "slot";

    /// <summary>A busy machine is no failure.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    /// <summary>A silo's host that is built and not started.</summary>
    public static IHost Build(Action<ISiloBuilder> configure, string serviceId = "tests")
    {
        var builder = Host.CreateApplicationBuilder();
        builder.Logging.ClearProviders();
        builder.UseOrleans(silo =>
        {
            silo.UseLocalhostClustering();
            silo.Configure<ClusterOptions>(options => options.ServiceId = serviceId);
            configure(silo);
        });
        return builder.Build();
    }

    /// <summary>
    /// Silos and a client, over slots that are initialised as an operator does it: once, with a host that has a silo's
    /// settings and is not started.
    /// </summary>
    /// <param name="silos">How many at first.</param>
    /// <param name="configure">Configures the silo of a number.</param>
    public static async Task<InProcessTestCluster> DeployAsync(short silos, Action<ISiloBuilder, int> configure)
    {
        var builder = new InProcessTestClusterBuilder(silos);
        builder.ConfigureSilo((silo, siloBuilder) => configure(
            siloBuilder, int.Parse(silo.SiloName.Split('_')[^1], CultureInfo.InvariantCulture)));
        builder.ConfigureClient(client => client.AddCasPaxos());
        using (var host = Build(silo => configure(silo, 0), builder.Options.ServiceId))
        {
            await host.Services.InitializeCasPaxosAsync();
        }

        var cluster = builder.Build();
        await cluster.DeployAsync();
        return cluster;
    }

    /// <summary>Services with storages that need no silo.</summary>
    public static ServiceProvider Services(params (string Name, IGrainStorage Storage)[] storages)
    {
        var services = new ServiceCollection();
        services.AddSingleton<ILoggerFactory>(NullLoggerFactory.Instance);
        services.AddSingleton(typeof(ILogger<>), typeof(NullLogger<>));
        foreach (var (name, storage) in storages)
        {
            services.AddKeyedSingleton(name, storage);
        }

        return services.BuildServiceProvider();
    }

    /// <summary>Options of a cluster with a slot in each storage, each with a new incarnation.</summary>
    public static CasPaxosOptions Options(params string[] storages)
    {
        var options = new CasPaxosOptions { AcceptorTimeout = Patience };
        foreach (var name in storages)
        {
            options.Slots.Add(new CasPaxosSlotOptions { GrainStorage = name, Incarnation = Guid.NewGuid() });
        }

        return options;
    }

    public static Task<Configuration> InitializeAsync(
        IServiceProvider services, CasPaxosOptions options, bool resume = false) =>
        CasPaxosStorageInit.RunAsync(
            services, options, new CasPaxosStorageInitOptions { Resume = resume }, CancellationToken.None);

    public static Task<OpenedCluster> OpenAsync(IServiceProvider services, CasPaxosOptions options) =>
        SiloSlots.OpenAsync(services, options, CancellationToken.None);

    /// <summary>The acceptor of a cluster's first slot, with its memory empty.</summary>
    public static async Task<IAcceptor> OpenAcceptorAsync(IServiceProvider services, CasPaxosOptions options) =>
        (await OpenAsync(services, options)).Slots[0].Acceptor;
}
