using static CasPaxos.Tests.Make;

namespace CasPaxos.Tests;

/// <summary>What callers are told: exactly what is known, in every state in which they can give up.</summary>
public sealed class OutcomeTests
{
    // Case 26, T-P11, rule 14
    [Fact]
    public void A_change_that_throws_reaches_its_caller_once_and_leaves_the_register_usable()
    {
        var calls = 0;
        var cluster = new Cluster
        {
            Catalog = new ChangeCatalog(custom: new Dictionary<string, ChangeFunction>
            {
                ["throw"] = (_, _) => throw new InvalidOperationException($"Call {++calls}."),
            }),
        };
        var proposer = cluster.Proposer();
        proposer.Do(Put("before"));
        calls = 0;

        var outcome = Assert.IsType<Outcome.Faulted>(proposer.Do(new Change.Custom("throw", default)));

        Assert.IsType<InvalidOperationException>(outcome.Exception);
        Assert.Equal("before", cluster.Read());
        var made = calls;
        Assert.Equal("before, after", Show(proposer.Do(Append(", after"))));
        Assert.Equal(made, calls);
    }

    // Case 27, T-P10: each of the outcomes can be had, and no two look alike.
    [Fact]
    public void A_refusal_says_why_and_what_is_there()
    {
        var cluster = new Cluster();
        var proposer = cluster.Proposer();
        var applied = Assert.IsType<Outcome.Applied>(proposer.Do(Put("there")));

        var outcome = proposer.Do(new Change.CompareAndSwap(new(Id(9), 9), Bytes("new")));

        var refused = Assert.IsType<Outcome.Refused>(outcome);
        Assert.Equal(RefusalReason.ETagMismatch, refused.Reason);
        Assert.Equal(applied.ETag, refused.Current.ETag);
        Assert.Equal("there", Text(refused.Current.Payload));
    }

    // Case 27, rule 13: a refusal is a read; what one acceptor holds refuses nobody.
    [Fact]
    public void A_refusal_is_never_answered_from_what_a_minority_holds()
    {
        var cluster = new Cluster();
        cluster.AcceptAt(0, "minority");
        var proposer = cluster.Proposer(counter: 10);
        var ticket = proposer.Submit(new Change.Create(Bytes("first")));

        proposer.Exchange(0, 1);

        Assert.Null(proposer.Answer(ticket)); // Promises disagree, so the identity change must be chosen first.
        Assert.IsType<AcceptorRequest.Accept>(proposer.Asking);
        proposer.Exchange(1, 2);
        Assert.Equal("refused: Exists", Show(proposer.Answer(ticket)));
    }

    // T-P15
    [Fact]
    public void Reads_and_identity_changes_leave_the_ETag_as_it_is()
    {
        var cluster = new Cluster();
        var proposer = cluster.Proposer();
        var etag = Assert.IsType<Outcome.Applied>(proposer.Do(Put("x"))).ETag;
        var other = cluster.Proposer(counter: 50);
        other.Submit(new Change.Read());
        other.Exchange(0);
        other.Fail(mayHaveTakenEffect: true, 1, 2);
        other.Run(); // A prepare and an identity accept.

        Assert.IsType<Outcome.Applied>(proposer.Do(new Change.CompareAndSwap(etag, Bytes("y"))));
    }

    // Case 29, T-P9: applied by a quorum, every reply lost, tried again.
    [Fact]
    public void A_change_whose_replies_were_all_lost_is_applied_once()
    {
        var cluster = new Cluster();
        var proposer = cluster.Proposer();
        var ticket = proposer.Submit(Append("x"));
        proposer.Exchange(0, 1);
        proposer.Ask(0, 1, 2);
        proposer.HoldReplies();

        proposer.Run();

        Assert.Equal("x", cluster.Read());
        Assert.True(Assert.IsType<Outcome.Applied>(proposer.Answer(ticket)).Recovered);
    }

    // Case 29: the retry comes from the caller, elsewhere and later.
    [Fact]
    public void An_unknown_operation_tried_again_elsewhere_is_applied_once()
    {
        var cluster = new Cluster();
        var proposer = cluster.Proposer();
        var operation = proposer.Operation(Append("x"));
        var ticket = proposer.Submit(operation);
        proposer.Exchange(0, 1);
        proposer.Ask(0, 1);
        var unknown = Assert.IsType<Outcome.Unknown>(proposer.Abandon(ticket));

        var outcome = cluster.Proposer(counter: 50).Do(operation with { RetrySince = unknown.Since });

        Assert.True(Assert.IsType<Outcome.Applied>(outcome).Recovered);
        Assert.Equal("x", cluster.Read());
    }

    // Case 29: nobody can tell any more, so nobody is told anything else.
    [Fact]
    public void An_unknown_operation_stays_unknown_when_the_register_has_moved_on_too_far()
    {
        var cluster = new Cluster();
        var proposer = cluster.Proposer();
        var operation = proposer.Operation(Append("x"));
        var ticket = proposer.Submit(operation);
        proposer.Exchange(0, 1);
        proposer.Ask(0);
        var unknown = Assert.IsType<Outcome.Unknown>(proposer.Abandon(ticket));
        var other = cluster.Proposer(counter: 50);
        other.DoMany(20, "o");

        var outcome = cluster.Proposer(counter: 99).Do(operation with { RetrySince = unknown.Since });

        Assert.IsType<Outcome.Unknown>(outcome);
        Assert.True(cluster.Read().Count(letter => letter == 'x') <= 1);
    }

    // Case 32: whoever gives up before anything was sent that applies the operation knows that it never will be.
    [Theory]
    [InlineData("queued")]
    [InlineData("reading")]
    [InlineData("preparing")]
    [InlineData("pausing")]
    public void Given_up_before_an_accept_an_operation_never_takes_effect(string when)
    {
        var cluster = new Cluster();
        var proposer = cluster.Proposer();
        if (when is "queued")
        {
            proposer.Submit(Put("ahead"));
        }

        var ticket = proposer.Submit(when is "reading" ? new Change.Read() : Put("given up"));
        if (when is "pausing")
        {
            proposer.Fail(mayHaveTakenEffect: true, 0, 1);
        }

        Assert.IsType<Outcome.Unavailable>(proposer.Abandon(ticket));
        proposer.Run();

        Assert.Equal(when is "queued" ? "ahead" : "", cluster.Read());
        Assert.True(proposer.Core.IsIdle);
    }

    // Case 32, rule 11
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Given_up_during_or_after_an_accept_an_operation_is_unknown(bool afterSetback)
    {
        var cluster = new Cluster();
        var proposer = cluster.Proposer();
        var ticket = proposer.Submit(Append("x"));
        proposer.Exchange(0, 1);
        var accepts = proposer.Hold();
        if (afterSetback)
        {
            proposer.Fire();
        }

        Assert.IsType<Outcome.Unknown>(proposer.Abandon(ticket));
        proposer.Run();
        accepts.ForEach(accept => proposer.Deliver(accept)); // It takes effect after all.

        Assert.Equal("x", cluster.Read());
        Assert.Null(proposer.Abandon(ticket + 1)); // No such call.
        Assert.IsType<Outcome.Unknown>(proposer.Abandon(ticket)); // Answered already: nothing new is said.
    }

    // Rule 11: the accept certainly reached nobody.
    [Fact]
    public void An_accept_that_certainly_reached_nobody_leaves_the_operation_unavailable()
    {
        var cluster = new Cluster();
        var proposer = cluster.Proposer();
        var ticket = proposer.Submit(Append("x"));
        proposer.Exchange(0, 1);

        proposer.Fail(mayHaveTakenEffect: false, 0, 1, 2);

        Assert.IsType<Outcome.Unavailable>(proposer.Abandon(ticket));
    }

    // One in the middle of a round gives up: the others are answered, and it is not answered twice.
    [Fact]
    public void One_of_a_round_can_give_up_without_the_others()
    {
        var cluster = new Cluster();
        var proposer = cluster.Proposer();
        var one = proposer.Submit(Append("1"));
        var two = proposer.Submit(Append("2"));
        proposer.Exchange(0, 1); // The second joins the first.

        Assert.IsType<Outcome.Unknown>(proposer.Abandon(two));
        proposer.Run();

        Assert.Equal("1", Show(proposer.Answer(one)));
        Assert.Equal("12", cluster.Read());
    }

    // The accept under way refuses the operation: it changes nothing, whatever becomes of that accept.
    [Fact]
    public void A_refused_operation_given_up_during_the_accept_of_others_is_unavailable()
    {
        var proposer = new Cluster().Proposer();
        proposer.Submit(Append("1"));
        var refused = proposer.Submit(new Change.Create(Bytes("2")));
        proposer.Exchange(0, 1);

        Assert.IsType<Outcome.Unavailable>(proposer.Abandon(refused));
    }
}
