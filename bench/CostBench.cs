using System.Globalization;
using System.Text.Json;
using CasPaxos.Registers;
using CasPaxos.Testing;
using Spectre.Console;

namespace CasPaxos.Bench;

/// <summary>
/// The cost model in counts, which do not depend on the machine: requests, statements and commits an operation, all
/// three servers together. Commits are transactions that wrote, as the servers number them.
/// </summary>
internal sealed class CostBench(PostgresTestCluster cluster, bool json)
{
    private readonly CountingAcceptor[] _acceptors =
        [.. cluster.Cluster.Acceptors.Select(acceptor => new CountingAcceptor(acceptor))];

    private readonly Table _table = new Table().AddColumns("operation", "requests", "statements", "commits");

    public static async Task RunAsync(bool json)
    {
        await using var cluster = await PostgresTestCluster.StartAsync();
        await new CostBench(cluster, json).RunAsync();
    }

    private async Task RunAsync()
    {
        RegisterKey[] keys = [.. Enumerable.Range(0, 64).Select(i => new RegisterKey($"key/{i}"))];
        var client = Client();
        await CountAsync("cold change", 64, () => EachAsync(keys, key => client.IncrementAsync(key)));
        await CountAsync("warm change", 64, () => EachAsync(keys, key => client.IncrementAsync(key)));
        await CountAsync("agreed read", 64, () => EachAsync(keys, key => client.GetAsync(key)));
        client = Client(); // An activation on another silo reads and then writes.
        await CountAsync("sealed read", 64, () => EachAsync(keys, key => client.GetSealedAsync(key)));
        await CountAsync("first change after it", 64, () => EachAsync(keys, key => client.IncrementAsync(key)));
        await CountAsync(
            "64 concurrent changes of one register",
            64,
            () => Task.WhenAll(Enumerable.Range(0, 64).Select(_ => client.IncrementAsync(keys[0]))));
        await CountAsync(
            "64 concurrent changes of 64 registers",
            64,
            () => Task.WhenAll(keys.Select(key => client.IncrementAsync(key))));
        if (!json)
        {
            AnsiConsole.Write(_table);
        }
    }

    private RegisterClient Client() => new(cluster.Cluster.Configuration, _acceptors);

    private static async Task EachAsync(RegisterKey[] keys, Func<RegisterKey, Task> operation)
    {
        foreach (var key in keys)
        {
            await operation(key);
            await Task.Delay(20); // So that the third server's share is not carried along with the next one's.
        }
    }

    private async Task CountAsync(string name, int operations, Func<Task> run)
    {
        var before = await CountsAsync();
        await run();
        await Task.Delay(200); // The slowest server's share belongs to the operation too.
        var after = await CountsAsync();
        var (requests, statements, commits) = (
            (after.Requests - before.Requests) / (double)operations,
            (after.Statements - before.Statements) / (double)operations,
            (after.Commits - before.Commits) / (double)operations);
        if (json)
        {
            Console.WriteLine(
                JsonSerializer.Serialize(new { bench = "costs", op = name, requests, statements, commits }));
        }

        _table.AddRow(name, Number(requests), Number(statements), Number(commits));
    }

    private async Task<(long Requests, long Statements, long Commits)> CountsAsync() => (
        _acceptors.Sum(each => each.Requests),
        _acceptors.Sum(each => each.Statements),
        await cluster.CountCommitsAsync());

    private static string Number(double value) => value.ToString("0.00", CultureInfo.InvariantCulture);
}
