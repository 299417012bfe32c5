using static CasPaxos.Registers.Tests.RegisterClientTests;

namespace CasPaxos.Registers.Tests;

/// <summary>Deleted registers are erased, and sweeps cost what there is to do.</summary>
public sealed class ErasingTests
{
    [Fact] // Case 52
    public async Task Erasing_leaves_no_row_and_the_register_can_be_written_again_under_a_new_etag()
    {
        var cluster = new Cluster();
        var client = cluster.Client();
        var key = new RegisterKey("a register");
        var before = Assert.IsType<Outcome.Applied>(await client.PutAsync(key, Bytes("one"))).ETag;
        await client.DeleteAsync(key);

        var counts = await client.EraseDeletedAsync("", TimeSpan.Zero);
        var left = cluster.Acceptors.Sum(acceptor => acceptor.Inner.Count);
        var again = Assert.IsType<Outcome.Applied>(await client.CreateAsync(key, Bytes("two"))).ETag;
        var stale = await client.CompareAndSwapAsync(key, before, Bytes("three"));

        Assert.Equal(new ErasureCounts(1, 0, 0), counts);
        Assert.Equal(0, left);
        Assert.NotEqual(before.CreationId, again.CreationId);
        Assert.Equal(before.Version + 2, again.Version); // The delete made a version; erasing forgets none (rule 19).
        Assert.IsType<Outcome.Refused>(stale);
    }

    [Fact] // Case 53
    public async Task With_an_acceptor_down_deletes_are_acknowledged_and_erasing_waits()
    {
        var cluster = new Cluster();
        var client = cluster.Client();
        var key = new RegisterKey("a register");
        await client.PutAsync(key, Bytes("one"));
        cluster.Acceptors[1].Down = true;

        var deleted = await client.DeleteAsync(key);
        var waiting = await client.EraseDeletedAsync("", TimeSpan.Zero);
        cluster.Acceptors[1].Down = false;
        await Task.Delay(400); // As long as an acceptor that was down is left alone.
        var finished = await client.EraseDeletedAsync("", TimeSpan.Zero);

        Assert.IsType<Outcome.Applied>(deleted);
        Assert.Equal(new ErasureCounts(0, 0, 1), waiting);
        Assert.Equal(new ErasureCounts(1, 0, 0), finished);
        Assert.Equal(0, cluster.Acceptors.Sum(acceptor => acceptor.Inner.Count));
    }

    [Fact]
    public async Task A_young_tombstone_and_a_live_register_are_left_alone()
    {
        var cluster = new Cluster();
        var client = cluster.Client();
        await client.PutAsync(new RegisterKey("live"), Bytes("one"));
        await client.PutAsync(new RegisterKey("dead"), Bytes("two"));
        await client.DeleteAsync(new RegisterKey("dead"));

        var counts = await client.EraseDeletedAsync("", RegisterClient.TombstoneAgeDefault);
        var live = await client.EraseAsync(new RegisterKey("live"), TimeSpan.Zero);

        Assert.Equal(new ErasureCounts(0, 1, 0), counts);
        Assert.Equal(ErasureResult.Live, live);
        Assert.Equal("one", Text(await client.GetAsync(new RegisterKey("live"))));
    }

    [Fact]
    public async Task Young_tombstones_cost_a_sweep_nothing()
    {
        var cluster = new Cluster();
        var client = await DeletedAsync(cluster, 500);

        var counts = await client.EraseDeletedAsync("", RegisterClient.TombstoneAgeDefault);

        Assert.Equal(new ErasureCounts(0, 500, 0), counts);
        Assert.Equal(0, cluster.Acceptors.Sum(acceptor => acceptor.Calls));
    }

    [Fact]
    public async Task Old_tombstones_are_erased_in_batches()
    {
        var cluster = new Cluster();
        var client = await DeletedAsync(cluster, 500);
        Array.ForEach(cluster.Acceptors, acceptor => acceptor.BatchDelay = TimeSpan.FromMilliseconds(10));

        var counts = await client.EraseDeletedAsync("", TimeSpan.Zero);

        Assert.Equal(500, counts.Erased);
        Assert.Equal(0, cluster.Acceptors.Sum(acceptor => acceptor.Inner.Count));
        Assert.All(cluster.Acceptors, acceptor => Assert.InRange(acceptor.Batches, 1, 60)); // One by one: 1,500.
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task While_a_slot_is_down_erasing_pauses_and_asks_nobody(bool listsNevertheless)
    {
        var cluster = new Cluster();
        var client = await DeletedAsync(cluster, 2_500);
        cluster.Acceptors[1].Down = !listsNevertheless;
        cluster.Acceptors[1].RefusesWrites = listsNevertheless;

        var counts = await client.EraseDeletedAsync("", TimeSpan.Zero);

        Assert.Equal(2_500, counts.Incomplete);

        // What is under way when the first request fails; and one that finds out whether a slot is down that does not
        // list.
        Assert.InRange(cluster.Acceptors[0].Calls, 0, listsNevertheless ? 300 : 3);
    }

    [Fact]
    public async Task A_creation_that_reached_one_slot_only_is_finished_when_a_second_sweep_sees_it_again()
    {
        var cluster = new Cluster();
        var client = cluster.Client();
        cluster.Acceptors[0].Down = true;
        await client.PutAsync(new RegisterKey("a"), Bytes("1"));
        cluster.Acceptors[0].Down = false;
        await Task.Delay(400); // As long as an acceptor that was down is left alone.

        var first = await client.EraseDeletedAsync("", TimeSpan.Zero);
        var second = await client.EraseDeletedAsync("", TimeSpan.Zero);
        await cluster.CalledAsync(0);
        var third = await client.EraseDeletedAsync("", TimeSpan.Zero);

        Assert.Equal((0, 1, 0), (first.Repaired, second.Repaired, third.Repaired));
        var rows = await cluster.Acceptors[0].Inner.ScanAsync(new ScanRequest(1, "", null, 10), default);
        Assert.False(Assert.Single(rows.Rows).AcceptedBallot.IsZero);
    }

    [Fact]
    public async Task A_refused_retry_on_an_absent_register_leaves_no_row_for_good()
    {
        var cluster = new Cluster();
        var client = cluster.Client();
        var key = new RegisterKey("never");
        var swap = new Change.CompareAndSwap(new ETag(Guid.NewGuid(), 1), Bytes("x"));
        var retry = new Operation(new OperationId(Guid.NewGuid()), swap, RetrySince: ETag.Absent);
        Assert.IsType<Outcome.Refused>(await client.ExecuteAsync(key, retry, timeout: null));
        await Task.Delay(30); // What answers behind the quorum.

        for (var i = 0; i < 3; i++)
        {
            await client.EraseDeletedAsync("", TimeSpan.Zero);
        }

        Assert.Equal(0, cluster.Acceptors.Sum(acceptor => acceptor.Inner.Count));
    }

    [Fact]
    public async Task A_sweep_that_fails_is_told_of_and_followed_by_another()
    {
        var cluster = new Cluster();
        using var stop = new CancellationTokenSource();
        var failures = new List<Exception>();
        cluster.Acceptors[0].Down = cluster.Acceptors[1].Down = true;

        await cluster.Client().EraseInBackgroundAsync(
            TimeSpan.Zero, TimeSpan.FromMilliseconds(1), _ => stop.Cancel(), stop.Token, failure =>
            {
                failures.Add(failure);
                cluster.Acceptors[0].Down = cluster.Acceptors[1].Down = failures.Count < 2;
            });

        Assert.Equal(2, failures.Count);
        Assert.All(failures, failure => Assert.IsType<AcceptorUnavailableException>(failure));
    }

    [Fact]
    public async Task Erasing_a_register_of_which_there_are_only_promises_leaves_no_row()
    {
        var cluster = new Cluster();
        var client = cluster.Client();
        await client.CompareAndSwapAsync(new RegisterKey("never"), new ETag(Guid.NewGuid(), 1), Bytes("x"));

        var erased = await client.EraseAsync(new RegisterKey("never"), TimeSpan.Zero);

        Assert.Equal(ErasureResult.Erased, erased);
        Assert.Equal(0, cluster.Acceptors.Sum(acceptor => acceptor.Inner.Count));
    }

    [Fact]
    public async Task A_late_tombstone_of_one_slot_does_not_make_a_sweep_outbid_a_live_register()
    {
        var cluster = new Cluster();
        var client = cluster.Client();
        var key = new RegisterKey("a register");
        await client.PutAsync(key, Bytes("one"));
        await client.DeleteAsync(key);
        await cluster.CalledAsync(3 * 3); // Prepare, accept, accept: the third slot answers behind the quorum.
        cluster.Acceptors[2].Down = true;
        await client.CreateAsync(key, Bytes("two"));
        cluster.Acceptors[2].Down = false;
        Array.ForEach(cluster.Acceptors, acceptor => acceptor.Reset());

        var counts = await client.EraseDeletedAsync("", TimeSpan.Zero);

        Assert.Equal(default, counts);
        Assert.Equal(0, cluster.Acceptors.Sum(acceptor => acceptor.Calls));
    }

    [Fact] // Cases 54, 55: erasing under load loses nothing.
    public async Task Erasing_while_registers_are_deleted_and_created_loses_no_change()
    {
        var cluster = new Cluster();
        var clients = Enumerable.Range(0, 3).Select(_ => cluster.Client()).ToArray();
        using var stop = new CancellationTokenSource();
        var sweeps = 0L;
        var sweeper = clients[0].EraseInBackgroundAsync(
            TimeSpan.Zero,
            TimeSpan.FromMilliseconds(1),
            counts => Interlocked.Add(ref sweeps, counts.Erased),
            stop.Token);

        await Parallel.ForAsync(0, 8, async (worker, _) =>
        {
            var key = new RegisterKey($"r{worker}");
            for (var i = 0; i < 100; i++)
            {
                var client = clients[(worker + i) % clients.Length];
                var create = await client.CreateAsync(key, Bytes($"{worker}.{i}"));
                var read = await clients[(worker + i + 1) % clients.Length].GetAsync(key);
                if (create is Outcome.Unknown && Assert.IsType<Outcome.Applied>(read).ETag.IsAbsent)
                {
                    continue;
                }

                var delete = await client.DeleteAsync(key, Assert.IsType<Outcome.Applied>(read).ETag);

                // Tombstones are erased at once here, sooner than rule 12 allows: an operation may then be unable to
                // tell whether it was applied. What it must not do is to be lost, or to come back.
                Assert.Equal($"{worker}.{i}", Text(read));
                Assert.True(create is Outcome.Applied or Outcome.Unknown, create.ToString());
                Assert.True(delete is Outcome.Applied or Outcome.Unknown, delete.ToString());
                Assert.False(Assert.IsType<Outcome.Applied>(await client.GetAsync(key)).Current.Exists);
            }
        });

        await stop.CancelAsync();
        await sweeper;
        Assert.True(Interlocked.Read(ref sweeps) > 0);
    }

    /// <summary>A client that has deleted so many registers at every acceptor. What that took is not counted.</summary>
    private static async Task<RegisterClient> DeletedAsync(Cluster cluster, int registers)
    {
        var client = cluster.Client();
        var keys = Enumerable.Range(0, registers).Select(i => new RegisterKey($"r{i}")).ToList();
        await Task.WhenAll(keys.Select(key => client.PutAsync(key, Bytes("1"))));
        await Task.WhenAll(keys.Select(key => client.DeleteAsync(key)));
        await cluster.CalledAsync(registers * 3 * 3);
        Array.ForEach(cluster.Acceptors, acceptor => acceptor.Reset());
        return client;
    }
}
