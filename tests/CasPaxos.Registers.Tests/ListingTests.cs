using static CasPaxos.Registers.Tests.RegisterClientTests;

namespace CasPaxos.Registers.Tests;

/// <summary>Listings: what is listed, and what it costs.</summary>
public sealed class ListingTests
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
    public async Task Values_come_with_the_listing_and_a_page_ends_with_many_bytes_of_them()
    {
        var cluster = new Cluster();
        var client = cluster.Client();
        var value = new byte[(1024 * 1024) - 1];
        for (var i = 0; i < 6; i++)
        {
            await client.PutAsync(new RegisterKey($"v{i}"), value.Append((byte)i).ToArray());
        }

        await cluster.CalledAsync(6 * 3 * 2);
        Array.ForEach(cluster.Acceptors, acceptor => acceptor.Reset());
        var first = await client.ListAsync(new ListQuery("v") { WithValues = true });
        var second = await client.ListAsync(new ListQuery("v") { WithValues = true, After = first.Next });
        var without = await client.ListAsync("v");

        Assert.Equal(4, first.Registers.Count); // 4 MiB.
        Assert.Equal([4, 5], second.Registers.Select(register => register.Value.Span[^1]));
        Assert.Null(second.Next);
        Assert.Equal(6, without.Registers.Count);
        Assert.All(without.Registers, register => Assert.True(register.Value.IsEmpty));
        Assert.Equal(0, cluster.Acceptors.Sum(acceptor => acceptor.Calls));
    }

    [Fact]
    public async Task A_listing_ends_with_the_last_key_that_is_asked_for()
    {
        var client = new Cluster().Client();
        foreach (var key in (string[])["a", "b", "c", "d"])
        {
            await client.PutAsync(new RegisterKey(key), Bytes(key));
        }

        var page = await client.ListAsync(
            new ListQuery("") { After = new RegisterKey("a"), Through = new RegisterKey("c") });

        Assert.Equal(["b", "c"], page.Registers.Select(register => register.Key.Text));
        Assert.Null(page.Next);
    }

    // A slot that was down is behind with all that was written meanwhile.
    [Fact]
    public async Task What_a_slot_missed_is_read_in_batches_and_brought_to_it()
    {
        var cluster = new Cluster();
        var client = cluster.Client();
        cluster.Acceptors[0].Down = true;
        await Task.WhenAll(
            Enumerable.Range(0, 1_000).Select(i => client.PutAsync(new RegisterKey($"r{i}"), Bytes($"{i}"))));
        cluster.Acceptors[0].Down = false;
        cluster.Acceptors[2].Down = true;
        var lister = cluster.Client();
        Array.ForEach(cluster.Acceptors, acceptor => acceptor.Reset());
        Array.ForEach(cluster.Acceptors, acceptor => acceptor.BatchDelay = TimeSpan.FromMilliseconds(10));

        var page = await lister.ListAsync("");
        var batches = cluster.Acceptors[0].Batches;
        cluster.Acceptors[1].Down = true;
        cluster.Acceptors[2].Down = false;
        var brought = await cluster.Acceptors[0].Inner.ScanAsync(new ScanRequest(1, "", null, 10_000), default);

        Assert.Equal(1_000, page.Registers.Count);
        Assert.Equal(1_000, brought.Rows.Count(row => !row.AcceptedBallot.IsZero));
        Assert.InRange(batches, 4, 100); // Row by row it was 1,000 and more.
    }

    [Fact]
    public async Task A_register_that_cannot_be_read_is_told_of_and_the_others_are_listed()
    {
        var cluster = new Cluster();
        var client = cluster.Client();
        await client.PutAsync(new RegisterKey("a"), Bytes("1"));
        await client.PutAsync(new RegisterKey("c"), Bytes("1"));
        var proposer = new ProposerId(Guid.NewGuid());
        var accept = new AcceptorRequest.Accept(1, new Ballot(1, proposer), new byte[] { 99, 1, 2 }, Ballot.Zero);
        foreach (var acceptor in cluster.Acceptors)
        {
            await acceptor.AskAsync([new AcceptorCall(new RegisterKey("b"), accept)], default);
        }

        foreach (var values in (bool[])[false, true])
        {
            var page = await client.ListAsync(new ListQuery("") { WithValues = values });

            Assert.Equal(["a", "c"], page.Registers.Select(register => register.Key.Text));
            Assert.Equal("b", Assert.Single(page.Unreadable).Key.Text);
        }

        await Assert.ThrowsAsync<InvalidDataException>(async () =>
        {
            await foreach (var register in client.ListAllAsync(""))
            {
                Assert.Contains(register.Key.Text, "ac", StringComparison.Ordinal);
            }
        });
    }

    // Its head is sound and the slots disagree on it, so it is read: that says that the rest is damaged.
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_damaged_register_on_which_slots_disagree_is_told_of_as_well(bool values)
    {
        var cluster = new Cluster();
        var client = cluster.Client();
        await client.PutAsync(new RegisterKey("a"), Bytes("1"));
        byte[] damaged = [1, 1, 7, .. new byte[16], 1, 99];
        for (var slot = 0; slot < cluster.Acceptors.Length; slot++)
        {
            var ballot = new Ballot(slot + 1, new ProposerId(Guid.NewGuid()));
            var accept = new AcceptorRequest.Accept(1, ballot, damaged, Ballot.Zero);
            await cluster.Acceptors[slot].AskAsync([new AcceptorCall(new RegisterKey("b"), accept)], default);
        }

        var page = await client.ListAsync(new ListQuery("") { WithValues = values });

        Assert.Equal("a", Assert.Single(page.Registers).Key.Text);
        Assert.Equal("b", Assert.Single(page.Unreadable).Key.Text);
    }

    [Fact]
    public async Task Only_so_many_listings_are_under_way_and_the_others_wait_for_them()
    {
        var cluster = new Cluster();
        var client = cluster.Client(new RegisterClientOptions { ScansMax = 2 });
        await client.PutAsync(new RegisterKey("a"), Bytes("1"));
        Array.ForEach(cluster.Acceptors, acceptor => acceptor.ScanDelay = TimeSpan.FromMilliseconds(20));

        var pages = await Task.WhenAll(Enumerable.Range(0, 100).Select(_ => client.ListAsync("")));

        Assert.All(pages, page => Assert.Single(page.Registers));
        Assert.All(cluster.Acceptors, acceptor => Assert.InRange(acceptor.ScansAtOnce, 1, 10)); // Some given up.
    }

    [Fact]
    public async Task Listing_without_a_quorum_says_so()
    {
        var cluster = new Cluster();
        cluster.Acceptors[0].Down = cluster.Acceptors[2].Down = true;

        var exception = await Assert.ThrowsAsync<AcceptorUnavailableException>(() => cluster.Client().ListAsync(""));

        Assert.Contains("1 of 2", exception.Message, StringComparison.Ordinal);
    }
}
