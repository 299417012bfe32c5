using CasPaxos.Registers;
using static CasPaxos.Orleans.Tests.StorageCalls;

namespace CasPaxos.Orleans.Tests;

/// <summary>A store of one slot, freshly initialised.</summary>
/// <param name="Left">An acceptor over it.</param>
/// <param name="Right">Another one: what a second activation of the same acceptor grain would use.</param>
public sealed record StoreUnderTest(IAcceptor Left, IAcceptor Right);

/// <summary>The acceptor's rules, over whichever store a slot has. Every store passes the same suite.</summary>
public abstract class StorageSuite
{
    /// <summary>A new, empty slot.</summary>
    protected abstract Task<StoreUnderTest> NewAsync();

    [SkippableFact]
    public async Task A_prepare_is_promised_above_every_ballot_seen_and_reports_what_is_accepted()
    {
        var acceptor = (await NewAsync()).Left;

        AssertEqual(new AcceptorReply.Promised(Ballot.Zero, default), await acceptor.PrepareAsync("a", B(1)));
        AssertEqual(new AcceptorReply.Accepted(B(3)), await acceptor.AcceptAsync("a", B(3), "v"));
        AssertEqual(new AcceptorReply.Promised(B(3), Bytes("v")), await acceptor.PrepareAsync("a", B(4, P2)));
    }

    [SkippableFact]
    public async Task A_prepare_with_a_ballot_that_was_used_or_lower_is_refused_with_the_winner() // T-A4, T-A6
    {
        var acceptor = (await NewAsync()).Left;
        await acceptor.PrepareAsync("promised", B(5));
        await acceptor.AcceptAsync("accepted", B(5), "v");

        AssertEqual(new AcceptorReply.Refused(B(5)), await acceptor.PrepareAsync("promised", B(5)));
        AssertEqual(new AcceptorReply.Refused(B(5)), await acceptor.PrepareAsync("accepted", B(5)));
        AssertEqual(new AcceptorReply.Refused(B(5)), await acceptor.PrepareAsync("promised", B(4, P2)));
        AssertEqual(new AcceptorReply.Refused(B(5)), await acceptor.PrepareAsync("accepted", B(4, P2)));
    }

    [SkippableFact]
    public async Task An_accept_holds_at_and_above_the_promise_and_not_below()
    {
        var acceptor = (await NewAsync()).Left;
        await acceptor.PrepareAsync("a", B(5));

        AssertEqual(new AcceptorReply.Refused(B(5)), await acceptor.AcceptAsync("a", B(4), "v"));
        AssertEqual(new AcceptorReply.Accepted(B(5)), await acceptor.AcceptAsync("a", B(5), "v"));
        AssertEqual(new AcceptorReply.Accepted(B(6)), await acceptor.AcceptAsync("a", B(6), "w"));
        AssertEqual(new AcceptorReply.Refused(B(6)), await acceptor.AcceptAsync("a", B(5), "v"));
    }

    [SkippableFact]
    public async Task The_very_same_accept_again_holds_and_other_bytes_are_refused()
    {
        var acceptor = (await NewAsync()).Left;
        await acceptor.AcceptAsync("a", B(3), "v", next: B(4));
        await acceptor.PrepareAsync("a", B(9, P2));

        AssertEqual(new AcceptorReply.Accepted(B(9, P2)), await acceptor.AcceptAsync("a", B(3), "v", next: B(4)));
        AssertEqual(new AcceptorReply.Refused(B(9, P2)), await acceptor.AcceptAsync("a", B(3), "w", next: B(4)));
    }

    [SkippableFact]
    public async Task An_accept_promises_the_next_ballot_and_never_lowers_a_promise()
    {
        var acceptor = (await NewAsync()).Left;

        AssertEqual(new AcceptorReply.Accepted(B(4)), await acceptor.AcceptAsync("a", B(3), "v", next: B(4)));
        AssertEqual(new AcceptorReply.Accepted(B(7)), await acceptor.AcceptAsync("a", B(7), "w", next: B(5)));
        AssertEqual(new AcceptorReply.Refused(B(7)), await acceptor.PrepareAsync("a", B(6, P2)));
    }

    [SkippableFact]
    public async Task What_one_acceptor_promised_binds_another_one_over_the_same_store() // T-A1, T-O1, T-O4
    {
        var store = await NewAsync();
        await store.Left.PrepareAsync("promised", B(5));
        await store.Left.AcceptAsync("accepted", B(5), "v");
        await store.Right.PrepareAsync("accepted", B(9, P2));

        AssertEqual(new AcceptorReply.Refused(B(5)), await store.Right.AcceptAsync("promised", B(4), "v"));
        AssertEqual(new AcceptorReply.Refused(B(9, P2)), await store.Left.AcceptAsync("accepted", B(6), "w"));
        AssertEqual(new AcceptorReply.Report(B(5), Bytes("v")), await store.Right.ReadAsync("accepted"));
    }

    [SkippableFact]
    public async Task An_erased_register_keeps_its_floor() // Rules 15 and 16, T-G4
    {
        var acceptor = (await NewAsync()).Left;
        await acceptor.AcceptAsync("a", B(3), "tombstone", next: B(7));

        AssertEqual(new AcceptorReply.Kept(B(3)), await acceptor.EraseAsync("a", B(2)));
        AssertEqual(new AcceptorReply.Erased(), await acceptor.EraseAsync("a", B(3)));
        AssertEqual(new AcceptorReply.Erased(), await acceptor.EraseAsync("a", B(3)));
        AssertEqual(new AcceptorReply.Report(Ballot.Zero, default), await acceptor.ReadAsync("a"));
        AssertEqual(new AcceptorReply.Refused(B(7)), await acceptor.PrepareAsync("a", B(6, P2)));
        AssertEqual(new AcceptorReply.Refused(B(7)), await acceptor.AcceptAsync("a", B(6, P2), "old"));
        AssertEqual(new AcceptorReply.Promised(Ballot.Zero, default), await acceptor.PrepareAsync("a", B(8)));
    }

    [SkippableFact]
    public async Task An_erased_register_keeps_its_version_and_a_promise_does_not_hide_it() // Rule 19
    {
        var store = await NewAsync();
        await store.Left.AcceptAsync("a", B(3), "tombstone");
        await store.Left.EraseAsync("a", B(3), version: 7);

        AssertEqual(new AcceptorReply.Report(Ballot.Zero, default, 7), await store.Left.ReadAsync("a"));
        AssertEqual(new AcceptorReply.Promised(Ballot.Zero, default, 7), await store.Right.PrepareAsync("a", B(4)));
        AssertEqual(new AcceptorReply.Report(Ballot.Zero, default, 7), await store.Left.ReadAsync("a"));
        AssertEqual(new AcceptorReply.Promised(Ballot.Zero, default, 7), await store.Right.PrepareAsync("a", B(5)));
        AssertEqual(new AcceptorReply.Accepted(B(5)), await store.Left.AcceptAsync("a", B(5), "new"));
        AssertEqual(new AcceptorReply.Report(B(5), Bytes("new")), await store.Right.ReadAsync("a"));
    }

    [SkippableFact]
    public async Task A_version_floor_never_falls_and_a_promise_that_is_erased_leaves_it() // Rule 19
    {
        var acceptor = (await NewAsync()).Left;
        await acceptor.AcceptAsync("a", B(3), "tombstone");
        await acceptor.EraseAsync("a", B(3), version: 7);
        await acceptor.AcceptAsync("a", B(4), "tombstone");
        await acceptor.EraseAsync("a", B(4), version: 5);
        await acceptor.PrepareAsync("a", B(9));

        AssertEqual(new AcceptorReply.Erased(), await acceptor.EraseAsync("a", Ballot.Zero, version: 100));

        AssertEqual(new AcceptorReply.Report(Ballot.Zero, default, 7), await acceptor.ReadAsync("a"));
        AssertEqual(new AcceptorReply.Refused(B(9)), await acceptor.PrepareAsync("a", B(8)));
    }

    [SkippableFact]
    public async Task An_older_epoch_is_fenced_and_a_newer_one_is_learnt_even_from_a_refusal() // Rule 6
    {
        var acceptor = (await NewAsync()).Left;
        await acceptor.AcceptAsync("a", B(5), "v", epoch: 2);
        await acceptor.PrepareAsync("a", B(1), epoch: 3);

        AcceptorReply[] replies =
        [
            await acceptor.PrepareAsync("a", B(9), epoch: 2),
            await acceptor.AcceptAsync("a", B(9), "w", epoch: 2),
            await acceptor.ReadAsync("a", epoch: 2),
            await acceptor.EraseAsync("a", B(5), epoch: 2),
        ];

        Assert.All(replies, reply => AssertEqual(new AcceptorReply.Fenced(3), reply));
        AssertEqual(new AcceptorReply.Report(B(5), Bytes("v")), await acceptor.ReadAsync("a", epoch: 3));
    }

    [SkippableFact]
    public async Task Keys_and_values_of_every_kind_come_back_as_they_were() // T-A10
    {
        var store = await NewAsync();
        string[] keys =
        [
            "a", "A", "\0", "\uFFFF", "\U0010FFFF", "ключ", new('k', RegisterKey.BytesMax), new('k', 1023), "a'; --",
            "2020-01-01T00:00:00Z", "00000000000000000000000000000001", "$type", "null", "17",
        ];
        int[] sizes = [0, 1, 5_900, 1 << 20];
        var calls = keys.Select((key, i) => (Key: key, Value: Value(sizes[i % sizes.Length], i))).ToList();

        await store.Left.AskAsync(
            [
                .. calls.Select(call => new AcceptorCall(
                    new RegisterKey(call.Key), new AcceptorRequest.Accept(1, B(1), call.Value, Ballot.Zero))),
            ],
            default);

        foreach (var (key, value) in calls)
        {
            AssertEqual(new AcceptorReply.Report(B(1), value), await store.Right.ReadAsync(key));
        }
    }

    [SkippableTheory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task Random_sequences_give_the_replies_of_the_rule(int seed)
    {
        var store = await NewAsync();
        var random = new Random(seed);
        var state = new AcceptorState(1, Ballot.Zero, null);

        for (var step = 0; step < 200; step++)
        {
            var request = NextRequest(random, state.Epoch, step);
            var (expected, persist) = Acceptor.Decide(state, request);
            state = persist ?? state;

            var acceptor = random.Next(2) == 0 ? store.Left : store.Right;
            var reply = await acceptor.AskAsync(new AcceptorCall(new RegisterKey("a"), request));

            Assert.True(Text(expected) == Text(reply), $"seed {seed}, step {step}: {request}\n{expected}\n{reply}");
        }
    }

    [SkippableFact]
    public async Task Two_activations_at_once_answer_as_one_after_the_other_would_two_hundred_times() // T-O1, T-O2
    {
        var store = await NewAsync();
        var random = new Random(7);
        var state = new AcceptorState(1, Ballot.Zero, null);
        for (var round = 0; round < 200; round++)
        {
            // One epoch: a read in an older one would be fenced and not show what is stored.
            var left = NextRequest(random, epoch: 1, round, epochs: false);
            var right = NextRequest(random, epoch: 1, round, epochs: false);

            var replies = await Task.WhenAll(
                store.Left.AskAsync(new AcceptorCall(new RegisterKey("a"), left)),
                store.Right.AskAsync(new AcceptorCall(new RegisterKey("a"), right)));
            var after = await store.Left.ReadAsync("a");

            var serial = new[] { Serial(state, left, right, swap: false), Serial(state, left, right, swap: true) };
            var actual = $"{Text(replies[0])}; {Text(replies[1])}; {Text(after)}";
            var match = serial.FirstOrDefault(
                one => Fits(left, one.Left, replies[0]) && Fits(right, one.Right, replies[1])
                    && Text(one.Read) == Text(after));
            Assert.True(match.Read is not null, $"round {round}: {left} | {right}\nreplies {actual}\n"
                + $"left first {serial[0]}\nright first {serial[1]}");
            state = match.After;
        }
    }

    [SkippableFact]
    public async Task Of_two_first_writers_with_one_ballot_exactly_one_wins_two_hundred_times() // T-O2
    {
        var store = await NewAsync();
        for (var round = 0; round < 100; round++)
        {
            var accepts = await Task.WhenAll(
                store.Left.AcceptAsync($"a/{round}", B(1), "left"),
                store.Right.AcceptAsync($"a/{round}", B(1), "right"));
            var promises = await Task.WhenAll(
                store.Left.PrepareAsync($"p/{round}", B(1)), store.Right.PrepareAsync($"p/{round}", B(1)));

            var winner = accepts[0] is AcceptorReply.Accepted ? "left" : "right";
            Assert.Single(accepts, reply => reply is AcceptorReply.Accepted);
            Assert.Single(promises, reply => reply is AcceptorReply.Promised);
            AssertEqual(
                new AcceptorReply.Report(B(1), Bytes(winner)), await store.Left.ReadAsync($"a/{round}"));
        }
    }

    /// <summary>As the rule says; or an overtaken accept is in doubt instead of refused.</summary>
    private static bool Fits(AcceptorRequest request, AcceptorReply rule, AcceptorReply reply) =>
        Text(rule) == Text(reply)
        || (request is AcceptorRequest.Accept && rule is AcceptorReply.Refused
            && reply is AcceptorReply.Failed { MayHaveTakenEffect: true });

    private static (AcceptorReply Left, AcceptorReply Right, AcceptorReply Read, AcceptorState After) Serial(
        AcceptorState state, AcceptorRequest left, AcceptorRequest right, bool swap)
    {
        var first = Acceptor.Decide(state, swap ? right : left);
        state = first.Persist ?? state;
        var second = Acceptor.Decide(state, swap ? left : right);
        state = second.Persist ?? state;
        var read = Acceptor.Decide(state, new AcceptorRequest.Read(state.Epoch));
        var (one, two) = swap ? (second.Reply, first.Reply) : (first.Reply, second.Reply);
        return (one, two, read.Reply, state);
    }

    private static byte[] Value(int length, int seed)
    {
        var value = new byte[length];
        new Random(seed).NextBytes(value);
        return value;
    }
}
