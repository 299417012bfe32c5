using System.Diagnostics;
using CasPaxos.Orleans.Testing;
using CasPaxos.Registers;
using CasPaxos.Testing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Orleans.Configuration;

namespace CasPaxos.Orleans.Clustering.Tests;

/// <summary>Silos, each a process of its own, whose membership is in registers.</summary>
public sealed class SiloClusterTests
{
    private static readonly RegisterKey Key = new("written/by/clients");

    [SkippableFact]
    public async Task A_cluster_that_loses_a_database_for_good_still_evicts_a_dead_silo_and_admits_a_new_one()
    {
        RegisterDatabases.Need();
        await using var postgres = await RegisterDatabases.StartAsync();
        await using var silos = await RegisterDatabases.StartSilosAsync(postgres);
        using var early = await ConnectAsync(postgres);
        await WriteAsync(early, "before");

        await postgres.Servers[0].KillAsync();
        await WriteAsync(early, "a database is gone");
        await silos.Silos[2].KillAsync();
        await WriteAsync(early, "a silo is gone");
        await UntilAsync(early, status => status.Silos.Count(silo => silo.State == "Active") == 2);
        Assert.Equal("silo-2", Assert.Single(await DeadAsync(postgres)));
        silos.Silos[2].Start();
        await silos.Silos[2].WaitUntilReadyAsync();
        await UntilAsync(early, status => status.Silos.Count(silo => silo.State == "Active") == 3);
        using var late = await ConnectAsync(postgres);
        await WriteAsync(late, "after");

        var seen = (Outcome.Applied)await Registers(early).GetAsync(Key);
        Assert.Equal("after"u8, seen.Current.Payload.Span);

        // Without a quorum silos and clients that know each other stay together.
        await postgres.Servers[1].KillAsync();
        await Task.Delay(TimeSpan.FromSeconds(6));
        Assert.IsNotType<Outcome.Applied>(await Registers(early).GetAsync(Key));
        Assert.All(silos.Silos, silo => Assert.NotNull(silo.Id));
        await postgres.Servers[1].RestartAsync();
        await UntilAsync(early, status => status.Silos.Count(silo => silo.State == "Active") == 3);
        await WriteAsync(late, "a quorum is back");
        await Task.WhenAll(early.StopAsync(), late.StopAsync());
    }

    /// <summary>A client that knows nothing but the databases.</summary>
    private static async Task<IHost> ConnectAsync(PostgresTestCluster postgres)
    {
        var builder = Host.CreateApplicationBuilder();
        builder.Logging.ClearProviders();
        builder.UseOrleansClient(client =>
        {
            client.UseCasPaxosClustering(options =>
            {
                Make.Databases(options, postgres.ConnectionStrings);
                options.GatewayRefreshPeriod = TimeSpan.FromSeconds(1);
            });
            client.Configure<ClusterOptions>(cluster =>
                cluster.ClusterId = cluster.ServiceId = SiloProcessCluster.ClusterId);
            client.AddCasPaxos();
        });
        var host = builder.Build();
        await host.StartAsync().WaitAsync(TimeSpan.FromSeconds(90));
        return host;
    }

    /// <summary>The silos that the table calls dead.</summary>
    private static async Task<IEnumerable<string>> DeadAsync(PostgresTestCluster postgres)
    {
        await using var table = Make.Table(postgres, SiloProcessCluster.ClusterId, SiloProcessCluster.ClusterId);
        return from member in (await table.ReadAll()).Members
               where member.Item1.Status == SiloStatus.Dead
               select member.Item1.SiloName;
    }

    private static GrainRegisterClient Registers(IHost host) =>
        (GrainRegisterClient)host.Services.GetRequiredService<IRegisterClient>();

    private static async Task WriteAsync(IHost host, string text) => Assert.IsType<Outcome.Applied>(
        await Registers(host).PutAsync(Key, System.Text.Encoding.UTF8.GetBytes(text)));

    private static async Task UntilAsync(IHost host, Func<ServiceStatus, bool> condition)
    {
        var began = Stopwatch.GetTimestamp();
        var last = "nobody answered";
        while (true)
        {
            try
            {
                var status = await Registers(host).StatusAsync().WaitAsync(TimeSpan.FromSeconds(5));
                last = SiloProcessCluster.Describe(status);
                if (condition(status))
                {
                    return;
                }
            }
            catch (Exception failure) when (failure is OrleansException or TimeoutException)
            {
                last = failure.Message; // A gateway that has just died.
            }

            Assert.True(Stopwatch.GetElapsedTime(began) < TimeSpan.FromSeconds(120), last);
            await Task.Delay(200);
        }
    }
}
