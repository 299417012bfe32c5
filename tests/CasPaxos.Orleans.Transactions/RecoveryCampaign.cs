using System.Diagnostics;
using System.Net;
using CasPaxos.Testing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Orleans.Configuration;

namespace CasPaxos.Orleans.Transactions;

/// <summary>What a campaign saw.</summary>
/// <param name="Recoveries">Silos that were killed in the middle of transactions, and whose work was recovered.</param>
/// <param name="Committed">Transactions that were committed.</param>
/// <param name="Aborted">Transactions that were aborted.</param>
/// <param name="InDoubt">Transactions whose caller was not told.</param>
/// <param name="Problems">Pairs that do not hold the same, and the like; empty if every transaction was atomic.</param>
public sealed record RecoveryResult(
    int Recoveries, long Committed, long Aborted, long InDoubt, IReadOnlyList<string> Problems);

/// <summary>
/// Orleans transactions over silos that are killed without grace, each with its last writes at one database of three;
/// after every kill both sides of every transaction must hold the same.
/// </summary>
public static class RecoveryCampaign
{
    private const int Silos = 3;
    private const int Pairs = 12;

    /// <summary>Kills so many silos, one after the other.</summary>
    /// <param name="recoveries">1 or more.</param>
    /// <param name="seed">Decides which silo is killed when; not how the machine schedules that.</param>
    /// <param name="report">Told of each recovery; null for nobody.</param>
    public static async Task<RecoveryResult> RunAsync(int recoveries, int seed, Action<string>? report = null)
    {
        var folder = Directory.CreateTempSubdirectory("caspaxos-transactions-");
        await using var postgres = await PostgresTestCluster.StartAsync();
        var silos = new List<SiloUnderTest>();
        try
        {
            for (var number = 0; number < Silos; number++)
            {
                silos.Add(SiloUnderTest.Start(postgres, Path.Combine(folder.FullName, $"silo-{number}.log")));
            }

            using var client = await ConnectAsync(silos);
            var pairs = new Pairs(client.Services.GetRequiredService<IGrainFactory>(), Pairs);
            var random = new Random(seed);
            var problems = new List<string>();
            var done = 0;
            while (done < recoveries && problems.Count == 0)
            {
                var began = Stopwatch.GetTimestamp();
                await KillInTheMiddleAsync(pairs, silos[random.Next(Silos)], random);
                problems.AddRange(await pairs.FindProblemsAsync());
                report?.Invoke(
                    $"recovery {++done}: {Stopwatch.GetElapsedTime(began).TotalSeconds:0.0} s, {pairs.Committed} "
                    + $"committed, {pairs.Aborted} aborted, {pairs.InDoubt} in doubt");
            }

            return new RecoveryResult(done, pairs.Committed, pairs.Aborted, pairs.InDoubt, problems);
        }
        finally
        {
            foreach (var silo in silos)
            {
                await silo.DisposeAsync();
            }

            folder.Delete(recursive: true);
        }
    }

    private static async Task KillInTheMiddleAsync(Pairs pairs, SiloUnderTest victim, Random random)
    {
        using var stop = new CancellationTokenSource();
        var before = pairs.Committed;
        var writing = pairs.WriteAsync(stop.Token);
        while (pairs.Committed < before + Pairs)
        {
            await Task.Delay(20, CancellationToken.None); // All are at work, on whichever silo.
        }

        await victim.DieAsync(random.Next(3), TimeSpan.FromMilliseconds(random.Next(1, 30)));
        await stop.CancelAsync();
        victim.Restart();
        await writing;
    }

    private static async Task<IHost> ConnectAsync(List<SiloUnderTest> silos)
    {
        var until = DateTime.UtcNow + TimeSpan.FromMinutes(2);
        while (true)
        {
            var builder = Host.CreateApplicationBuilder();
            builder.Logging.SetMinimumLevel(LogLevel.Critical);
            builder.UseOrleansClient(client =>
            {
                client.Configure<ClusterOptions>(options => options.ClusterId = options.ServiceId = SiloHost.ClusterId);
                client.Configure<ClientMessagingOptions>(options => options.ResponseTimeout = TimeSpan.FromSeconds(10));
                client.UseStaticClustering(
                    [.. silos.Select(silo => new IPEndPoint(IPAddress.Loopback, silo.GatewayPort))]);
                client.UseTransactions();
            });
            var host = builder.Build();
            try
            {
                await host.StartAsync();
                return host;
            }
#pragma warning disable CA1031 // Silos that are not up yet are refused in several ways.
            catch (Exception failure)
#pragma warning restore CA1031
            {
                host.Dispose();
                if (DateTime.UtcNow > until)
                {
                    throw new TimeoutException($"No silo can be reached: {silos[0].ReadLog()}", failure);
                }

                await Task.Delay(200);
            }
        }
    }
}
