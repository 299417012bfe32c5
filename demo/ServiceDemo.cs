using CasPaxos.Orleans.Testing;
using CasPaxos.Testing;
using CasPaxos.Testing.Load;

namespace CasPaxos.Demo;

/// <summary>
/// The main job: a register service that goes on while a silo dies and then a database, and the verdict on every answer
/// it gave.
/// </summary>
internal static class ServiceDemo
{
    private const int Clients = 3;
    private const int SiloVictim = 1;
    private const int ServerVictim = 0;

    public static async Task<bool> RunAsync(DemoSettings settings)
    {
        DemoRun.Say("Starting three PostgreSQL servers in a temporary folder, initialised as one cluster ...");
        await using var postgres = await PostgresTestCluster.StartAsync();
        DemoRun.Say("Starting three silos, each a process of its own, whose membership is in registers too ...");
        await using var cluster = await SiloProcessCluster.StartAsync(
            postgres, new SiloProcessClusterOptions { MembershipInRegisters = true });
        for (var slot = 0; slot < postgres.Servers.Count; slot++)
        {
            DemoRun.Say(
                $"  slot {slot}: a server on port {postgres.Servers[slot].Port}, and process " +
                $"{cluster.Silos[slot].Id}, a silo with its gateway on port {cluster.Gateways[slot].Port}");
        }

        await using var clients = await SiloClients.OfAllAsync(cluster, Clients);
        DemoRun.Say($"{Clients} clients of all silos, {settings.Workers} operations at a time, on " +
            $"{settings.Registers} registers, for {settings.Seconds} s:");
        DemoRun.Say("reads, puts, creates, compare-and-swaps, deletes, increments, appends.");
        var load = new MixedLoad(clients.Registers, settings.Registers, settings.Workers, settings.Seed);
        var events = Events(settings.Seconds, cluster.Silos[SiloVictim], postgres.Servers[ServerVictim]);
        await DemoRun.LoadAsync(load, settings.Seconds, events);
        return await DemoRun.JudgeAsync(load.Meter, settings.Export);
    }

    private static DemoEvent[] Events(int seconds, SiloProcess silo, PostgresServer server) =>
    [
        new(
            seconds / 5,
            $"kill -9: silo {SiloVictim} is gone, with its acceptor and all that was under way there",
            silo.KillAsync),
        new(seconds * 2 / 5, $"silo {SiloVictim} is started again", silo.RestartAsync),
        new(
            seconds * 3 / 5,
            $"kill -9: the server of slot {ServerVictim} is gone, without a word to anybody",
            server.KillAsync),
        new(
            seconds * 4 / 5,
            $"the server of slot {ServerVictim} is started again; it recovers from its log",
            server.RestartAsync),
    ];
}
