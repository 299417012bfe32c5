using System.Diagnostics;
using CasPaxos.Orleans.Testing;
using Xunit.Abstractions;

namespace CasPaxos.Orleans.Fault.Tests;

/// <summary>
/// Silos as processes of their own over real servers, under load, while one of them has trouble. Clients of the others
/// see no operation fail and no second pass without a success, on registers old and new (case 61).
/// </summary>
[Collection(FaultCollection.Name)]
public sealed class SiloFaultTests(FaultCluster cluster, ITestOutputHelper output)
{
    [SkippableTheory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public async Task A_silo_is_killed_with_9_and_started_again(int victim)
    {
        await cluster.HealAsync();
        await using var clients = await SiloClients.OfEachAsync(cluster.Silos, Others(victim));
        var run = new FaultRun(output, clients.Registers, seed: victim);

        await run.DuringAsync(async () =>
        {
            await run.StepAsync($"silo {victim} killed", cluster.Silos.Silos[victim].KillAsync, 3000);
            await run.StepAsync($"silo {victim} started again", cluster.Silos.Silos[victim].RestartAsync, 1500);
        });

        run.AssertGood();
    }

    [SkippableFact]
    public async Task Clients_of_all_silos_do_not_notice_that_one_is_killed()
    {
        await cluster.HealAsync();
        await using var clients = await SiloClients.OfAllAsync(cluster.Silos, 3);
        var run = new FaultRun(output, clients.Registers, seed: 10);

        await run.DuringAsync(async () =>
        {
            await run.StepAsync("silo 1 killed", cluster.Silos.Silos[1].KillAsync, 3000);
            await run.StepAsync("silo 1 started again", cluster.Silos.Silos[1].RestartAsync, 1500);
        });

        run.AssertNoFailure();
        run.AssertLinearizable();
    }

    [SkippableFact]
    public async Task A_silo_that_stands_still_for_30_seconds_does_no_harm_when_it_goes_on()
    {
        await cluster.HealAsync();
        await using var clients = await SiloClients.OfEachAsync(cluster.Silos, 0, 1);
        await using var victims = await SiloClients.OfEachAsync(cluster.Silos, 2);
        var zombie = cluster.Silos.Silos[2];
        var home = (await clients.Clients[0].StatusAsync()).Slots[2].Acceptors[0].Silo;
        var run = new FaultRun(output, clients.Registers, seed: 20, victims.Registers);
        var meanwhile = await clients.Clients[0].StatusAsync();

        await run.DuringAsync(async () =>
        {
            await run.StepAsync("silo 2 paused", () => Pause(zombie), 30_000);
            await run.StepAsync("its acceptor elsewhere", async () => meanwhile = await MovedAsync(), 0);
            await run.StepAsync("silo 2 goes on", () => Resume(zombie), 3000);
        });
        await zombie.KillAsync(); // It would find that it was declared dead by itself, within a minute or two.

        // How soon the others declare it dead depends on how well they themselves are: 30 s is usually enough.
        async Task<ServiceStatus> MovedAsync()
        {
            var began = Stopwatch.GetTimestamp();
            var status = await clients.Clients[0].StatusAsync();
            while (!status.Slots[2].Serves && Stopwatch.GetElapsedTime(began) < TimeSpan.FromSeconds(180))
            {
                await Task.Delay(500);
                status = await clients.Clients[0].StatusAsync();
            }

            return status;
        }

        // Its acceptor was on another silo by then, so for a while there were two of them.
        output.WriteLine(SiloProcessCluster.Describe(meanwhile));
        Assert.True(meanwhile.Slots[2].Serves, SiloProcessCluster.Describe(meanwhile));
        Assert.NotEqual(home, meanwhile.Slots[2].Acceptors[0].Silo);
        run.AssertGood();
    }

    [SkippableFact]
    public async Task All_silos_are_killed_and_started_again_and_nothing_acknowledged_is_lost()
    {
        await cluster.HealAsync();
        await using var clients = await SiloClients.OfAllAsync(cluster.Silos, 3);
        var run = new FaultRun(output, clients.Registers, seed: 30);

        await run.DuringAsync(async () =>
        {
            await run.StepAsync("all silos killed", KillAllAsync, 500);
            await run.StepAsync("all silos started again", () => cluster.HealAsync(), 2000);
        });
        await run.ReadAllAsync();

        run.AssertLinearizable();
    }

    [SkippableFact]
    public async Task All_silos_are_stopped_in_order_one_after_the_other_and_started_again()
    {
        await cluster.HealAsync();
        await using var clients = await SiloClients.OfAllAsync(cluster.Silos, 3);
        var run = new FaultRun(output, clients.Registers, seed: 40);

        await run.DuringAsync(async () =>
        {
            foreach (var silo in cluster.Silos.Silos)
            {
                await run.StepAsync("a silo stopped", silo.StopAsync, 300);
                await run.StepAsync("and started again", silo.RestartAsync, 1000);
            }
        });

        run.AssertNoFailure();
        run.AssertLinearizable();
    }

    private Task KillAllAsync() => Task.WhenAll(cluster.Silos.Silos.Select(silo => silo.KillAsync()));

    private static int[] Others(int victim) => [.. Enumerable.Range(0, 3).Where(silo => silo != victim)];

    private static Task Pause(SiloProcess silo)
    {
        silo.Pause();
        return Task.CompletedTask;
    }

    private static Task Resume(SiloProcess silo)
    {
        silo.Resume();
        return Task.CompletedTask;
    }
}
