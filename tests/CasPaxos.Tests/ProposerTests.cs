using static CasPaxos.Tests.Make;

namespace CasPaxos.Tests;

/// <summary>How a proposer reads, chooses, waits, gives way and goes on.</summary>
public sealed class ProposerTests
{
    // Case 19
    [Fact]
    public void A_register_never_written_is_read_as_absent()
    {
        var outcome = Assert.IsType<Outcome.Applied>(new Cluster().Proposer().Do(new Change.Read()));

        Assert.False(outcome.Current.Exists);
        Assert.True(outcome.ETag.IsAbsent);
    }

    // Case 19
    [Fact]
    public void A_register_is_initialised_once()
    {
        var cluster = new Cluster();

        Assert.Equal("first", Show(cluster.Proposer().Do(new Change.Create(Bytes("first")))));
        Assert.Equal("refused: Exists", Show(cluster.Proposer().Do(new Change.Create(Bytes("second")))));
        Assert.Equal("first", cluster.Read());
    }

    // Case 20: a minority value is taken over and completed.
    [Fact]
    public void A_value_that_one_acceptor_holds_is_adopted()
    {
        var cluster = new Cluster();
        cluster.AcceptAt(0, "minority");

        var reader = cluster.Proposer(counter: 10);
        reader.Submit(Append("+"));
        reader.Exchange(0, 2);
        reader.Run();

        Assert.Equal("minority+", cluster.Read());
    }

    // Case 21
    [Fact]
    public void Without_a_prepare_quorum_it_is_unavailable_and_nothing_is_accepted_anywhere()
    {
        var cluster = new Cluster();
        cluster.Stop(1, 2);
        var proposer = cluster.Proposer();
        var ticket = proposer.Submit(Put("x"));
        proposer.Exchange(0);
        proposer.Fire();

        var outcome = proposer.Abandon(ticket);
        proposer.Run();
        cluster.Start(1, 2);
        proposer.Run();

        Assert.IsType<Outcome.Unavailable>(outcome);
        Assert.Equal(0, proposer.Rounds<AcceptorRequest.Accept>());
        Assert.Equal("", cluster.Read());
    }

    // Case 22, T-P2
    [Fact]
    public void Without_an_accept_quorum_it_is_unknown_and_the_next_operation_prepares_anew()
    {
        var cluster = new Cluster();
        var proposer = cluster.Proposer();
        var ticket = proposer.Submit(Append("a"));
        proposer.Exchange(0, 1);
        proposer.Exchange(0);
        proposer.Hold();
        proposer.Fire();

        Assert.IsType<Outcome.Unknown>(proposer.Abandon(ticket));
        Assert.Equal("ab", Show(proposer.Do(Append("b"))));
        Assert.Equal(2, proposer.Rounds<AcceptorRequest.Prepare>());
    }

    // Case 23
    [Fact]
    public void A_conflict_is_followed_by_a_higher_ballot_that_the_caller_does_not_notice()
    {
        var cluster = new Cluster();
        cluster.Proposer(counter: 40).Do(Put("a"));
        var proposer = cluster.Proposer();

        var outcome = proposer.Do(Append("b"));

        Assert.Equal("ab", Show(outcome));
        Assert.Equal(2, proposer.Rounds<AcceptorRequest.Prepare>());
        Assert.Equal(1, proposer.Core.Statistics.Conflicts);
    }

    // Case 23, case 3, T-P4: above the highest refusal, whatever their order; and never back.
    [Theory]
    [InlineData(70, 50)]
    [InlineData(50, 70)]
    public void The_next_ballot_is_above_the_highest_refusal(long one, long two)
    {
        var proposer = new Cluster().Proposer(counter: 9);
        proposer.Submit(Put("x"));

        proposer.Tell(0, 1, new AcceptorReply.Refused(B(one, 9)));
        proposer.Tell(1, 1, new AcceptorReply.Refused(B(two, 9)));

        // By more than one: the winner goes on meanwhile.
        var lead = (long)ProposerSettings.Default.BackoffBase.TotalMicroseconds;
        Assert.Equal(70 + lead + 1, ((AcceptorRequest.Prepare)proposer.Asking).Ballot.Counter);
    }

    // Case 3, T-P4: neither failures nor lower refusals take the counter back.
    [Fact]
    public void Counters_only_rise()
    {
        var proposer = new Cluster().Proposer(counter: 9);
        proposer.Submit(Put("x"));
        for (var i = 0; i < 20; i++)
        {
            var attempt = proposer.Sent[^1].Attempt;
            proposer.Tell(0, attempt, new AcceptorReply.Failed(true, "Reset."));
            proposer.Tell(1, attempt, new AcceptorReply.Refused(B(3, 9)));
            proposer.Fire();
            proposer.Fire();
        }

        var ballots = proposer.Ballots.Distinct().ToList();
        Assert.True(ballots.Count >= 20);
        Assert.Equal(ballots.Order(), ballots);
    }

    // Case 24
    [Fact]
    public void A_slow_acceptor_is_not_waited_for()
    {
        var cluster = new Cluster();
        var proposer = cluster.Proposer();

        var ticket = proposer.Submit(Put("x"));
        proposer.Exchange(2, 0);
        proposer.Exchange(0, 2);

        Assert.Equal("x", Show(proposer.Answer(ticket)));
        Assert.Null(cluster.Row(1));
    }

    // Case 24: two of three have failed; the third could not help, so nobody waits for it.
    [Fact]
    public void An_attempt_ends_as_soon_as_no_quorum_is_possible()
    {
        var proposer = new Cluster().Proposer();
        proposer.Submit(Put("x"));

        proposer.Fail(mayHaveTakenEffect: true, 0, 1);

        Assert.Equal(1, proposer.Core.Statistics.Setbacks);
        Assert.True(proposer.Delays[^1] <= ProposerSettings.Default.BackoffBase);
    }

    // Case 25, rule 8, T-P6, T-P8
    [Fact]
    public void One_acceptor_counts_once_and_strangers_do_not_count()
    {
        var proposer = new Cluster().Proposer();
        proposer.Submit(Put("x"));
        var promised = new AcceptorReply.Promised(Ballot.Zero, default);

        proposer.Tell(0, 1, promised);
        proposer.Tell(0, 1, promised); // A copy.
        proposer.Tell(3, 1, promised); // No such slot.
        proposer.Tell(-1, 1, promised);
        proposer.Tell(32, 1, promised); // The bit of slot 0, if nobody looks.
        proposer.Tell(1, 0, promised); // Another attempt.
        proposer.Tell(1, 2, promised);

        Assert.Equal(0, proposer.Rounds<AcceptorRequest.Accept>());
        proposer.Tell(1, 1, promised);
        Assert.Equal(1, proposer.Rounds<AcceptorRequest.Accept>());
    }

    // Case 25, T-P8: IgnoresStaleResponsesFromEarlierRequest.
    [Fact]
    public void Promises_of_an_earlier_ballot_do_not_help_a_later_one()
    {
        var cluster = new Cluster();
        var proposer = cluster.Proposer();
        proposer.Submit(Put("x"));
        proposer.Ask(0, 1, 2);
        var late = proposer.HoldReplies();
        proposer.Fire(); // No answer in time,
        proposer.Fire(); // and after a pause the next attempt.

        late.ForEach(proposer.Tell);

        Assert.Equal(2, proposer.Rounds<AcceptorRequest.Prepare>());
        Assert.Equal(0, proposer.Rounds<AcceptorRequest.Accept>());
    }

    // Case 25, T-P8: IgnoresLateResponsesAfterProposalCompletion.
    [Fact]
    public void Replies_after_the_end_change_nothing()
    {
        var cluster = new Cluster();
        var proposer = cluster.Proposer();
        var ticket = proposer.Submit(Put("x"));
        proposer.Exchange(0, 1);
        proposer.Exchange(0, 1);
        var sent = proposer.Sent.Count;

        proposer.Tell(2, 1, new AcceptorReply.Refused(B(99, 9)));
        proposer.Tell(2, 2, new AcceptorReply.Refused(B(99, 9)));
        proposer.Tell(2, 2, new AcceptorReply.Failed(true, "Reset."));

        Assert.Equal("x", Show(proposer.Answer(ticket)));
        Assert.Equal(sent, proposer.Sent.Count);
        Assert.True(proposer.Core.IsIdle);
    }

    // Case 25: an accept is not completed by the promises for its prepare, nor by reports.
    [Fact]
    public void A_reply_of_the_wrong_kind_is_no_vote()
    {
        var proposer = new Cluster().Proposer();
        var ticket = proposer.Submit(Put("x"));
        proposer.Exchange(0, 1);

        proposer.Tell(0, 2, new AcceptorReply.Promised(Ballot.Zero, default));
        proposer.Tell(1, 2, new AcceptorReply.Report(Ballot.Zero, default));

        Assert.Null(proposer.Answer(ticket));
    }

    // Case 25: a prepare delivered twice.
    [Fact]
    public void The_refusal_of_a_second_copy_of_a_prepare_is_no_conflict()
    {
        var cluster = new Cluster();
        var proposer = cluster.Proposer();
        var ticket = proposer.Submit(Put("x"));
        var copies = proposer.Requests.ToList();
        proposer.Ask(0, 1);
        var first = proposer.HoldReplies();

        copies.ForEach(copy => proposer.Deliver(copy));
        proposer.Hear(0, 1);
        first.ForEach(proposer.Tell);
        proposer.Run();

        Assert.Equal("x", Show(proposer.Answer(ticket)));
        Assert.Equal(0, proposer.Core.Statistics.Conflicts);
        Assert.Equal(1, proposer.Rounds<AcceptorRequest.Prepare>());
    }

    // Case 31: a proposer that crashed after any step blocks nobody.
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void A_proposer_that_stops_half_way_blocks_nobody(int steps)
    {
        var cluster = new Cluster();
        var crashed = cluster.Proposer(counter: 500);
        crashed.Submit(Put("crashed"));
        crashed.Exchange(steps > 0 ? [0, 1] : [0]);
        crashed.Ask([.. Enumerable.Range(0, Math.Max(0, steps - 1))]);

        var outcome = cluster.Proposer().Do(Put("next"));

        Assert.Equal("next", Show(outcome));
        Assert.Equal("next", cluster.Read());
    }

    // Case 32: registers do not block each other.
    [Fact]
    public void A_register_that_waits_does_not_hold_up_another()
    {
        var cluster = new Cluster();
        cluster.Proposer("stuck").Submit(Put("x"));

        Assert.Equal("y", Show(cluster.Proposer("free").Do(Put("y"))));
        Assert.Equal("", cluster.Read("stuck"));
    }

    // T-P5: what one operation sends carries one ballot, whatever its neighbour does.
    [Fact]
    public void Prepare_and_accept_of_an_attempt_carry_the_same_ballot()
    {
        var cluster = new Cluster();
        var (one, two) = (cluster.Proposer("a"), cluster.Proposer("b"));
        one.Submit(Put("x"));
        two.Submit(Put("y"));
        one.Exchange(0, 1);
        two.Exchange(0, 1);

        Assert.Single(one.Ballots.Distinct());
        Assert.Single(two.Ballots.Distinct());
        Assert.NotEqual(one.Ballots.First(), two.Ballots.First());
    }

    [Fact]
    public void What_waits_beyond_the_limit_is_turned_away_at_once()
    {
        var cluster = new Cluster { Settings = ProposerSettings.Default with { QueueMax = 2 } };
        var proposer = cluster.Proposer();
        var tickets = Enumerable.Range(0, 4).Select(i => proposer.Submit(Append($"{i}"))).ToList();

        Assert.IsType<Outcome.Unavailable>(proposer.Answer(tickets[3]));
        proposer.Run();

        Assert.Equal("012", cluster.Read());
    }

    // Bytes of a newer version: nothing is guessed, nothing is overwritten.
    [Fact]
    public void A_record_that_is_not_understood_is_left_alone_and_nobody_waits_for_ever()
    {
        var cluster = new Cluster();
        cluster.AcceptAt([0, 1, 2], new byte[] { 2, 1, 1 });
        var proposer = cluster.Proposer(counter: 10);

        Assert.IsType<Outcome.Unavailable>(proposer.Do(Put("over it")));
        Assert.IsType<Outcome.Unavailable>(proposer.Do(new Change.Read()));
        Assert.Equal(3, cluster.Row(0)!.Value.Length);
        Assert.Equal(0, proposer.Rounds<AcceptorRequest.Accept>());
    }
}
