using CasPaxos.Postgres;
using CasPaxos.Registers;
using CasPaxos.Testing;
using CasPaxos.Testing.Load;

namespace CasPaxos.Demo;

/// <summary>
/// The main job without a service: registers that go on while a database dies, and the verdict on every answer they
/// gave.
/// </summary>
internal static class PostgresDemo
{
    private const int Clients = 3;
    private const int Victim = 1;

    public static async Task<bool> RunAsync(DemoSettings settings)
    {
        DemoRun.Say("Starting three PostgreSQL servers in a temporary folder, initialised as one cluster ...");
        await using var cluster = await PostgresTestCluster.StartAsync();
        for (var slot = 0; slot < cluster.Servers.Count; slot++)
        {
            DemoRun.Say($"  slot {slot}: a server on port {cluster.Servers[slot].Port}");
        }

        var opened = new List<PostgresCluster>();
        try
        {
            for (var i = 0; i < Clients; i++)
            {
                opened.Add(await PostgresCluster.OpenAsync(cluster.ConnectionStrings));
            }

            RegisterClient[] clients =
                [.. opened.Select(each => new RegisterClient(each.Configuration, each.Acceptors))];
            DemoRun.Say($"{Clients} clients, {settings.Workers} operations at a time, on {settings.Registers} " +
                $"registers, for {settings.Seconds} s:");
            DemoRun.Say("reads, puts, creates, compare-and-swaps, deletes, increments, appends.");
            var load = new MixedLoad(clients, settings.Registers, settings.Workers, settings.Seed);
            await DemoRun.LoadAsync(load, settings.Seconds, Events(settings.Seconds, cluster.Servers[Victim]));
            return await DemoRun.JudgeAsync(load.Meter, settings.Export);
        }
        finally
        {
            foreach (var each in opened)
            {
                await each.DisposeAsync();
            }
        }
    }

    private static DemoEvent[] Events(int seconds, PostgresServer victim) =>
    [
        new(seconds / 3, $"kill -9: the server of slot {Victim} is gone, without a word to anybody", victim.KillAsync),
        new(
            seconds * 2 / 3,
            $"the server of slot {Victim} is started again; it recovers from its log",
            victim.RestartAsync),
    ];
}
