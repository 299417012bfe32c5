using FsCheck;
using FsCheck.Fluent;
using static CasPaxos.AcceptorReply;
using static CasPaxos.Tests.Make;

namespace CasPaxos.Tests;

/// <summary>The acceptor's rule for one register: state and message in, reply and state out.</summary>
public sealed class AcceptorTests
{
    private static readonly ReadOnlyMemory<byte> X = Bytes("x");
    private static readonly ReadOnlyMemory<byte> Y = Bytes("y");

    private static readonly Arbitrary<AcceptorRequest[]> Histories = (
        from ballot in Gen.Choose(1, 9)
        from next in Gen.Choose(0, 9)
        from accepts in Gen.Elements(true, false)
        select accepts
            ? (AcceptorRequest)new AcceptorRequest.Accept(0, B(ballot), Bytes($"{ballot}"), B(next))
            : new AcceptorRequest.Prepare(0, B(ballot))).ArrayOf(8).ToArbitrary();

    // Case 6
    [Fact]
    public void Prepare_of_an_empty_register_is_promised()
    {
        var decision = Decide(default, new AcceptorRequest.Prepare(1, B(1)));

        Assert.Equal(new Promised(Ballot.Zero, default), decision.Reply);
        Assert.Equal(new AcceptorRow(B(1), Ballot.Zero, default), decision.Persist!.Value.Row);
    }

    // Case 7, T-A6: a second prepare with a ballot means that the ballot is used twice.
    [Fact]
    public void Prepare_with_the_promised_ballot_is_refused()
    {
        var decision = Decide(State(B(5)), new AcceptorRequest.Prepare(1, B(5)));

        Assert.Equal(new Refused(B(5)), decision.Reply);
        Assert.Null(decision.Persist);
    }

    // Case 8
    [Fact]
    public void A_higher_prepare_supersedes_and_returns_what_was_accepted()
    {
        var decision = Decide(State(B(5), B(3), X), new AcceptorRequest.Prepare(1, B(6, 2)));

        Assert.Equal(new Promised(B(3), X), decision.Reply);
        Assert.Equal(new AcceptorRow(B(6, 2), B(3), X), decision.Persist!.Value.Row);
    }

    // Case 9
    [Fact]
    public void A_lower_prepare_is_refused_with_the_ballot_that_won()
    {
        var decision = Decide(State(B(5, 2)), new AcceptorRequest.Prepare(1, B(5, 1)));

        Assert.Equal(new Refused(B(5, 2)), decision.Reply);
        Assert.Null(decision.Persist);
    }

    // Case 9, T-A4: even where the promise of the row is below what it accepted.
    [Fact]
    public void Prepare_below_the_accepted_ballot_is_refused()
    {
        var decision = Decide(State(Ballot.Zero, B(5), X), new AcceptorRequest.Prepare(1, B(4)));

        Assert.Equal(new Refused(B(5)), decision.Reply);
        Assert.Null(decision.Persist);
    }

    // Case 10
    [Theory]
    [InlineData(4, false)]
    [InlineData(5, true)]
    [InlineData(6, true)]
    public void Accept_is_taken_at_the_promise_and_above_and_refused_below(long counter, bool taken)
    {
        var decision = Decide(State(B(5)), new AcceptorRequest.Accept(1, B(counter), X, Ballot.Zero));

        Assert.Equal(taken ? new Accepted(B(counter)) : new Refused(B(5)), decision.Reply);
        Assert.Equal(taken ? new AcceptorRow(B(counter), B(counter), X) : null, decision.Persist?.Row);
    }

    // Case 11: the prepare was lost here and promised elsewhere.
    [Fact]
    public void Accept_without_a_prepare_is_taken()
    {
        var decision = Decide(default, new AcceptorRequest.Accept(1, B(2), X, Ballot.Zero));

        Assert.Equal(new Accepted(B(2)), decision.Reply);
        Assert.Equal(new AcceptorRow(B(2), B(2), X), decision.Persist!.Value.Row);
    }

    // T-A4
    [Fact]
    public void Accepting_raises_the_promise()
    {
        var state = Decide(State(B(1)), new AcceptorRequest.Accept(1, B(5), X, Ballot.Zero)).Persist!.Value;

        Assert.Equal(new Refused(B(5)), Decide(state, new AcceptorRequest.Prepare(1, B(4))).Reply);
        Assert.Equal(new Refused(B(5)), Decide(state, new AcceptorRequest.Accept(1, B(4), Y, Ballot.Zero)).Reply);
    }

    // Case 12, T-A6: other bytes in another buffer, equal content.
    [Fact]
    public void The_very_same_accept_again_is_answered_as_before_and_changes_nothing()
    {
        var decision = Decide(State(B(6), B(5), X), new AcceptorRequest.Accept(1, B(5), Bytes("x"), B(6)));

        Assert.Equal(new Accepted(B(6)), decision.Reply);
        Assert.Null(decision.Persist);
    }

    // Case 12, T-A6
    [Fact]
    public void The_same_ballot_with_another_value_is_refused()
    {
        var decision = Decide(State(B(5), B(5), X), new AcceptorRequest.Accept(1, B(5), Y, Ballot.Zero));

        Assert.Equal(new Refused(B(5)), decision.Reply);
        Assert.Null(decision.Persist);
    }

    // Case 12: what another proposer was promised meanwhile is not confirmed as ours.
    [Fact]
    public void A_repeated_accept_reports_the_promise_of_now()
    {
        var decision = Decide(State(B(9, 2), B(5), X), new AcceptorRequest.Accept(1, B(5), X, B(6)));

        Assert.Equal(new Accepted(B(9, 2)), decision.Reply);
        Assert.Null(decision.Persist);
    }

    // Case 13
    [Fact]
    public void Accept_stores_the_promise_for_the_next_ballot()
    {
        var decision = Decide(State(B(5)), new AcceptorRequest.Accept(1, B(5), X, B(6)));

        Assert.Equal(new Accepted(B(6)), decision.Reply);
        Assert.Equal(new AcceptorRow(B(6), B(5), X), decision.Persist!.Value.Row);
    }

    // Case 13
    [Fact]
    public void A_next_ballot_below_the_accepted_one_does_not_lower_the_promise()
    {
        var decision = Decide(State(B(5)), new AcceptorRequest.Accept(1, B(5), X, B(2)));

        Assert.Equal(new AcceptorRow(B(5), B(5), X), decision.Persist!.Value.Row);
    }

    // Case 17, T-M9
    [Fact]
    public void An_older_epoch_is_fenced_for_every_kind_of_request()
    {
        var state = State(B(5), B(5), X) with { Epoch = 3 };

        foreach (var request in Requests(epoch: 2, B(9)))
        {
            var decision = Acceptor.Decide(state, request);

            Assert.Equal(new Fenced(3), decision.Reply);
            Assert.Null(decision.Persist);
        }
    }

    // Case 17: also when the request itself changes nothing or loses.
    [Fact]
    public void A_newer_epoch_is_learnt_durably_from_every_kind_of_request()
    {
        var state = State(B(5), B(5), X) with { Epoch = 3 };

        foreach (var request in Requests(epoch: 4, B(9)).Concat(Requests(epoch: 4, B(1))))
        {
            var decision = Acceptor.Decide(state, request);

            Assert.IsNotType<Fenced>(decision.Reply);
            Assert.Equal(4, decision.Persist!.Value.Epoch);
        }
    }

    [Fact]
    public void Read_reports_what_is_accepted_and_writes_nothing()
    {
        Assert.Equal(new Decision(new Report(B(3), X)), Decide(State(B(5), B(3), X), new AcceptorRequest.Read(1)));
        Assert.Equal(new Decision(new Report(Ballot.Zero, default)), Decide(State(B(5)), new AcceptorRequest.Read(1)));
        Assert.Equal(new Decision(new Report(Ballot.Zero, default)), Decide(default, new AcceptorRequest.Read(1)));
    }

    [Fact]
    public void The_zero_ballot_is_nothing_that_can_be_promised_or_accepted()
    {
        Assert.IsType<Refused>(Decide(default, new AcceptorRequest.Prepare(1, Ballot.Zero)).Reply);
        Assert.IsType<Refused>(Decide(default, new AcceptorRequest.Accept(1, Ballot.Zero, X, B(1))).Reply);
    }

    [Fact]
    public void Erase_of_the_accepted_ballot_leaves_the_greatest_ballot_as_floor()
    {
        var decision = Decide(
            State(B(8, 2), B(5), X) with { Floor = B(6) }, new AcceptorRequest.Erase(1, B(5), Version: 3));

        Assert.Equal(new Erased(), decision.Reply);
        Assert.Equal(new AcceptorState(1, B(8, 2), Row: null, VersionFloor: 3), decision.Persist);
    }

    // T-G6
    [Fact]
    public void Erase_of_another_ballot_than_the_accepted_one_keeps_the_row()
    {
        var decision = Decide(State(B(7), B(7), X), new AcceptorRequest.Erase(1, B(5), Version: 3));

        Assert.Equal(new Kept(B(7)), decision.Reply);
        Assert.Null(decision.Persist);
    }

    [Fact]
    public void Erase_of_nothing_has_nothing_to_do() =>
        Assert.Equal(new Decision(new Erased()), Decide(default, new AcceptorRequest.Erase(1, B(5), Version: 3)));

    [Fact]
    public void The_floors_never_fall()
    {
        var decision = Decide(
            State(B(5), B(5), X) with { Floor = B(9), VersionFloor = 4 },
            new AcceptorRequest.Erase(1, B(5), Version: 3));

        Assert.Equal(4, decision.Persist!.Value.VersionFloor);
        Assert.Equal(B(9), decision.Persist!.Value.Floor);
    }

    // Rule 19: the row was erased before the promise was given, and the promise must not hide that.
    [Fact]
    public void The_version_floor_is_reported_wherever_nothing_is_accepted()
    {
        var missing = new AcceptorState(1, B(4), Row: null, VersionFloor: 7);
        var promised = State(B(5)) with { VersionFloor = 7 };
        var accepted = State(B(5), B(5), X) with { VersionFloor = 7 };

        Assert.Equal(new Report(Ballot.Zero, default, 7), Decide(missing, new AcceptorRequest.Read(1)).Reply);
        Assert.Equal(new Report(Ballot.Zero, default, 7), Decide(promised, new AcceptorRequest.Read(1)).Reply);
        Assert.Equal(new Report(B(5), X, 0), Decide(accepted, new AcceptorRequest.Read(1)).Reply);
        Assert.Equal(
            new Promised(Ballot.Zero, default, 7), Decide(missing, new AcceptorRequest.Prepare(1, B(6))).Reply);
        Assert.Equal(
            new Promised(Ballot.Zero, default, 7), Decide(promised, new AcceptorRequest.Prepare(1, B(6))).Reply);
        Assert.Equal(new Promised(B(5), X, 0), Decide(accepted, new AcceptorRequest.Prepare(1, B(6))).Reply);
    }

    // Rule 19: the version counts only where the row's accepted ballot is the tombstone's.
    [Fact]
    public void The_version_floor_rises_with_an_erased_tombstone_only()
    {
        var promise = Decide(State(B(5)), new AcceptorRequest.Erase(1, Ballot.Zero, Version: 3));
        var kept = Decide(State(B(7), B(7), X), new AcceptorRequest.Erase(1, B(5), Version: 3));
        var missing = Decide(default, new AcceptorRequest.Erase(1, B(5), Version: 3));

        Assert.Equal(0, promise.Persist!.Value.VersionFloor);
        Assert.Equal(B(5), promise.Persist!.Value.Floor);
        Assert.Null(kept.Persist);
        Assert.Null(missing.Persist);
    }

    // The network may repeat any request at any later time: what it did is done, and nothing else happens.
    [Fact]
    public void A_second_copy_of_a_request_changes_nothing_whatever_came_in_between() =>
        Prop.ForAll(Histories, requests =>
        {
            var state = default(AcceptorState);
            foreach (var request in requests)
            {
                state = Acceptor.Decide(state, request).Persist ?? state;
            }

            return requests.All(request => Acceptor.Decide(state, request).Persist is null);
        }).QuickCheckThrowOnFailure();

    private static Decision Decide(AcceptorState state, AcceptorRequest request) =>
        Acceptor.Decide(state with { Epoch = 1 }, request);

    private static AcceptorState State(
        Ballot promised, Ballot accepted = default, ReadOnlyMemory<byte> value = default) =>
        new(1, Ballot.Zero, new AcceptorRow(promised, accepted, value));

    private static AcceptorRequest[] Requests(long epoch, Ballot ballot) =>
    [
        new AcceptorRequest.Prepare(epoch, ballot),
        new AcceptorRequest.Accept(epoch, ballot, Y, Ballot.Zero),
        new AcceptorRequest.Read(epoch),
        new AcceptorRequest.Erase(epoch, ballot, Version: 3),
    ];
}
