using System.Net;
using CasPaxos.Orleans.Testing;
using CasPaxos.Registers;
using CasPaxos.Testing;
using Microsoft.Extensions.Hosting;

namespace CasPaxos.Bench;

/// <summary>
/// A client far away that changes the register which clients nearby keep busy, beside the same client and a register
/// that nobody else changes: what the distance alone allows.
/// </summary>
internal static class DistanceBench
{
    private const int Nearby = 64;

    private static readonly int[] Distances = [15, 50]; // Milliseconds, one way.

    public static async Task RunAsync(TimeSpan duration, Report report)
    {
        await using var postgres = await PostgresTestCluster.StartAsync();
        await using var silos = await SiloProcessCluster.StartAsync(postgres);
        using var near = await ConnectAsync(silos.Gateways);
        var hot = new RegisterKey("hot");
        foreach (var distance in Distances)
        {
            using var far = await ConnectAsync(silos.Gateways, TimeSpan.FromMilliseconds(distance));
            var own = new RegisterKey($"own/{distance}");
            var alone = await Measure.RunAsync(1, duration, (_, _) => ChangeAsync(far, own));
            using var end = new CancellationTokenSource();
            var busy = Task.WhenAll(Enumerable.Range(0, Nearby).Select(_ => KeepBusyAsync(near, hot, end.Token)));
            var together = await Measure.RunAsync(1, duration, (_, _) => ChangeAsync(far, hot));
            await end.CancelAsync();
            var changes = (await busy).Sum();
            Console.Error.WriteLine($"  meanwhile {changes / (1.2 * duration.TotalSeconds):N0} changes a second");
            report.Add($"increment from {distance} ms away", 1, together, "of a register of its own", alone);
        }
    }

    private static async Task<long> KeepBusyAsync(IHost client, RegisterKey key, CancellationToken end)
    {
        var changes = 0L;
        for (; !end.IsCancellationRequested; changes++)
        {
            await ChangeAsync(client, key);
        }

        return changes;
    }

    private static Task ChangeAsync(IHost client, RegisterKey key) => 
        OrleansBench.Applied(OrleansBench.RegistersOf(client).IncrementAsync(key));

    private static Task<IHost> ConnectAsync(IReadOnlyList<IPEndPoint> gateways, TimeSpan distance = default) =>
        OrleansBench.ConnectAsync(SiloProcessCluster.ClusterId, gateways, client =>
        {
            if (distance > TimeSpan.Zero)
            {
                client.AddOutgoingGrainCallFilter(new Distance(distance));
            }
        });

    /// <summary>Every call is on its way for so long, there and back.</summary>
    private sealed class Distance(TimeSpan oneWay) : IOutgoingGrainCallFilter
    {
        public async Task Invoke(IOutgoingGrainCallContext context)
        {
            await Task.Delay(oneWay);
            await context.Invoke();
            await Task.Delay(oneWay);
        }
    }
}
