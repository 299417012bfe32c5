using static CasPaxos.Tests.Make;

namespace CasPaxos.Tests;

/// <summary>Traces that broke published implementations, message by message, against this one.</summary>
public sealed class PublishedBugs
{
    private readonly Cluster _cluster = new();

    // A1, T-P2: one ballot for two values, because only an explicit conflict dropped the remembered ballot.
    [Fact]
    public void A1_a_ballot_whose_accept_timed_out_is_not_used_for_another_value()
    {
        var p1 = _cluster.Proposer();
        p1.Do(new Change.Read());
        p1.Do(Append("0"));
        var lost = p1.Submit(Append("1"));
        p1.Exchange(0); // A only.
        p1.Hold();
        p1.Fire();
        p1.Abandon(lost);

        var acknowledged = p1.Submit(Append("2"));
        p1.Fire();
        p1.Exchange(1, 2);
        p1.Exchange(1, 2);
        p1.Hold();
        Assert.Equal("02", Show(p1.Answer(acknowledged)));

        Assert.Equal("02", ReadThrough(0, 1));
        Assert.Equal("02", ReadThrough(1, 2));
    }

    // A2, T-P3: without a promise for the next ballot, "ac" replaced the acknowledged "ab".
    [Fact]
    public void A2_what_another_proposer_wrote_in_between_is_kept()
    {
        var (p1, p2) = (_cluster.Proposer(), _cluster.Proposer());

        Assert.Equal("a", Show(p1.Do(Append("a"))));
        Assert.Equal("ab", Show(p2.Do(Append("b"))));
        Assert.Equal("abc", Show(p1.Do(Append("c"))));

        Assert.Equal("abc", _cluster.Read());
    }

    // A3, T-P12, case 28: the highest value of a prepare quorum, answered without writing it.
    [Fact]
    public void A3_reads_do_not_go_back_in_time()
    {
        _cluster.Proposer().Do(Put("v1"));
        var p1 = _cluster.Proposer(counter: 10);
        p1.Submit(Put("v2"));
        p1.Exchange(0, 1);
        p1.Exchange(0);
        p1.Hold();

        var first = ReadThrough(0, 1);
        var second = ReadThrough(1, 2);

        Assert.Equal(("v2", "v2"), (first, second));
    }

    // A3 the other way round: the minority is not heard at first, and may be heard later.
    [Fact]
    public void A3_an_agreed_read_before_the_minority_is_heard_is_in_order_too()
    {
        _cluster.Proposer().Do(Put("v1"));
        var p1 = _cluster.Proposer(counter: 10);
        p1.Submit(Put("v2"));
        p1.Exchange(0, 1);
        p1.Exchange(0);
        p1.Hold();

        Assert.Equal(("v1", "v2", "v2"), (ReadThrough(1, 2), ReadThrough(0, 1), ReadThrough(1, 2)));
    }

    // A4, T-P12: a leader's read with no message at all.
    [Fact]
    public void A4_the_proposer_that_wrote_last_but_one_does_not_read_its_own_value()
    {
        var (p1, p2) = (_cluster.Proposer(), _cluster.Proposer());
        p1.Do(Put("v1"));
        p2.Do(Put("v2"));

        Assert.Equal("v2", Show(p1.Do(new Change.Read())));
    }

    // A5, T-P1, T-A6: the restarted proposer used its first ballot again, and B and C took it.
    [Fact]
    public void A5_a_restarted_proposer_does_not_repeat_a_ballot()
    {
        var p1 = _cluster.Proposer();
        p1.Submit(Put("v1"));
        p1.Exchange(0, 1, 2);
        p1.Ask(0); // Reaches A only, and the reply is lost.
        var restarted = _cluster.Proposer(); // All that was volatile is gone: the counter begins where it began.

        Assert.Equal("v2", Show(restarted.DoThrough(Put("v2"), 1, 2)));

        Assert.Empty(p1.Ballots.Intersect(restarted.Ballots));
        Assert.Equal("v2", ReadThrough(0, 1));
        Assert.Equal("v2", ReadThrough(1, 2));
    }

    // A5 with the id of the former life: even then no acceptor takes one ballot twice.
    [Fact]
    public void A5_a_ballot_that_is_repeated_all_the_same_is_refused()
    {
        var first = new AcceptorRequest.Prepare(1, B(1));
        var state = Acceptor.Decide(default, first).Persist!.Value;

        Assert.IsType<AcceptorReply.Refused>(Acceptor.Decide(state, first).Reply);
    }

    // A6, T-P7: two increments of a fresh register made the same bytes, and were taken for one.
    [Fact]
    public void A6_two_increments_of_a_fresh_register_make_two()
    {
        var (p1, p2) = (_cluster.Proposer(), _cluster.Proposer());

        Assert.Equal("1", Show(p1.Do(new Change.Increment(1))));
        Assert.Equal("2", Show(p2.Do(new Change.Increment(1))));
        Assert.Equal("2", _cluster.Read());
    }

    // A6: concurrently, both prepared on nothing.
    [Fact]
    public void A6_two_increments_that_saw_nothing_make_two()
    {
        var (p1, p2) = (_cluster.Proposer(), _cluster.Proposer());
        var first = p1.Submit(new Change.Increment(1));
        var second = p2.Submit(new Change.Increment(1));
        p1.Exchange(0, 1);
        p2.Exchange(0, 1);

        p1.Run();
        p2.Run();

        Assert.Equal(["1", "2"], new[] { Show(p1.Answer(first)), Show(p2.Answer(second)) }.Order());
        Assert.Equal("2", _cluster.Read());
    }

    // A7, T-G4: the erase forgot the promise of 12, so 11 was taken after it.
    [Fact]
    public void A7_a_promise_given_on_a_tombstone_outlives_its_erase()
    {
        var tombstone = RecordCodec.Encode(Record("") with { DeletedAt = 7 }).Bytes;
        _cluster.AcceptAt([0, 1, 2], tombstone, counter: 9);
        var eraser = _cluster.Eraser(counter: 9);
        eraser.Begin();
        eraser.Exchange(0, 1, 2);
        eraser.Exchange(0, 1, 2);
        var (p1, p2) = (_cluster.Proposer(counter: 10), _cluster.Proposer(counter: 11));
        var x = p1.Submit(new Change.CompareAndSwap(ETag.Absent, Bytes("X")));
        var y = p2.Submit(new Change.CompareAndSwap(ETag.Absent, Bytes("Y")));
        p1.Exchange(0, 1);
        p2.Exchange(0, 1);
        Assert.Equal(B(12, 3), _cluster.Row(0)!.Promised);
        eraser.Exchange(0, 1, 2);
        Assert.Null(_cluster.Row(0));

        p1.Exchange(0, 1);
        p2.Exchange(0, 1);
        p1.Run();

        Assert.Equal("Y", Show(p2.Answer(y)));
        Assert.Equal("refused: ETagMismatch", Show(p1.Answer(x)));
        Assert.Equal("Y", _cluster.Read());
    }

    private string ReadThrough(params int[] quorum) =>
        Show(_cluster.Proposer(counter: 100).DoThrough(new Change.Read(), quorum));
}
