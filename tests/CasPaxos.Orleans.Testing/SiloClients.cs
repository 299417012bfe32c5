using System.Net;
using CasPaxos.Registers;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Orleans.Configuration;

namespace CasPaxos.Orleans.Testing;

/// <summary>
/// Orleans clients of a <see cref="SiloProcessCluster"/> as applications have them, each with connections of its own.
/// </summary>
public sealed class SiloClients : IAsyncDisposable
{
    private readonly List<IHost> _hosts = [];

    private SiloClients()
    {
    }

    /// <summary>The registers, through each client.</summary>
    public IReadOnlyList<IRegisterClient> Registers => [.. Clients];

    /// <summary>The clients with what only they can be asked.</summary>
    public IReadOnlyList<GrainRegisterClient> Clients =>
        [.. _hosts.Select(host => (GrainRegisterClient)host.Services.GetRequiredService<IRegisterClient>())];

    /// <summary>One client for each of some silos, which knows that silo alone.</summary>
    public static Task<SiloClients> OfEachAsync(SiloProcessCluster cluster, params int[] silos) =>
        ConnectAsync(silos.Select(silo => (IPEndPoint[])[cluster.Gateways[silo]]));

    /// <summary>Clients that know all silos.</summary>
    public static Task<SiloClients> OfAllAsync(SiloProcessCluster cluster, int count) =>
        ConnectAsync(Enumerable.Repeat<IPEndPoint[]>([.. cluster.Gateways], count));

    /// <summary>Closes their connections.</summary>
    public async ValueTask DisposeAsync()
    {
        foreach (var host in _hosts)
        {
            await host.StopAsync();
            host.Dispose();
        }
    }

    private static async Task<SiloClients> ConnectAsync(IEnumerable<IPEndPoint[]> gateways)
    {
        var clients = new SiloClients();
        try
        {
            foreach (var known in gateways)
            {
                var host = Build(known);
                clients._hosts.Add(host);
                await host.StartAsync().WaitAsync(TimeSpan.FromSeconds(90));
            }

            return clients;
        }
        catch
        {
            await clients.DisposeAsync();
            throw;
        }
    }

    private static IHost Build(IPEndPoint[] gateways)
    {
        var builder = Host.CreateApplicationBuilder();
        builder.Logging.ClearProviders();
        builder.UseOrleansClient(client =>
        {
            client.UseStaticClustering(gateways);
            client.Configure<ClusterOptions>(cluster =>
                cluster.ClusterId = cluster.ServiceId = SiloProcessCluster.ClusterId);

            // How soon a gateway that was gone is used again.
            client.Configure<GatewayOptions>(options => options.GatewayListRefreshPeriod = TimeSpan.FromSeconds(1));
            client.AddCasPaxos();
        });
        return builder.Build();
    }
}
