using static CasPaxos.Registers.Tests.RegisterClientTests;

namespace CasPaxos.Registers.Tests;

public sealed class ListingAndErasingTests
{
    [Fact]
    public async Task Listing_pages_through_the_registers_of_a_prefix_in_byte_order()
    {
        var cluster = new Cluster();
        var client = cluster.Client();
        string[] keys = ["b", "a/3", "a/1", "a/2", "a/\uFFFD", "a/\U0001F600", "c", "a"];
        foreach (var key in keys)
        {
            await client.PutAsync(new RegisterKey(key), Bytes(key));
        }

        await client.DeleteAsync(new RegisterKey("a/2"));

        var listed = new List<string>();
        RegisterKey? after = null;
        do
        {
            var page = await client.ListAsync("a/", after, limit: 2);
            listed.AddRange(page.Registers.Select(register => register.Key.Text));
            after = page.Next;
        }
        while (after is not null);

        Assert.Equal(["a/1", "a/3", "a/\uFFFD", "a/\U0001F600"], listed);
    }

    [Fact]
    public async Task Listing_sees_what_a_quorum_has_when_one_acceptor_missed_it()
    {
        var cluster = new Cluster();
        var client = cluster.Client();
        await client.PutAsync(new RegisterKey("old"), Bytes("1"));
        cluster.Acceptors[0].Down = true;
        await client.PutAsync(new RegisterKey("new"), Bytes("1"));
        var etag = Assert.IsType<Outcome.Applied>(await client.PutAsync(new RegisterKey("old"), Bytes("2"))).ETag;
        cluster.Acceptors[0].Down = false;

        for (var down = 0; down < 3; down++)
        {
            cluster.Acceptors[down].Down = true;
            var page = await cluster.Client().ListAsync("");
            cluster.Acceptors[down].Down = false;

            Assert.Equal(["new", "old"], page.Registers.Select(register => register.Key.Text));
            Assert.Equal(etag, page.Registers[1].ETag);
        }
    }

    [Fact]
    public async Task Listing_without_a_quorum_says_so()
    {
        var cluster = new Cluster();
        cluster.Acceptors[0].Down = cluster.Acceptors[2].Down = true;

        var exception = await Assert.ThrowsAsync<AcceptorUnavailableException>(() => cluster.Client().ListAsync(""));

        Assert.Contains("1 of 2", exception.Message, StringComparison.Ordinal);
    }

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
}
