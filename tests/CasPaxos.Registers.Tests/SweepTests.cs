using static CasPaxos.Registers.Tests.RegisterClientTests;

namespace CasPaxos.Registers.Tests;

/// <summary>Rows that hold only a promise are swept, slot by slot, and their promises stay (rules 16, 20).</summary>
public sealed class SweepTests
{
    private static readonly RegisterKey Key = new("a register");
    private static readonly ProposerId Proposer = new(new Guid("11111111-1111-1111-1111-111111111111"));

    [Fact]
    public async Task A_promise_is_swept_when_a_second_sweep_sees_it_again()
    {
        var cluster = new Cluster();
        var client = cluster.Client();
        await PromiseAsync(cluster, counter: 5);

        var first = await client.EraseDeletedAsync("", TimeSpan.Zero);
        var between = Rows(cluster);
        var second = await client.EraseDeletedAsync("", TimeSpan.Zero);
        var third = await client.EraseDeletedAsync("", TimeSpan.Zero);

        Assert.Equal(new ErasureCounts(0, 0, 0, Promises: 0), first);
        Assert.Equal(3, between);
        Assert.Equal(new ErasureCounts(0, 0, 0, Promises: 3), second);
        Assert.Equal(0, Rows(cluster));
        Assert.Equal(default, third);
    }

    [Fact]
    public async Task A_promise_that_has_changed_since_is_not_swept()
    {
        var cluster = new Cluster();
        var client = cluster.Client();
        await PromiseAsync(cluster, counter: 5);
        await client.EraseDeletedAsync("", TimeSpan.Zero);

        await PromiseAsync(cluster, counter: 6);
        var changed = await client.EraseDeletedAsync("", TimeSpan.Zero);
        var unchanged = await client.EraseDeletedAsync("", TimeSpan.Zero);

        Assert.Equal(0, changed.Promises);
        Assert.Equal(3, unchanged.Promises);
    }

    [Fact]
    public async Task A_slot_whose_promise_has_changed_does_not_hinder_the_others()
    {
        var cluster = new Cluster();
        var client = cluster.Client();
        await PromiseAsync(cluster, counter: 5);
        await client.EraseDeletedAsync("", TimeSpan.Zero);

        await AskAsync(cluster.Acceptors[1], new AcceptorRequest.Prepare(1, new Ballot(6, Proposer)));
        var swept = await client.EraseDeletedAsync("", TimeSpan.Zero);

        Assert.Equal(2, swept.Promises);
        Assert.Equal([0, 1, 0], cluster.Acceptors.Select(acceptor => acceptor.Inner.Count));
    }

    [Fact]
    public async Task A_swept_promise_still_holds()
    {
        var cluster = new Cluster();
        var client = cluster.Client();
        await PromiseAsync(cluster, counter: 5);
        await client.EraseDeletedAsync("", TimeSpan.Zero);
        await client.EraseDeletedAsync("", TimeSpan.Zero);

        foreach (var acceptor in cluster.Acceptors)
        {
            var below = await AskAsync(
                acceptor, new AcceptorRequest.Accept(1, new Ballot(4, Proposer), Bytes("old"), Ballot.Zero));
            var again = await AskAsync(acceptor, new AcceptorRequest.Prepare(1, new Ballot(5, Proposer)));
            var promised = await AskAsync(
                acceptor, new AcceptorRequest.Accept(1, new Ballot(5, Proposer), Bytes("new"), Ballot.Zero));

            Assert.Equal(new AcceptorReply.Refused(new Ballot(5, Proposer)), below);
            Assert.Equal(new AcceptorReply.Refused(new Ballot(5, Proposer)), again);
            Assert.Equal(new AcceptorReply.Accepted(new Ballot(5, Proposer)), promised);
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_slot_that_is_down_or_silent_does_not_hinder_the_others(bool silent)
    {
        var cluster = new Cluster();
        var client = cluster.Client();
        await PromiseAsync(cluster, counter: 5);
        cluster.Acceptors[2].Down = !silent;
        cluster.Acceptors[2].ScansHang = silent;

        await client.EraseDeletedAsync("", TimeSpan.Zero);
        var swept = await client.EraseDeletedAsync("", TimeSpan.Zero);

        Assert.Equal(2, swept.Promises);
        Assert.Equal([0, 0, 1], cluster.Acceptors.Select(acceptor => acceptor.Inner.Count));
    }

    [Fact]
    public async Task What_could_not_be_swept_is_swept_the_next_time()
    {
        var cluster = new Cluster();
        var client = cluster.Client();
        await PromiseAsync(cluster, counter: 5);
        await client.EraseDeletedAsync("", TimeSpan.Zero);
        cluster.Acceptors[0].RefusesErasures = true;

        var first = await client.EraseDeletedAsync("", TimeSpan.Zero);
        cluster.Acceptors[0].RefusesErasures = false;
        await Task.Delay(400); // As long as an acceptor that was down is left alone.
        var second = await client.EraseDeletedAsync("", TimeSpan.Zero);

        Assert.Equal((2, 1), (first.Promises, second.Promises));
    }

    [Fact]
    public async Task A_sweep_pages_through_more_rows_than_one_page_has()
    {
        const int registers = 2500;
        var cluster = new Cluster();
        var client = cluster.Client();
        var calls = Enumerable.Range(0, registers).Select(i => new AcceptorCall(
            new RegisterKey($"r{i}"), new AcceptorRequest.Prepare(1, new Ballot(5, Proposer)))).ToArray();
        foreach (var acceptor in cluster.Acceptors)
        {
            await acceptor.Inner.AskAsync(calls, default);
        }

        await client.EraseDeletedAsync("", TimeSpan.Zero);
        var swept = await client.EraseDeletedAsync("", TimeSpan.Zero);

        Assert.Equal(3 * registers, swept.Promises);
        Assert.Equal(0, Rows(cluster));
    }

    [Fact]
    public async Task A_promise_beside_a_live_register_of_other_slots_is_not_swept_but_given_the_value()
    {
        var cluster = new Cluster();
        var client = cluster.Client();
        cluster.Acceptors[2].Down = true;
        await client.PutAsync(Key, Bytes("one"));
        cluster.Acceptors[2].Down = false;
        await AskAsync(cluster.Acceptors[2], new AcceptorRequest.Prepare(1, new Ballot(5, Proposer)));

        await client.EraseDeletedAsync("", TimeSpan.Zero);
        var swept = await client.EraseDeletedAsync("", TimeSpan.Zero);

        Assert.Equal(new ErasureCounts(0, 0, 0, Promises: 0, Repaired: 1), swept);
        Assert.Equal(3, Rows(cluster));
        Assert.Equal("one", Text(await client.GetAsync(Key)));
    }

    private static int Rows(Cluster cluster) => cluster.Acceptors.Sum(acceptor => acceptor.Inner.Count);

    private static async Task PromiseAsync(Cluster cluster, long counter)
    {
        foreach (var acceptor in cluster.Acceptors)
        {
            await AskAsync(acceptor, new AcceptorRequest.Prepare(1, new Ballot(counter, Proposer)));
        }
    }

    private static async Task<AcceptorReply> AskAsync(GatedAcceptor acceptor, AcceptorRequest request) =>
        Assert.Single(await acceptor.Inner.AskAsync([new AcceptorCall(Key, request)], default));
}
