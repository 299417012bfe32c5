using static CasPaxos.Tests.Make;

namespace CasPaxos.Tests;

/// <summary>Rule 20: what a sealed read does not see will not be seen later.</summary>
public sealed class SealedReadTests
{
    private static readonly Change.SealedRead Seal = new();

    private readonly Cluster _cluster = new();

    // The worst fault found: the dying owner's write is at one slot of three, and a later round adopts it.
    [Fact]
    public void An_accept_of_a_dead_owner_at_a_minority_is_never_adopted_after_a_sealed_read_without_it()
    {
        _cluster.Proposer().Do(Put("old"));
        _cluster.AcceptAt([0], Encoded("dead owner's", version: 2, ids: [700]), counter: 500);
        var heir = _cluster.Proposer(counter: 1_000);

        Assert.Equal("old", Show(heir.DoThrough(Seal, 1, 2)));

        Assert.Equal("old", _cluster.Read());
        Assert.Equal("old!", Show(_cluster.Proposer(counter: 2_000).DoThrough(Append("!"), 0, 1)));
    }

    [Fact]
    public void An_agreed_read_gives_no_such_promise()
    {
        _cluster.Proposer().Do(Put("old"));
        _cluster.AcceptAt([0], Encoded("dead owner's", version: 2, ids: [700]), counter: 500);

        Assert.Equal("old", Show(_cluster.Proposer(counter: 1_000).DoThrough(new Change.Read(), 1, 2)));

        Assert.Equal("dead owner's", Show(_cluster.Proposer(counter: 2_000).DoThrough(Append(""), 0, 1)));
    }

    // The accept is still on its way when the read is answered, and comes afterwards.
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void An_accept_that_arrives_after_the_sealed_read_is_refused_everywhere(bool exists)
    {
        var dead = _cluster.Proposer();
        if (exists)
        {
            dead.Do(Put("old"));
        }

        dead.Submit(Put("dead owner's"));
        if (!exists)
        {
            dead.Exchange(0, 1, 2); // Its prepare.
        }

        var accepts = dead.Hold();
        Assert.All(accepts, accept => Assert.IsType<AcceptorRequest.Accept>(accept.Request));
        var heir = _cluster.Proposer(counter: 1_000);

        Assert.Equal(exists ? "old" : "", Show(heir.Do(Seal)));

        Assert.Equal(0, heir.Rounds<AcceptorRequest.Accept>());
        Assert.All(accepts, accept => Assert.IsType<AcceptorReply.Refused>(dead.Deliver(accept)));
        Assert.Equal(exists ? "old" : "", _cluster.Read());
    }

    [Fact]
    public void All_slots_agree_and_nothing_is_accepted()
    {
        _cluster.Proposer().Do(Put("x"));
        var heir = _cluster.Proposer(counter: 1_000);

        Assert.Equal("x", Show(heir.Do(Seal)));

        Assert.Equal(
            (0, 1, 0),
            (heir.Rounds<AcceptorRequest.Read>(), heir.Rounds<AcceptorRequest.Prepare>(),
                heir.Rounds<AcceptorRequest.Accept>()));
    }

    [Fact]
    public void The_first_change_after_a_seal_on_which_all_slots_agreed_takes_one_round_trip()
    {
        _cluster.Proposer().Do(Put("x"));
        var heir = _cluster.Proposer(counter: 1_000);
        heir.Do(Seal);

        Assert.Equal("xy", Show(heir.Do(Append("y"))));

        Assert.Equal(
            (1, 1), (heir.Rounds<AcceptorRequest.Prepare>(), heir.Rounds<AcceptorRequest.Accept>()));
    }

    // Used once: a second attempt with the same ballot would be the trap T-P2.
    [Fact]
    public void The_ballot_of_a_seal_is_used_by_one_change_only()
    {
        var heir = _cluster.Proposer();
        heir.Do(Seal);
        heir.Submit(Put("lost"));
        heir.Hold();
        heir.Fire();
        heir.Run();
        heir.Submit(Put("next"));
        heir.Run();

        var used = heir.Sent.Select(letter => letter.Request).OfType<AcceptorRequest.Accept>();
        Assert.All(used.GroupBy(accept => accept.Ballot), same => Assert.Single(same.Select(Payload).Distinct()));
        Assert.Equal("next", _cluster.Read());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_silent_slot_is_waited_for_briefly_and_then_a_quorum_accepts(bool exists)
    {
        if (exists)
        {
            _cluster.Proposer().Do(Put("x"));
        }

        _cluster.Stop(2);
        var heir = _cluster.Proposer(counter: 1_000);
        var ticket = heir.Submit(Seal);

        heir.Exchange(0, 1);
        Assert.Null(heir.Answer(ticket));
        Assert.Equal(_cluster.Settings.Patience, heir.Timer!.Delay);
        heir.Fire();
        heir.Exchange(0, 1);

        Assert.Equal(exists ? "x" : "", Show(heir.Answer(ticket)));
        Assert.Equal(1, heir.Rounds<AcceptorRequest.Accept>());
    }

    // The slot that is not heard may hold the dead owner's accept, so silence is never agreement.
    [Fact]
    public void A_slot_that_fails_means_an_accept_at_once()
    {
        _cluster.Proposer().Do(Put("x"));
        var heir = _cluster.Proposer(counter: 1_000);
        heir.Submit(Seal);

        heir.Fail(mayHaveTakenEffect: false, 2);
        heir.Exchange(0, 1);

        Assert.IsType<AcceptorRequest.Accept>(heir.Asking);
    }

    [Fact]
    public void A_slot_that_disagrees_means_an_accept_of_the_highest_value()
    {
        _cluster.Proposer().Do(Put("old"));
        _cluster.AcceptAt([0], Encoded("adopted", version: 2, ids: [700]), counter: 500);
        var heir = _cluster.Proposer(counter: 1_000);

        Assert.Equal("adopted", Show(heir.Do(Seal)));

        Assert.Equal(1, heir.Rounds<AcceptorRequest.Accept>());
        Assert.Equal("adopted", _cluster.Read());
    }

    // Rule 19: the absence is accepted at the floor's version; version 0 would hide the floor from now on.
    [Fact]
    public void A_sealed_absence_is_a_record_of_the_version_of_the_floor()
    {
        _cluster.WriteAndDelete();
        _cluster.Eraser(counter: 100).Erase();
        _cluster.AcceptAt([0], Encoded("dead owner's", version: 3, ids: [700]), counter: 500);
        var heir = _cluster.Proposer(counter: 1_000);

        var outcome = Assert.IsType<Outcome.Applied>(heir.DoThrough(Seal, 1, 2));

        Assert.False(outcome.Current.Exists);
        Assert.Equal(RegisterRecord.Absent(2).Position, heir.Core.Position);
        Assert.Equal(RegisterRecord.Absent(2).Position, RecordCodec.Decode(_cluster.Row(1)!.Value).Position);
        Assert.Equal(3, Assert.IsType<Outcome.Applied>(heir.Do(Put("new"))).ETag.Version);
    }

    // Its promise was given before the read began: an attempt of another may have ended in between.
    [Fact]
    public void A_sealed_read_that_uses_a_promise_from_before_it_needs_an_accept()
    {
        var heir = _cluster.Proposer();
        heir.Do(Put("x"));
        var accepts = heir.Rounds<AcceptorRequest.Accept>();

        Assert.Equal("x", Show(heir.Do(Seal)));

        Assert.Equal(accepts + 1, heir.Rounds<AcceptorRequest.Accept>());
        Assert.Equal(1, heir.Rounds<AcceptorRequest.Prepare>());
    }

    [Fact]
    public void A_sealed_read_that_comes_during_a_prepare_is_not_answered_from_its_promises()
    {
        _cluster.Proposer().Do(Put("x"));
        var heir = _cluster.Proposer(counter: 1_000);
        var create = heir.Submit(new Change.Create(Bytes("y")));
        heir.Ask(0, 1, 2);
        var late = heir.Submit(Seal);

        heir.Hear(0, 1, 2);

        Assert.Equal("refused: Exists", Show(heir.Answer(create)));
        Assert.Null(heir.Answer(late));
        heir.Run();
        Assert.Equal("x", Show(heir.Answer(late)));
        Assert.Equal(2, heir.Rounds<AcceptorRequest.Prepare>());
    }

    // Two heirs: the second one's seal ends the first one's ballot too.
    [Fact]
    public void A_change_on_the_ballot_of_a_seal_is_refused_after_another_seal()
    {
        _cluster.Proposer().Do(Put("x"));
        var (first, second) = (_cluster.Proposer(counter: 1_000), _cluster.Proposer(counter: 2_000));
        first.Do(Seal);
        second.Do(Seal);

        first.Submit(Append("y"));
        first.Ask(0, 1, 2);

        Assert.All(first.Replies, letter => Assert.IsType<AcceptorReply.Refused>(letter.Reply));
    }

    [Fact]
    public void A_sealed_read_among_changes_of_one_round_costs_nothing_more()
    {
        var proposer = _cluster.Proposer();
        proposer.Do(Put("x"));
        var accepts = proposer.Rounds<AcceptorRequest.Accept>();
        var blocking = proposer.Submit(Append("1"));
        var seal = proposer.Submit(Seal);
        var change = proposer.Submit(Append("2"));

        proposer.Run();

        Assert.Equal(("x1", "x1", "x12"), (Show(proposer.Answer(blocking)), Show(proposer.Answer(seal)),
            Show(proposer.Answer(change))));
        Assert.Equal(accepts + 2, proposer.Rounds<AcceptorRequest.Accept>());
    }

    // The prepared ballot is of a record before the read's position, so the round begins as a plain read.
    [Fact]
    public void A_sealed_read_whose_position_lies_above_what_is_remembered_is_sealed()
    {
        var stale = _cluster.Proposer();
        stale.Do(Put("a"));
        var other = _cluster.Proposer(counter: 1_000);
        other.Do(Put("b"));
        _cluster.AcceptAt([2], Encoded("dead owner's", version: 3, ids: [700]), counter: 1_500);
        var seal = stale.Submit(stale.Operation(Seal) with { KnownSince = other.Core.Position });

        stale.Exchange(0, 1);
        stale.Run();

        var seen = Show(stale.Answer(seal));
        Assert.Equal($"{seen}!", Show(_cluster.Proposer(counter: 3_000).DoThrough(Append("!"), 1, 2)));
    }

    private static string Payload(AcceptorRequest.Accept accept) => Text(RecordCodec.Decode(accept.Value).Payload);
}
