using static CasPaxos.Registers.Tests.RegisterClientTests;

namespace CasPaxos.Registers.Tests;

/// <summary>Sealed reads through the client: what they answer, what they cost, and what they end (rule 20).</summary>
public sealed class SealedReadTests
{
    private static readonly RegisterKey Key = new("a register");

    [Fact]
    public async Task A_sealed_read_answers_what_is_there_or_that_nothing_is()
    {
        var cluster = new Cluster();

        var absent = Assert.IsType<Outcome.Applied>(await cluster.Client().GetSealedAsync(Key));
        await cluster.Client().PutAsync(Key, Bytes("one"));
        var present = await cluster.Client().GetSealedAsync(Key);

        Assert.False(absent.Current.Exists);
        Assert.Equal("one", Text(present));
    }

    [Fact]
    public async Task A_sealed_read_of_slots_that_agree_costs_one_round_and_the_change_after_it_one_more()
    {
        var cluster = new Cluster();
        await cluster.Client().PutAsync(Key, Bytes("one"));
        await SettleAsync(cluster, 6);

        var client = cluster.Client();
        await client.GetSealedAsync(Key);
        await cluster.CalledAsync(3);
        var ofRead = (Calls(cluster), Writes(cluster));
        await SettleAsync(cluster, 3);
        await client.PutAsync(Key, Bytes("two"));
        await cluster.CalledAsync(3);

        Assert.Equal((3, 3), ofRead);
        Assert.Equal(3, Calls(cluster));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task With_a_slot_down_or_behind_a_sealed_read_takes_a_second_round(bool behind)
    {
        var cluster = new Cluster();
        cluster.Acceptors[0].Down = true;
        await cluster.Client().PutAsync(Key, Bytes("one"));
        cluster.Acceptors[0].Down = !behind;
        var client = cluster.Client();

        var read = await client.GetSealedAsync(Key);

        Assert.Equal("one", Text(read));
        Assert.Equal((1, 1), (client.Statistics(Key)!.PrepareRounds, client.Statistics(Key)!.AcceptRounds));
    }

    [Fact]
    public async Task What_a_dead_writer_left_at_one_slot_does_not_appear_after_a_sealed_read_that_did_not_see_it()
    {
        var cluster = new Cluster();
        await cluster.Client().PutAsync(Key, Bytes("one"));
        await SettleAsync(cluster, 6);
        var late = new AcceptorCall(Key, new AcceptorRequest.Accept(
            1, await DeadWriterPromisedAsync(cluster), Bytes("not a record"), Ballot.Zero));

        var read = await cluster.Client().GetSealedAsync(Key);
        var replies = new List<AcceptorReply>();
        foreach (var acceptor in cluster.Acceptors)
        {
            replies.Add(Assert.Single(await acceptor.Inner.AskAsync([late], default)));
        }

        Assert.Equal("one", Text(read));
        Assert.All(replies, reply => Assert.IsType<AcceptorReply.Refused>(reply));
    }

    [Fact]
    public async Task A_typed_register_reads_sealed()
    {
        var register = new Cluster().Client().Register<int>(Key);
        var etag = await register.WriteAsync(7);

        Assert.Equal(new Held<int>(7, etag), await register.ReadSealedAsync());
    }

    /// <summary>A ballot that all slots promised to a proposer that then says nothing more.</summary>
    private static async Task<Ballot> DeadWriterPromisedAsync(Cluster cluster)
    {
        var row = Assert.Single((await cluster.Acceptors[0].Inner.ScanAsync(new ScanRequest(1, "", null, 1), default))
            .Rows);
        var ballot = new Ballot(row.Promised.Counter + 1, new ProposerId(Guid.NewGuid()));
        foreach (var acceptor in cluster.Acceptors)
        {
            var reply = Assert.Single(await acceptor.Inner.AskAsync(
                [new AcceptorCall(Key, new AcceptorRequest.Prepare(1, ballot))], default));
            Assert.IsType<AcceptorReply.Promised>(reply);
        }

        return ballot;
    }

    private static async Task SettleAsync(Cluster cluster, int calls)
    {
        await cluster.CalledAsync(calls);
        Array.ForEach(cluster.Acceptors, acceptor => acceptor.Reset());
    }

    private static int Calls(Cluster cluster) => cluster.Acceptors.Sum(acceptor => acceptor.Calls);

    private static int Writes(Cluster cluster) => cluster.Acceptors.Sum(acceptor => acceptor.WriteBatches);
}
