using System.Globalization;
using System.Net;
using CasPaxos.Testing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Orleans.Configuration;

namespace CasPaxos.Orleans.GrainDirectory.Tests;

/// <summary>This assembly as a program: one silo, the whole of a process, so that it can be killed.</summary>
internal static class SiloHost
{
    /// <param name="arguments">
    /// The silo's port, its gateway's port, its slot, the cluster, whether the directory has databases of its own, and
    /// the databases.
    /// </param>
    public static async Task Main(string[] arguments)
    {
        var builder = Host.CreateApplicationBuilder();
        builder.Logging.SetMinimumLevel(LogLevel.Warning);
        builder.UseOrleans(silo =>
        {
            silo.ConfigureEndpoints(IPAddress.Loopback, Number(arguments[0]), Number(arguments[1]));
            Make.Configure(
                silo, arguments[3], arguments[5..], passive: bool.Parse(arguments[4]), slot: Number(arguments[2]));

            // A silo that was killed is to be noticed soon.
            silo.Configure<ClusterMembershipOptions>(options =>
            {
                options.ProbeTimeout = TimeSpan.FromSeconds(2);
                options.NumMissedProbesLimit = 2;
                options.TableRefreshTimeout = TimeSpan.FromSeconds(2);
            });
            silo.Configure<SiloMessagingOptions>(options => options.ResponseTimeout = TimeSpan.FromSeconds(10));
        });
        await builder.Build().RunAsync();
    }

    private static int Number(string text) => int.Parse(text, CultureInfo.InvariantCulture);
}

/// <summary>A silo as a process of its own, and a client that knows no other one.</summary>
internal sealed class SiloUnderTest : LoggedProcess
{
    private readonly string _cluster;
    private readonly int _gateway;
    private IHost? _client;

    private SiloUnderTest(
        PostgresTestCluster postgres, string log, string cluster, int slot, bool passive, int gateway)
        : base(
            log,
            [
                "dotnet", "exec", typeof(SiloHost).Assembly.Location,
                $"{FreePorts.Next()}", $"{gateway}", $"{slot}", cluster, $"{passive}", .. postgres.ConnectionStrings,
            ])
    {
        _cluster = cluster;
        _gateway = gateway;
    }

    public IGrainFactory Grains => _client!.Services.GetRequiredService<IClusterClient>();

    /// <summary>Starts one.</summary>
    public static SiloUnderTest Start(PostgresTestCluster postgres, string log, string cluster, int slot, bool passive)
    {
        var silo = new SiloUnderTest(postgres, log, cluster, slot, passive, FreePorts.Next());
        silo.Start();
        return silo;
    }

    /// <summary>Connects the client as soon as the silo lets it.</summary>
    public async Task ConnectAsync()
    {
        var builder = Host.CreateApplicationBuilder();
        builder.Logging.ClearProviders();
        builder.UseOrleansClient(client =>
        {
            client.UseStaticClustering(new IPEndPoint(IPAddress.Loopback, _gateway));
            client.Configure<ClusterOptions>(options => options.ClusterId = options.ServiceId = _cluster);
            client.Configure<ClientMessagingOptions>(
                options => options.ResponseTimeout = TimeSpan.FromSeconds(20));
            client.UseConnectionRetryFilter(async (_, stop) =>
            {
                await Task.Delay(200, stop);
                return Id is not null;
            });
        });
        _client = builder.Build();
        try
        {
            await _client.StartAsync().WaitAsync(TimeSpan.FromMinutes(3));
        }
        catch (Exception failure)
        {
            throw new InvalidOperationException($"No way to the silo: {ReadLog()}", failure);
        }
    }

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        if (_client is not null)
        {
            // What of it is still waiting for the silo is not waited for.
            using var now = new CancellationTokenSource(TimeSpan.Zero);
            await _client.StopAsync(now.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            _client.Dispose();
        }
    }
}
