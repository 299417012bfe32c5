using static CasPaxos.Tests.Make;

namespace CasPaxos.Tests;

/// <summary>The one-round-trip path (§2.2.1), its costs, and everything that must end it.</summary>
public sealed class OneRoundTripTests
{
    // Case 33: on five acceptors, ten changes of one proposer take eleven rounds, 55 requests.
    [Fact]
    public void After_the_first_change_each_one_takes_a_single_accept_round()
    {
        var cluster = new Cluster(slots: 5);
        var proposer = cluster.Proposer();

        proposer.DoMany(10, "x");

        Assert.Equal(1, proposer.Rounds<AcceptorRequest.Prepare>());
        Assert.Equal(10, proposer.Rounds<AcceptorRequest.Accept>());
        Assert.Equal(55, proposer.Sent.Count);
        Assert.Equal(9, proposer.Core.Statistics.OneRoundTrips);
    }

    // Case 33: what design.md promises of costs.
    [Fact]
    public void A_cold_change_takes_two_rounds_a_warm_one_takes_one_and_an_agreed_read_writes_nothing()
    {
        var cluster = new Cluster();
        var proposer = cluster.Proposer();

        proposer.Do(Put("cold"));
        Assert.Equal(2 * 3, proposer.Sent.Count);
        Assert.Equal([2, 2, 2], cluster.Databases.Select(database => database.Writes));

        proposer.Do(Put("warm"));
        Assert.Equal(3 * 3, proposer.Sent.Count);
        Assert.Equal([3, 3, 3], cluster.Databases.Select(database => database.Writes));

        proposer.Do(new Change.Read());
        cluster.Proposer().Do(new Change.Read());
        Assert.Equal(4 * 3, proposer.Sent.Count);
        Assert.Equal([3, 3, 3], cluster.Databases.Select(database => database.Writes));
    }

    // Case 33: combining.
    [Fact]
    public void Sixty_four_changes_that_queue_on_one_register_take_one_round_together()
    {
        var cluster = new Cluster();
        var proposer = cluster.Proposer();
        proposer.Do(new Change.Increment(1));
        proposer.Submit(new Change.Increment(1));
        var tickets = Enumerable.Range(0, 64).Select(_ => proposer.Submit(new Change.Increment(1))).ToList();
        proposer.Exchange(0, 1); // Ends the round of the one; the round of the 64 begins.
        var before = proposer.Sent.Count;

        proposer.Run();

        Assert.Equal(before, proposer.Sent.Count);
        Assert.Equal(Enumerable.Range(3, 64).Select(i => $"{i}"), tickets.Select(t => Show(proposer.Answer(t))));
    }

    // Case 34, T-P3
    [Fact]
    public void The_next_ballot_is_not_used_unless_a_prepare_quorum_confirmed_it()
    {
        var cluster = new Cluster();
        var proposer = cluster.Proposer();
        var other = cluster.Proposer();
        proposer.Submit(Put("a"));
        proposer.Exchange(0, 1);
        proposer.Ask(0, 1); // Accepted at both,
        var accepts = proposer.HoldReplies();
        other.Submit(Put("b"));
        other.Exchange(0, 1);
        other.Run(); // and another proposer comes in between.
        foreach (var (slot, attempt) in accepts.Select(letter => (letter.Slot, letter.Attempt)))
        {
            proposer.Tell(slot, attempt, new AcceptorReply.Accepted(B(99, 2))); // As a second copy would report it.
        }

        proposer.Submit(Append("c"));

        Assert.IsType<AcceptorRequest.Prepare>(proposer.Asking);
        proposer.Run();
        Assert.Equal("bc", cluster.Read());
    }

    // Case 34: with quorums of 4 to prepare and 2 to accept, the accept ends before the promise is confirmed.
    [Fact]
    public void Confirmations_that_come_after_the_answer_still_count()
    {
        var cluster = new Cluster(slots: 5, prepare: 4, accept: 2);
        var proposer = cluster.Proposer();
        var ticket = proposer.Submit(Put("a"));
        proposer.Exchange(0, 1, 2, 3);
        proposer.Ask(0, 1, 2, 3);
        proposer.Hear(0, 1);
        Assert.Equal("a", Show(proposer.Answer(ticket)));

        proposer.Hear(2, 3);
        proposer.Submit(Append("b"));

        Assert.IsType<AcceptorRequest.Accept>(proposer.Asking);
    }

    // Case 34: the same confirmation twice, or from nowhere, is one or none.
    [Fact]
    public void A_confirmation_counts_once_and_only_from_a_slot_that_exists()
    {
        var cluster = new Cluster(slots: 5, prepare: 4, accept: 2);
        var proposer = cluster.Proposer();
        proposer.Submit(Put("a"));
        proposer.Exchange(0, 1, 2, 3);
        var attempt = proposer.Sent[^1].Attempt;
        proposer.Exchange(0, 1, 2);
        var confirmation = new AcceptorReply.Accepted(((AcceptorRequest.Accept)proposer.Asking).Next);

        proposer.Tell(2, attempt, confirmation);
        proposer.Tell(5, attempt, confirmation);
        proposer.Tell(-1, attempt, confirmation);
        proposer.Tell(35, attempt, confirmation);
        proposer.Tell(3, attempt - 1, confirmation);
        proposer.Submit(Append("b"));

        Assert.IsType<AcceptorRequest.Prepare>(proposer.Asking);
    }

    // Case 35, T-P3: trace A2, without any fault.
    [Fact]
    public void Another_proposer_in_between_loses_nothing()
    {
        var cluster = new Cluster();
        var (one, two) = (cluster.Proposer(), cluster.Proposer());

        one.Do(Append("a"));
        two.Do(Append("b"));
        one.Do(Append("c"));

        Assert.Equal("abc", cluster.Read());
        Assert.True(one.Core.Statistics.Conflicts > 0);
    }

    // Case 36, T-P2
    [Fact]
    public void An_accept_without_a_quorum_ends_the_path()
    {
        var cluster = new Cluster();
        var proposer = cluster.Proposer();
        proposer.Do(Append("a"));
        var lost = proposer.Submit(Append("b"));
        Assert.IsType<AcceptorRequest.Accept>(proposer.Asking);
        proposer.Exchange(0);
        proposer.Hold();
        proposer.Fire();
        proposer.Abandon(lost);
        proposer.Fire();

        proposer.Submit(Append("c"));

        Assert.IsType<AcceptorRequest.Prepare>(proposer.Asking);
        proposer.Exchange(1, 2);
        proposer.Run();
        Assert.Matches("^ab?c$", cluster.Read());
    }

    // Case 36: a ballot is used once, also where the accept that used it may be repeated.
    [Fact]
    public void No_two_accepts_have_one_ballot_and_different_bytes()
    {
        var cluster = new Cluster();
        var proposer = cluster.Proposer();
        proposer.Do(Append("a"));
        for (var i = 0; i < 5; i++)
        {
            proposer.Submit(Append($"{i}"));
            proposer.Exchange(i % 3);
            proposer.Hold();
            proposer.Fire();
            proposer.Run();
        }

        var accepts = proposer.Sent.Select(letter => letter.Request).OfType<AcceptorRequest.Accept>();
        Assert.All(
            accepts.GroupBy(accept => accept.Ballot),
            same => Assert.Single(same.Select(accept => Convert.ToHexString(accept.Value.Span)).Distinct()));
    }

    // Case 37: configuration.
    [Fact]
    public void A_new_configuration_ends_the_path()
    {
        var cluster = new Cluster();
        var proposer = cluster.Proposer();
        proposer.Do(Append("a"));

        proposer.Reconfigure(Cluster(3, epoch: 2));
        proposer.Submit(Append("b"));

        Assert.Equal(2, Assert.IsType<AcceptorRequest.Prepare>(proposer.Asking).Epoch);
    }

    // Case 37: it comes during the accept whose promise would be used next.
    [Fact]
    public void A_promise_given_under_the_former_configuration_is_not_used()
    {
        var cluster = new Cluster();
        var proposer = cluster.Proposer();
        proposer.Submit(Append("a"));
        proposer.Exchange(0, 1);
        proposer.Reconfigure(Cluster(3, epoch: 2));
        proposer.Exchange(0, 1, 2);

        proposer.Submit(Append("b"));

        Assert.IsType<AcceptorRequest.Prepare>(proposer.Asking);
    }

    // Case 37: erased, and perhaps created anew by another.
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void An_erase_ends_the_path(bool createdAgain)
    {
        var cluster = new Cluster();
        var proposer = cluster.Proposer();
        proposer.Do(Put("old"));
        proposer.Do(new Change.Delete(null, 7));
        Assert.Equal(ErasureResult.Erased, cluster.Eraser().Erase());
        if (createdAgain)
        {
            cluster.Proposer().Do(Put("new"));
        }

        var outcome = proposer.Do(new Change.Create(Bytes("mine")));

        Assert.Equal(createdAgain ? "refused: Exists" : "mine", Show(outcome));
        Assert.Equal(createdAgain ? "new" : "mine", cluster.Read());
    }

    // Case 37, T-P1: what a restarted proposer does not remember it does not use.
    [Fact]
    public void A_restarted_proposer_prepares()
    {
        var cluster = new Cluster();
        cluster.Proposer().Do(Append("a"));
        var restarted = cluster.Proposer();

        restarted.Submit(Append("b"));

        Assert.IsType<AcceptorRequest.Prepare>(restarted.Asking);
    }

    // Rule 9: a prepare of one's own outbids the promise just as another's does.
    [Fact]
    public void A_prepare_of_its_own_ends_the_path()
    {
        var cluster = new Cluster();
        var proposer = cluster.Proposer();
        proposer.Do(Append("a"));
        var other = cluster.Proposer(counter: 50);
        other.Submit(Append("b"));
        other.Exchange(2);
        cluster.AcceptAt([2], Encoded("ab", version: 2, 777), counter: 60); // A minority: the reports disagree.
        proposer.Submit(new Change.Read());
        proposer.Exchange(0, 2);
        proposer.Fire();
        proposer.Exchange(0, 1); // The prepare finds a quorum that agrees, so no accept follows.

        proposer.Run();
        proposer.Submit(Append("c"));

        Assert.IsType<AcceptorRequest.Prepare>(proposer.Asking);
    }

    // Rule 13: nothing to write, and what is remembered proves nothing.
    [Fact]
    public void A_read_is_never_answered_from_what_is_remembered()
    {
        var cluster = new Cluster();
        var proposer = cluster.Proposer();
        proposer.Do(Put("mine"));
        cluster.Proposer().Do(Put("theirs"));

        var ticket = proposer.Submit(new Change.Read());
        Assert.Null(proposer.Answer(ticket));
        proposer.Run();

        Assert.Equal("theirs", Show(proposer.Answer(ticket)));
    }

    // Case 38: any proposer is correct; the one that wrote last is only the cheapest.
    [Fact]
    public void Any_proposer_may_be_asked_at_any_time()
    {
        var cluster = new Cluster();
        var proposers = Enumerable.Range(0, 4).Select(_ => cluster.Proposer()).ToList();

        for (var i = 0; i < 26; i++)
        {
            proposers[i * 7 % 4].Do(Append($"{(char)('a' + i)}"));
        }

        Assert.Equal("abcdefghijklmnopqrstuvwxyz", cluster.Read());
    }
}
