using System.Diagnostics.Metrics;
using CasPaxos.Registers;
using CasPaxos.Testing;
using Microsoft.Extensions.DependencyInjection;

namespace CasPaxos.Orleans.Tests;

/// <summary>One meter serves the process: tests that count by it run while no others do.</summary>
[CollectionDefinition(nameof(CountsAlone), DisableParallelization = true)]
public sealed class CountsAlone : ICollectionFixture<CountedCluster>;

/// <summary>A cluster whose databases write nothing of their own accord, so that every commit is a batch's.</summary>
public sealed class CountedCluster : ServiceCluster
{
    /// <summary>Makes it.</summary>
    public CountedCluster() => Settings["autovacuum"] = "off";
}

/// <summary>
/// The cost model of the design, counted: messages between silos (batches at the port <c>grain</c>), statements
/// (batches at the port <c>store</c>), and commits as the servers number them.
/// </summary>
[Collection(nameof(CountsAlone))]
public sealed class CostTests(CountedCluster service)
{
    private IRegisterClient Silo => service.OneSilo.GetRequiredService<IRegisterClient>();

    [SkippableFact]
    public async Task A_cold_change_is_two_messages_and_two_statements_a_slot()
    {
        Need();
        await CountAsync(() => Silo.PutAsync(new RegisterKey("cost/first"), new byte[10])); // Activates the acceptors.

        var costs = await CountAsync(() => Silo.PutAsync(new RegisterKey("cost/cold"), new byte[10]));

        Assert.Equal(new Costs(Messages: 6, Writes: 6, Reads: 0, Commits: 6), costs);
    }

    [SkippableFact]
    public async Task A_warm_change_is_one_message_and_one_statement_a_slot()
    {
        Need();
        var key = new RegisterKey("cost/warm");
        await CountAsync(() => Silo.PutAsync(key, new byte[10]));

        var costs = await CountAsync(() => Silo.PutAsync(key, new byte[10]));

        Assert.Equal(new Costs(Messages: 3, Writes: 3, Reads: 0, Commits: 3), costs);
    }

    [SkippableFact]
    public async Task An_agreed_read_is_one_message_a_slot_and_writes_nothing()
    {
        Need();
        var key = new RegisterKey("cost/read");
        await CountAsync(() => Silo.PutAsync(key, new byte[10]));

        var costs = await CountAsync(() => Silo.GetAsync(key));

        Assert.Equal(new Costs(Messages: 3, Writes: 0, Reads: 3, Commits: 0), costs);
    }

    [SkippableFact]
    public async Task Changes_that_wait_at_one_register_share_their_rounds()
    {
        Need();
        var key = new RegisterKey("cost/hot");
        await CountAsync(() => Silo.IncrementAsync(key));

        var costs = await CountAsync(
            () => Task.WhenAll(Enumerable.Range(0, 64).Select(_ => Silo.IncrementAsync(key))));

        // The first goes alone, and the rest together; a few rounds if the 64 do not all come before it is done.
        Assert.InRange(costs.Writes, 3, 15);
        Assert.InRange(costs.Messages, 3, 15);
        Assert.Equal(costs.Writes, costs.Commits);
    }

    [SkippableFact]
    public async Task Changes_of_many_registers_share_messages_and_commits()
    {
        Need();
        var keys = Enumerable.Range(0, 64).Select(i => new RegisterKey($"cost/many/{i}")).ToList();
        await CountAsync(() => Task.WhenAll(keys.Select(key => Silo.PutAsync(key, new byte[10]))));

        var costs = await CountAsync(() => Task.WhenAll(keys.Select(key => Silo.PutAsync(key, new byte[10]))));

        // 192 requests: alone they would be 192 messages and 192 commits.
        Assert.InRange(costs.Writes, 3, 40);
        Assert.InRange(costs.Messages, 3, 40);
        Assert.Equal(costs.Writes, costs.Commits);
    }

    private static void Need() => Skip.If(PostgresBinaries.SkipReason is not null, PostgresBinaries.SkipReason);

    private async Task<Costs> CountAsync(Func<Task> work)
    {
        await Task.Delay(100); // Slots that answer behind their quorum belong to what was before.
        var (messages, writes, reads) = (0, 0, 0);
        using var listener = new MeterListener
        {
            InstrumentPublished = static (instrument, listener) =>
            {
                if (instrument.Meter.Name == Telemetry.Name && instrument.Name == Telemetry.BatchSize)
                {
                    listener.EnableMeasurementEvents(instrument);
                }
            },
        };
        listener.SetMeasurementEventCallback<int>((_, _, tags, _) =>
        {
            var (port, lane) = ("", "");
            foreach (var (name, value) in tags)
            {
                port = name == "port" ? (string)value! : port;
                lane = name == "lane" ? (string)value! : lane;
            }

            Interlocked.Add(ref messages, port == "grain" ? 1 : 0);
            Interlocked.Add(ref writes, port == "store" && lane == "write" ? 1 : 0);
            Interlocked.Add(ref reads, port == "store" && lane == "read" ? 1 : 0);
        });
        var commits = await service.Postgres.CountCommitsAsync();
        listener.Start();
        await work();
        await Task.Delay(100);
        return new Costs(messages, writes, reads, (int)(await service.Postgres.CountCommitsAsync() - commits));
    }

    private sealed record Costs(int Messages, int Writes, int Reads, int Commits);
}
