using static CasPaxos.Tests.Make;

namespace CasPaxos.Tests;

/// <summary>Operations that come twice, requests delivered twice: applied once, and nobody is misled.</summary>
public sealed class RepetitionTests
{
    // Case 29, T-P9: two calls carry one operation, in one round whose accept reaches one acceptor. When its id has
    // been pushed out of the record, neither call may apply it again.
    [Fact]
    public void Two_calls_with_one_operation_apply_it_once_however_far_the_register_moves()
    {
        var cluster = new Cluster();
        var proposer = cluster.Proposer();
        var other = cluster.Proposer(counter: 10);
        var operation = proposer.Operation(Append("x"));
        var one = proposer.Submit(operation);
        var two = proposer.Submit(operation);
        proposer.Exchange(0, 1);
        proposer.Ask(0);
        proposer.HoldReplies();
        proposer.Hold();
        other.DoMany(20, "y");

        proposer.Fire();
        proposer.Run();

        Assert.Equal(1, cluster.Read().Count(letter => letter == 'x'));
        Assert.IsType<Outcome.Unknown>(proposer.Answer(one));
        Assert.IsType<Outcome.Unknown>(proposer.Answer(two));
    }

    // Rule 11: seen in a record that may yet be chosen, an operation is not "accepted nowhere".
    [Fact]
    public void An_operation_that_was_found_applied_is_not_unavailable_when_its_caller_gives_up()
    {
        var cluster = new Cluster();
        var (first, second) = (cluster.Proposer(), cluster.Proposer(counter: 10));
        var operation = first.Operation(Append("x"));
        first.Submit(operation);
        first.Exchange(0, 1);
        first.Ask(0);
        var again = second.Submit(operation);
        second.Exchange(0, 1);
        Assert.IsType<AcceptorRequest.Accept>(second.Asking);
        second.Ask(0, 1);

        Assert.IsType<Outcome.Unknown>(second.Abandon(again));
        Assert.Equal("x", cluster.Read());
    }

    // Rule 11: of two copies of an accept the first took effect and its reply is lost; the refusal of the second is no
    // proof. Only a host that promises to deliver once makes it one.
    [Theory]
    [InlineData(1)]
    [InlineData(20)]
    public void The_refusal_of_a_second_copy_does_not_hide_that_the_first_took_effect(int changes)
    {
        var cluster = new Cluster { Settings = ProposerSettings.Default with { DeliveredOnce = false } };
        var proposer = cluster.Proposer();
        var other = cluster.Proposer(counter: 10);
        var ticket = proposer.Submit(Append("x"));
        proposer.Exchange(0, 1);
        var copies = proposer.Hold().Where(letter => letter.Request is AcceptorRequest.Accept).ToList();
        proposer.Deliver(copies[0]);
        proposer.HoldReplies();
        other.DoMany(changes, "y");

        foreach (var copy in copies)
        {
            Assert.IsType<AcceptorReply.Refused>(proposer.Deliver(copy));
            proposer.Hear(copy.Slot);
        }

        if (changes == 1)
        {
            Assert.IsType<Outcome.Unknown>(proposer.Abandon(ticket));
        }

        proposer.Run();
        Assert.Equal(1, cluster.Read().Count(letter => letter == 'x'));
        Assert.IsType<Outcome.Unknown>(proposer.Answer(ticket));
    }

    // Where the host delivers once, three refusals prove that nothing happened.
    [Fact]
    public void Refused_everywhere_an_operation_is_known_not_to_be_applied()
    {
        var cluster = new Cluster();
        var proposer = cluster.Proposer();
        proposer.Do(Append("a"));
        cluster.Proposer(counter: 50).Do(Append("b"));
        var ticket = proposer.Submit(Append("never"));
        Assert.IsType<AcceptorRequest.Accept>(proposer.Asking);
        proposer.Ask(0, 1, 2);
        proposer.Hear(0);
        proposer.Hear(1);

        // The third refusal comes too late to be proof.
        Assert.IsType<Outcome.Unknown>(proposer.Abandon(ticket));
        Assert.Equal("ab", cluster.Read());
    }

    // Every request of every kind is delivered twice, the second copy at once or at the very end.
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Requests_delivered_twice_apply_nothing_twice(bool late)
    {
        var cluster = new Cluster { Settings = ProposerSettings.Default with { DeliveredOnce = false } };
        var proposers = new[] { cluster.Proposer(), cluster.Proposer() };
        var letters = new List<(ProposerDriver From, Letter Letter)>();
        for (var i = 0; i < 12; i++)
        {
            var from = proposers[i % 2];
            var ticket = from.Submit(new Change.Increment(1));
            for (var tries = 0; from.Answer(ticket) is null; tries++)
            {
                Assert.True(tries < 1000, "It is not answered.");
                foreach (var letter in from.Hold())
                {
                    from.Deliver(letter);
                    letters.Add((from, letter));
                    if (!late)
                    {
                        from.Deliver(letter);
                    }
                }

                from.HoldReplies().ForEach(from.Tell);
                if (from.Requests.Count == 0 && from.Answer(ticket) is null)
                {
                    from.Fire();
                }
            }
        }

        letters.ForEach(sent => sent.From.Deliver(sent.Letter));
        Assert.Equal("12", cluster.Read());
    }

    // A reply delivered twice, to the phase that it belongs to and to the one after.
    [Fact]
    public void Replies_delivered_twice_count_once()
    {
        var cluster = new Cluster(slots: 5);
        var proposer = cluster.Proposer();
        var ticket = proposer.Submit(Append("x"));
        proposer.Ask(0, 1);
        var promises = proposer.HoldReplies();
        promises.ForEach(proposer.Tell);
        promises.ForEach(proposer.Tell);
        Assert.Equal(0, proposer.Rounds<AcceptorRequest.Accept>());
        proposer.Exchange(2);
        proposer.Ask(0, 1);
        var accepts = proposer.HoldReplies();
        accepts.ForEach(proposer.Tell);
        accepts.ForEach(proposer.Tell);

        Assert.Null(proposer.Answer(ticket));
        proposer.Run();
        Assert.Equal("x", Show(proposer.Answer(ticket)));
    }
}
