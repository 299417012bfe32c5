using CasPaxos.Orleans.Testing;
using Xunit.Abstractions;

namespace CasPaxos.Orleans.Fault.Tests;

/// <summary>The same while a database has trouble: clients of all silos are served as before.</summary>
[Collection(FaultCollection.Name)]
public sealed class DatabaseFaultTests(FaultCluster cluster, ITestOutputHelper output)
{
    /// <summary>The server of slot 0 keeps the silos' membership too.</summary>
    [SkippableTheory]
    [InlineData(0)]
    [InlineData(1)]
    public async Task A_server_is_killed_with_9_and_started_again(int victim)
    {
        await cluster.HealAsync();
        await using var clients = await SiloClients.OfEachAsync(cluster.Silos, 0, 1, 2);
        var run = new FaultRun(output, clients.Registers, seed: 50 + victim);
        var server = cluster.Postgres.Servers[victim];

        await run.DuringAsync(async () =>
        {
            await run.StepAsync($"server {victim} killed", server.KillAsync, 3000);
            await run.StepAsync($"server {victim} started again", server.RestartAsync, 2000);
        });

        run.AssertGood();
    }

    [SkippableFact]
    public async Task A_server_is_paused_and_goes_on()
    {
        await cluster.HealAsync();
        await using var clients = await SiloClients.OfEachAsync(cluster.Silos, 0, 1, 2);
        var run = new FaultRun(output, clients.Registers, seed: 60);
        var server = cluster.Postgres.Servers[2];

        await run.DuringAsync(async () =>
        {
            await run.StepAsync("server 2 paused", server.PauseAsync, 3000);
            await run.StepAsync("server 2 goes on", server.ResumeAsync, 2000);
        });

        run.AssertGood();
    }
}
