using System.Globalization;
using System.Net;
using System.Net.Sockets;
using CasPaxos.Orleans;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace CasPaxos.Client.Tests;

/// <summary>A real silo in this process, on loopback ports of its own, over the databases of a cluster.</summary>
internal sealed class TestSilo : IAsyncDisposable
{
    private readonly IHost _host;

    private TestSilo(IHost host, int gatewayPort)
    {
        _host = host;
        Gateway = string.Create(CultureInfo.InvariantCulture, $"127.0.0.1:{gatewayPort}");
    }

    /// <summary>What <c>--gateway</c> needs.</summary>
    public string Gateway { get; }

    /// <summary>Starts a silo of the slot 0.</summary>
    public static async Task<TestSilo> StartAsync(
        IEnumerable<string> connectionStrings, Action<ISiloBuilder>? configure = null)
    {
        var (siloPort, gatewayPort) = (FindFreePort(), FindFreePort());
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
        builder.Logging.ClearProviders();
        builder.UseOrleans(silo =>
        {
            silo.UseLocalhostClustering(siloPort, gatewayPort);
            silo.AddCasPaxos(options =>
            {
                options.Slot = 0;
                foreach (var connectionString in connectionStrings)
                {
                    options.Slots.Add(new CasPaxosSlotOptions { ConnectionString = connectionString });
                }
            });
            configure?.Invoke(silo);
        });
        var host = builder.Build();
        await host.StartAsync();
        return new TestSilo(host, gatewayPort);
    }

    /// <summary>Runs a command through the silo.</summary>
    public Task<CliResult> RunAsync(params string[] arguments) =>
        CliProcess.RunAsync([.. arguments[..1], "--gateway", Gateway, .. arguments[1..]]);

    public async ValueTask DisposeAsync()
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        await _host.StopAsync(limit.Token);
        _host.Dispose();
    }

    /// <summary>Below the ports of the PostgreSQL servers, and of outgoing connections.</summary>
    private static int FindFreePort()
    {
        while (true)
        {
            using var listener = new TcpListener(IPAddress.Loopback, Random.Shared.Next(12_000, 20_000));
            try
            {
                listener.Start();
                return ((IPEndPoint)listener.LocalEndpoint).Port;
            }
            catch (SocketException)
            {
                // Somebody else's.
            }
        }
    }
}
