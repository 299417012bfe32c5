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

        AssertRounds(costs, writes: 2, reads: 0);
    }

    [SkippableFact]
    public async Task A_warm_change_is_one_message_and_one_statement_a_slot()
    {
        Need();
        var key = new RegisterKey("cost/warm");
        await CountAsync(() => Silo.PutAsync(key, new byte[10]));

        var costs = await CountAsync(() => Silo.PutAsync(key, new byte[10]));

        AssertRounds(costs, writes: 1, reads: 0);
    }

    [SkippableFact]
    public async Task An_agreed_read_is_one_message_a_slot_and_writes_nothing()
    {
        Need();
        var key = new RegisterKey("cost/read");
        await CountAsync(() => Silo.PutAsync(key, new byte[10]));

        var costs = await CountAsync(() => Silo.GetAsync(key));

        AssertRounds(costs, writes: 0, reads: 1);
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

    /// <summary>
    /// A round asks three slots and waits for two: n rounds are 3n requests. On a busy machine the third slot's request
    /// may wait until it travels with that of the next round, so they are 2n to 3n messages.
    /// </summary>
    private static void AssertRounds(Costs costs, int writes, int reads)
    {
        Assert.Equal(3 * (writes + reads), costs.Requests);
        Assert.InRange(costs.Writes, 2 * writes, 3 * writes);
        Assert.InRange(costs.Reads, 2 * reads, 3 * reads);
        Assert.InRange(costs.Messages, 2 * (writes + reads), 3 * (writes + reads));
        Assert.Equal(costs.Writes, costs.Commits);
    }

    private async Task<Costs> CountAsync(Func<Task> work)
    {
        var (requests, messages, writes, reads) = (0, 0, 0, 0);
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
        listener.SetMeasurementEventCallback<int>((_, size, tags, _) =>
        {
            var (port, lane) = ("", "");
            foreach (var (name, value) in tags)
            {
                port = name == "port" ? (string)value! : port;
                lane = name == "lane" ? (string)value! : lane;
            }

            Interlocked.Add(ref requests, port == "grain" ? size : 0);
            Interlocked.Add(ref messages, port == "grain" ? 1 : 0);
            Interlocked.Add(ref writes, port == "store" && lane == "write" ? 1 : 0);
            Interlocked.Add(ref reads, port == "store" && lane == "read" ? 1 : 0);
        });
        listener.Start();
        var before = await SettleAsync(); // Slots that answer behind their quorum belong to what was before.
        await work();
        var after = await SettleAsync();
        return new Costs(
            after.Requests - before.Requests,
            after.Messages - before.Messages,
            after.Writes - before.Writes,
            after.Reads - before.Reads,
            after.Commits - before.Commits);

        async Task<Costs> SettleAsync()
        {
            var now = await NowAsync();
            Costs last;
            do
            {
                last = now;
                await Task.Delay(100);
                now = await NowAsync();
            }
            while (now != last);
            return now;
        }

        async Task<Costs> NowAsync() =>
            new(requests, messages, writes, reads, (int)await service.Postgres.CountCommitsAsync());
    }

    private sealed record Costs(int Requests, int Messages, int Writes, int Reads, int Commits);
}
