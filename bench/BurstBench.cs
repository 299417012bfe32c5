using System.Diagnostics;
using System.Globalization;
using CasPaxos.Registers;
using CasPaxos.Testing;

namespace CasPaxos.Bench;

/// <summary>
/// What it costs to ask for everything at once: operations on fresh registers, all of them in one go, beside the same
/// in batches, through one client with its defaults but for the time of an operation.
/// </summary>
internal static class BurstBench
{
    private const int Operations = 50_000;
    private const int Batch = 500;
    private const int Rounds = 3;

    public static async Task RunAsync(Report report)
    {
        await using var cluster = await PostgresTestCluster.StartAsync();
        var client = new RegisterClient(
            cluster.Cluster.Configuration,
            cluster.Cluster.Acceptors,
            options: new RegisterClientOptions { Timeout = TimeSpan.FromMinutes(1) });
        await RunAsync("warm", Batch, (key, value) => client.PutAsync(key, value));

        var (writes, writesInBatches, reads, readsInBatches) = (0.0, 0.0, 0.0, 0.0);
        for (var round = 0; round < Rounds; round++)
        {
            // They take turns, so that both meet the same machine and a table of the same size.
            writes += await RunAsync($"{round}/at-once", Operations, (key, value) => client.PutAsync(key, value));
            writesInBatches += await RunAsync(
                $"{round}/batches", Batch, (key, value) => client.PutAsync(key, value));
            reads += await RunAsync($"{round}/at-once", Operations, (key, _) => client.GetAsync(key));
            readsInBatches += await RunAsync($"{round}/batches", Batch, (key, _) => client.GetAsync(key));
        }

        var peer = string.Create(CultureInfo.InvariantCulture, $"in batches of {Batch}");
        report.Add("first write", Operations, ToRate(writes), peer, ToRate(writesInBatches));
        report.Add("read", Operations, ToRate(reads), peer, ToRate(readsInBatches));
    }

    private static Rate ToRate(double seconds) => new(Rounds * Operations / seconds, P50: null, P99: null);

    private static async Task<double> RunAsync(
        string prefix, int atOnce, Func<RegisterKey, byte[], Task<Outcome>> operation)
    {
        var value = new byte[128];
        var began = Stopwatch.GetTimestamp();
        for (var from = 0; from < Operations; from += atOnce)
        {
            var outcomes = await Task.WhenAll(Enumerable.Range(from, atOnce).Select(
                i => operation(new RegisterKey($"burst/{prefix}/{i}"), value)));
            if (Array.Find(outcomes, outcome => outcome is not Outcome.Applied) is { } other)
            {
                throw new InvalidOperationException($"An operation ended as {other}.");
            }
        }

        return Stopwatch.GetElapsedTime(began).TotalSeconds;
    }
}
