using static CasPaxos.Tests.Make;

namespace CasPaxos.Tests;

/// <summary>What the core owes to a change of membership: fences, and attempts that end as they began.</summary>
public sealed class ConfigurationChangeTests
{
    private readonly Cluster _cluster = new();

    // Rule 6, T-M7, T-M9
    [Fact]
    public void A_fenced_proposer_asks_for_the_new_configuration_and_sends_nothing_until_it_has_it()
    {
        var proposer = _cluster.Proposer();
        Learn(epoch: 2, 0, 1, 2);
        var ticket = proposer.Submit(Put("x"));
        proposer.Exchange(0, 1, 2);
        Assert.Equal([2L], proposer.Outdated);
        var sent = proposer.Sent.Count;
        proposer.Fire();
        proposer.Fire();
        Assert.Equal(sent, proposer.Sent.Count);

        proposer.Reconfigure(Cluster(3, epoch: 2));
        proposer.Run();

        Assert.Equal("x", Show(proposer.Answer(ticket)));
        Assert.All(proposer.Sent.Skip(sent), letter => Assert.Equal(2, letter.Request.Epoch));
    }

    // Rule 6: also when its callers have no time; nothing was applied, and they are told so.
    [Fact]
    public void Whoever_waits_behind_a_fence_can_give_up()
    {
        var proposer = _cluster.Proposer();
        Learn(epoch: 2, 0, 1, 2);
        var ticket = proposer.Submit(Put("x"));
        proposer.Exchange(0, 1, 2);

        Assert.IsType<Outcome.Unavailable>(proposer.Abandon(ticket));
        Assert.True(proposer.Core.IsIdle);
    }

    // Rule 6: one fence among three does not stop an attempt that a quorum supports.
    [Fact]
    public void An_attempt_with_a_quorum_behind_it_ends_although_one_acceptor_is_ahead()
    {
        var proposer = _cluster.Proposer();
        Learn(epoch: 2, 2);
        var ticket = proposer.Submit(Put("x"));
        proposer.Exchange(2, 0, 1);
        proposer.Exchange(2, 0, 1);

        Assert.Equal("x", Show(proposer.Answer(ticket)));
        Assert.Equal([2L], proposer.Outdated); // Once, however often it is told.
        var waiting = proposer.Submit(Append("y"));
        Assert.Null(proposer.Answer(waiting));
        Assert.Equal(6, proposer.Sent.Count);
    }

    // Rule 10, T-P14
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void An_attempt_uses_the_configuration_that_it_began_with(bool larger)
    {
        var proposer = _cluster.Proposer();
        var ticket = proposer.Submit(Put("x"));
        proposer.Exchange(0);
        proposer.Reconfigure(Cluster(larger ? 5 : 2, epoch: 2));
        proposer.Exchange(1);

        Assert.Equal(3, proposer.Requests.Count(letter => letter.Request is AcceptorRequest.Accept { Epoch: 1 }));
        proposer.Exchange(0);
        Assert.Null(proposer.Answer(ticket));
        proposer.Exchange(2);

        Assert.Equal("x", Show(proposer.Answer(ticket)));
        Assert.Equal(2, Submitted(proposer).Epoch);
    }

    [Fact]
    public void An_older_configuration_or_the_same_again_changes_nothing()
    {
        var proposer = _cluster.Proposer();
        proposer.Reconfigure(Cluster(5, epoch: 3));
        proposer.Reconfigure(Cluster(3, epoch: 2));
        proposer.Reconfigure(Cluster(4, epoch: 3));

        proposer.Submit(Put("x"));

        Assert.Equal(5, proposer.Sent.Count);
    }

    // Rule 6: an epoch between the two is not enough.
    [Fact]
    public void A_configuration_older_than_the_fence_does_not_lift_it()
    {
        var proposer = _cluster.Proposer();
        Learn(epoch: 5, 0, 1, 2);
        var ticket = proposer.Submit(Put("x"));
        proposer.Exchange(0, 1, 2);
        proposer.Fire();
        var sent = proposer.Sent.Count;

        proposer.Reconfigure(Cluster(3, epoch: 4));
        Assert.Equal(sent, proposer.Sent.Count);

        proposer.Reconfigure(Cluster(3, epoch: 5));
        proposer.Run();
        Assert.Equal("x", Show(proposer.Answer(ticket)));
    }

    // T-M7: a proposer that slept through the change; its accept comes when all have moved on.
    [Fact]
    public void An_accept_of_the_former_configuration_is_refused_by_those_that_know_the_new_one()
    {
        var sleeper = _cluster.Proposer();
        var ticket = sleeper.Submit(Put("old"));
        sleeper.Exchange(0, 1);
        _cluster.Configuration = Cluster(3, epoch: 2);
        _cluster.Proposer(counter: 50).Do(Put("new"));

        sleeper.Exchange(0, 1, 2);

        Assert.Null(sleeper.Answer(ticket));
        Assert.Equal([2L], sleeper.Outdated);
        Assert.Equal("new", _cluster.Read());
    }

    [Fact]
    public void A_fenced_eraser_gives_up()
    {
        _cluster.WriteAndDelete();
        var eraser = _cluster.Eraser();
        eraser.Begin();
        Learn(epoch: 2, 1);

        eraser.Run();

        Assert.Equal(ErasureResult.Incomplete, eraser.Result);
        Assert.NotNull(_cluster.Row(0));
    }

    private static AcceptorRequest Submitted(ProposerDriver proposer)
    {
        proposer.Submit(Append("next"));
        return proposer.Asking;
    }

    private void Learn(long epoch, params int[] slots)
    {
        foreach (var slot in slots)
        {
            _cluster.Handle("other", new Letter(slot, 0, new AcceptorRequest.Read(epoch)));
        }
    }
}
