using static CasPaxos.Tests.Make;

namespace CasPaxos.Tests;

/// <summary>
/// Accepts that found no quorum leave a doubt, and a later ballot that a quorum agrees on ends it: only then, and only
/// for an operation whose accepts are all known.
/// </summary>
public sealed class DoubtTests
{
    private static readonly RegisterRecord Agreed = Record("x", version: 20, ids: [.. Enumerable.Range(100, 16)]);

    [Theory]
    [InlineData(7, true)]
    [InlineData(6, false)] // The operation's own ballot, in a record that does not show it: no such thing.
    [InlineData(5, false)] // Below one of its accepts, which may yet be chosen.
    public void Doubt_ends_above_every_accept_of_the_operation_only(long agreed, bool ends)
    {
        var pending = InDoubt(new(Op(1), Append("y")));

        pending.Clear(B(agreed), Agreed);

        Assert.Equal(ends, pending.Since is null);
    }

    [Fact]
    public void Doubt_stays_where_the_record_does_not_show_all_changes_since()
    {
        var pending = InDoubt(new(Op(1), Append("y")), since: 3);

        pending.Clear(B(7), Agreed);

        Assert.NotNull(pending.Since);
    }

    [Fact]
    public void Doubt_stays_where_the_record_shows_the_operation()
    {
        var pending = InDoubt(new(Op(107), Append("y")));

        pending.Clear(B(7), Agreed);

        Assert.NotNull(pending.Since);
    }

    // The accepts of its earlier tries have ballots that this proposer does not know.
    [Fact]
    public void The_doubt_of_a_retry_stays()
    {
        var pending = InDoubt(new(Op(1), Append("y"), RetrySince: new ETag(Id(50), 15)));

        pending.Clear(B(7), Agreed);

        Assert.NotNull(pending.Since);
    }

    // Its accept reached one acceptor, whose value was then overtaken by a change that all know. The next attempt sees
    // that. After that the register moves further than the ids reach, and it is applied all the same, once.
    [Fact]
    public void An_operation_whose_accept_was_outbid_is_applied_however_far_the_register_moves_afterwards()
    {
        var (cluster, x, ticket) = AfterOneAcceptance(seen: true);
        cluster.Proposer(counter: 100_000).DoMany(20, "o");

        x.Run();

        Assert.IsType<Outcome.Applied>(x.Answer(ticket));
        Assert.Equal(1, cluster.Read().Count(letter => letter == 'x'));
    }

    // The same, but the change that its next attempt sees is one from before its accept.
    [Fact]
    public void An_operation_whose_accept_may_yet_be_chosen_stays_in_doubt()
    {
        var (cluster, x, ticket) = AfterOneAcceptance(seen: false);
        cluster.Proposer(counter: 100_000).DoMany(20, "o");

        x.Run();

        Assert.IsType<Outcome.Unknown>(x.Answer(ticket));
    }

    /// <summary>
    /// An append of x: accepted by one acceptor, then prepared again, with an accept that certainly reaches nobody.
    /// </summary>
    private static (Cluster Cluster, ProposerDriver Proposer, long Ticket) AfterOneAcceptance(bool seen)
    {
        var cluster = new Cluster();
        var x = cluster.Proposer();
        cluster.Proposer(counter: 10).Do(Put("-"));
        var ticket = x.Submit(Append("x"));
        PrepareAt(x, 1, 2);
        x.Ask(0);
        x.HoldReplies();
        x.Hold();
        if (seen)
        {
            var other = cluster.Proposer(counter: 50_000);
            other.Submit(Append("o"));
            other.Exchange(1, 2);
            other.Exchange(0, 1, 2);
        }

        x.Fire(); // No answer from the others.
        x.Fire(); // The pause after that.
        PrepareAt(x, 1, 2);
        x.Fail(mayHaveTakenEffect: false, 0, 1, 2);
        return (cluster, x, ticket);
    }

    /// <summary>Prepares, again when that is refused, until the accept is sent.</summary>
    private static void PrepareAt(ProposerDriver proposer, params int[] slots)
    {
        while (proposer.Asking is AcceptorRequest.Prepare)
        {
            if (proposer.Requests.Any(letter => letter.Attempt == proposer.Sent[^1].Attempt && letter.Slot == slots[0]))
            {
                proposer.Exchange(slots);
            }
            else
            {
                proposer.Fire();
            }
        }
    }

    private static Pending InDoubt(Operation operation, long since = 10)
    {
        var pending = new Pending(1, operation);
        pending.MayBeAppliedSince(new ETag(Id(50), since + 2), B(6));
        pending.MayBeAppliedSince(new ETag(Id(50), since), B(4));
        return pending;
    }
}
