using CasPaxos.Orleans.Testing;
using CasPaxos.Testing;
using Xunit.Abstractions;

namespace CasPaxos.Orleans.Fault.Tests;

/// <summary>A database that is slow, and a silo that is cut off from the others, or from the databases.</summary>
public sealed class IsolationTests(IsolatedCluster cluster, ITestOutputHelper output) : IClassFixture<IsolatedCluster>
{
    private static readonly TimeSpan Slowness = TimeSpan.FromMilliseconds(300);

    [SkippableFact]
    public async Task One_slow_database_slows_nobody_down()
    {
        await cluster.HealAsync();
        await using var clients = await SiloClients.OfEachAsync(cluster.Silos, 0, 1, 2);
        var run = new FaultRun(output, clients.Registers, seed: 70);
        var during = 0.0;

        await run.DuringAsync(async () =>
        {
            await run.StepAsync("the database of slot 1 slow", () => DelayAsync(1, Slowness), 4000);
            during = run.Median;
            await run.StepAsync("fast again", () => DelayAsync(1, TimeSpan.Zero), 2000);
        });

        run.AssertGood();
        Assert.True(during < Slowness.TotalMilliseconds, $"the median was {during} ms");
    }

    [SkippableFact]
    public async Task A_silo_cut_off_from_its_database_serves_through_the_others()
    {
        await cluster.HealAsync();
        await using var clients = await SiloClients.OfEachAsync(cluster.Silos, 0, 1, 2);
        var run = new FaultRun(output, clients.Registers, seed: 71);

        await run.DuringAsync(async () =>
        {
            await run.StepAsync("silo 2 cut off from its database", () => SetAsync(2, ProxyMode.BlackHole, 2), 3000);
            await run.StepAsync("and from all databases", () => SetAsync(2, ProxyMode.BlackHole, 0, 1), 3000);
            await run.StepAsync("joined again", () => SetAsync(2, ProxyMode.Pass, 0, 1, 2), 2000);
        });

        run.AssertGood();
    }

    [SkippableFact]
    public async Task A_silo_cut_off_from_the_others_and_not_from_its_database_does_no_harm()
    {
        await cluster.HealAsync();
        Skip.If(cluster.NetworkSkipReason is not null, cluster.NetworkSkipReason);
        await using var clients = await SiloClients.OfEachAsync(cluster.Silos, 0, 1);
        await using var victims = await SiloClients.OfEachAsync(cluster.Silos, 2);
        var run = new FaultRun(output, clients.Registers, seed: 72, victims.Registers);

        await run.DuringAsync(async () =>
        {
            await run.StepAsync("silo 2 cut off from the others", () => cluster.Network.CutAsync(2), 8000);
            output.WriteLine(SiloProcessCluster.Describe(await clients.Clients[0].StatusAsync()));
            output.WriteLine($"silo 2 runs: {cluster.Silos.Silos[2].Id is not null}");
            await run.StepAsync("joined again", () => cluster.Network.JoinAsync(2), 2000);
        });

        run.AssertGood();
    }

    private Task DelayAsync(int slot, TimeSpan delay)
    {
        for (var silo = 0; silo < cluster.Silos.Silos.Count; silo++)
        {
            cluster.Way(silo, slot).Delay = delay;
        }

        return Task.CompletedTask;
    }

    private Task SetAsync(int silo, ProxyMode mode, params int[] slots)
    {
        foreach (var slot in slots)
        {
            cluster.Way(silo, slot).Mode = mode;
            if (mode == ProxyMode.Pass)
            {
                cluster.Way(silo, slot).CutAll(); // What was swallowed is missing in the middle of these.
            }
        }

        return Task.CompletedTask;
    }
}
