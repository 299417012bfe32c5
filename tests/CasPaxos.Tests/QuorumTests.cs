using static CasPaxos.Tests.Make;

namespace CasPaxos.Tests;

/// <summary>How many acceptors are enough, and how many are not, with majorities and with flexible quorums.</summary>
public sealed class QuorumTests
{
    // Case 39, T-P6: exactly the majority that is needed, for every size.
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    [InlineData(7)]
    [InlineData(9)]
    public void A_majority_is_enough_and_one_less_is_not(int slots)
    {
        var majority = (slots / 2) + 1;

        Assert.True(Writes(new Cluster(slots), alive: majority));
        Assert.False(Writes(new Cluster(slots), alive: majority - 1));
    }

    // Case 40, h
    [Theory]
    [InlineData(4, 2, 3)]
    [InlineData(4, 3, 2)]
    [InlineData(5, 4, 2)]
    [InlineData(5, 2, 4)]
    [InlineData(3, 3, 1)]
    [InlineData(3, 1, 3)]
    public void A_cold_change_needs_both_quorums(int slots, int prepare, int accept)
    {
        var needed = Math.Max(prepare, accept);

        Assert.True(Writes(new Cluster(slots, prepare, accept), alive: needed));
        Assert.False(Writes(new Cluster(slots, prepare, accept), alive: needed - 1));
    }

    // Rule 13: a read that cannot agree any more is decided by writing, also where it has heard less than a prepare
    // quorum; asking again and again would find the same for ever.
    [Theory]
    [InlineData(3, 3, 1)]
    [InlineData(4, 4, 1)]
    [InlineData(5, 5, 3)]
    [InlineData(5, 4, 2)]
    public void A_read_of_acceptors_at_odds_ends(int slots, int prepare, int accept)
    {
        var cluster = new Cluster(slots, prepare, accept);
        cluster.AcceptAt([0], Encoded("old", version: 1), counter: 5);
        cluster.AcceptAt([1], Encoded("new", version: 2), counter: 7);
        cluster.AcceptAt([2], Encoded("new", version: 2), counter: 7);

        Assert.Equal("new", cluster.Read());
    }

    // Case 40: two of four are down; the accept needs two, and the promise was confirmed by all while they lived.
    [Fact]
    public void A_warm_change_needs_the_accept_quorum_only()
    {
        var cluster = new Cluster(slots: 4, prepare: 3, accept: 2);
        var proposer = cluster.Proposer();
        proposer.Do(Append("a"));
        cluster.Stop(0, 1);

        Assert.Equal("ab", Show(proposer.Do(Append("b"))));

        proposer.Submit(Append("c"));
        Assert.IsType<AcceptorRequest.Prepare>(proposer.Asking); // Two confirmed, and three are needed.
    }

    // Case 40, rule 13: written with the smaller quorum, read with the larger.
    [Fact]
    public void What_an_accept_quorum_holds_is_read_by_every_prepare_quorum()
    {
        foreach (var (prepare, accept) in new[] { (2, 3), (3, 2) })
        {
            foreach (var down in Enumerable.Range(0, 4))
            {
                var cluster = new Cluster(slots: 4, prepare, accept);
                var writer = cluster.Proposer();
                writer.Submit(Put("x"));
                writer.Exchange([.. Enumerable.Range(0, prepare)]);
                writer.Exchange([.. Enumerable.Range(0, accept)]);
                cluster.Stop(down);

                Assert.Equal("x", cluster.Read());
            }
        }
    }

    // T-P12 with flexible quorums: two of four agree, which chooses a value but does not rule out a newer one.
    [Fact]
    public void An_accept_quorum_that_agrees_is_not_enough_for_a_read()
    {
        var cluster = new Cluster(slots: 4, prepare: 3, accept: 2);
        cluster.Proposer().Do(Put("old"));
        var writer = cluster.Proposer(counter: 50);
        var written = writer.Submit(Put("new"));
        writer.Exchange(0, 1, 2);
        writer.Exchange(0, 1);
        Assert.Equal("new", Show(writer.Answer(written)));
        var reader = cluster.Proposer(counter: 90);

        var ticket = reader.Submit(new Change.Read());
        reader.Exchange(2, 3); // Both hold the old value.

        Assert.Null(reader.Answer(ticket));
        reader.Run();
        Assert.Equal("new", Show(reader.Answer(ticket)));
    }

    // T-P12: a prepare quorum that agrees on what no accept quorum may hold.
    [Fact]
    public void A_prepare_quorum_that_agrees_is_not_enough_for_a_read()
    {
        var cluster = new Cluster(slots: 4, prepare: 2, accept: 3);
        cluster.AcceptAt([0, 1], Encoded("unchosen", ids: [777]));
        var reader = cluster.Proposer(counter: 90);

        var ticket = reader.Submit(new Change.Read());
        reader.Exchange(0, 1);
        Assert.Null(reader.Answer(ticket));

        reader.Run();
        Assert.Equal("unchosen", Show(reader.Answer(ticket)));
        Assert.Equal(1, reader.Rounds<AcceptorRequest.Accept>());
    }

    // Errors are not replies.
    [Fact]
    public void A_failure_is_no_vote_in_any_phase()
    {
        var proposer = new Cluster().Proposer();
        var ticket = proposer.Submit(Put("x"));
        proposer.Fail(mayHaveTakenEffect: true, 0);
        proposer.Exchange(1);
        Assert.Equal(0, proposer.Rounds<AcceptorRequest.Accept>());
        proposer.Exchange(2);
        proposer.Fail(mayHaveTakenEffect: true, 0);
        proposer.Exchange(1);

        Assert.Null(proposer.Answer(ticket));
        proposer.Exchange(2);
        Assert.Equal("x", Show(proposer.Answer(ticket)));
    }

    private static bool Writes(Cluster cluster, int alive)
    {
        cluster.Stop([.. Enumerable.Range(alive, cluster.Configuration.Slots - alive)]);
        var proposer = cluster.Proposer();
        var ticket = proposer.Submit(Put("x"));
        proposer.Exchange([.. Enumerable.Range(0, alive)]);
        if (proposer.Asking is AcceptorRequest.Accept)
        {
            proposer.Exchange([.. Enumerable.Range(0, alive)]);
        }

        return Show(proposer.Answer(ticket)) == "x";
    }
}
