using CasPaxos.Registers;
using static CasPaxos.Postgres.Tests.TestAcceptor;

namespace CasPaxos.Postgres.Tests;

/// <summary>The acceptor's rules through SQL. The numbers are those of the acceptance cases.</summary>
[Collection(SharedServer.Name)]
public sealed class AcceptorRuleTests(SharedServer shared)
{
    [SkippableFact]
    public async Task Case_6_Prepare_on_an_empty_register_is_promised_and_reports_nothing()
    {
        await using var acceptor = await shared.NewAcceptorAsync();

        var reply = await acceptor.PrepareAsync("a", B(1));

        Replies.AssertEqual(new AcceptorReply.Promised(Ballot.Zero, default), reply);
        var row = new AcceptorRow(B(1), Ballot.Zero, default);
        Assert.Equal(Replies.Text(row), Replies.Text(await acceptor.RowAsync("a")));
    }

    [SkippableFact]
    public async Task Case_7_Prepare_with_a_ballot_that_was_used_is_refused() // T-A6
    {
        await using var acceptor = await shared.NewAcceptorAsync();
        await acceptor.PrepareAsync("promised", B(3));
        await acceptor.AcceptAsync("accepted", B(3), "v");

        var afterPromise = await acceptor.PrepareAsync("promised", B(3));
        var afterAccept = await acceptor.PrepareAsync("accepted", B(3));

        Replies.AssertEqual(new AcceptorReply.Refused(B(3)), afterPromise);
        Replies.AssertEqual(new AcceptorReply.Refused(B(3)), afterAccept);
    }

    [SkippableFact]
    public async Task Case_8_A_higher_prepare_is_promised_and_reports_what_is_accepted() // T-A5
    {
        await using var acceptor = await shared.NewAcceptorAsync();
        await acceptor.AcceptAsync("a", B(3), "v");

        var reply = await acceptor.PrepareAsync("a", B(4, P2));

        Replies.AssertEqual(new AcceptorReply.Promised(B(3), Bytes("v")), reply);
    }

    [SkippableFact]
    public async Task Case_9_A_prepare_below_the_promise_or_below_the_accepted_ballot_is_refused_with_the_winner()
    {
        await using var acceptor = await shared.NewAcceptorAsync();
        await acceptor.PrepareAsync("promised", B(5));
        await acceptor.AcceptAsync("accepted", B(5), "v");
        var before = Replies.Text(await acceptor.RowAsync("accepted"));

        var belowPromise = await acceptor.PrepareAsync("promised", B(4, P2));
        var belowAccepted = await acceptor.PrepareAsync("accepted", B(4, P2));

        Replies.AssertEqual(new AcceptorReply.Refused(B(5)), belowPromise);
        Replies.AssertEqual(new AcceptorReply.Refused(B(5)), belowAccepted);
        Assert.Equal(before, Replies.Text(await acceptor.RowAsync("accepted")));
    }

    [SkippableTheory]
    [InlineData(6, true)]
    [InlineData(5, true)]
    [InlineData(4, false)]
    public async Task Case_10_An_accept_holds_at_and_above_the_promise_and_not_below(long counter, bool holds)
    {
        await using var acceptor = await shared.NewAcceptorAsync();
        await acceptor.PrepareAsync("a", B(5));

        var reply = await acceptor.AcceptAsync("a", B(counter), "v");

        Replies.AssertEqual(
            holds ? new AcceptorReply.Accepted(B(counter)) : new AcceptorReply.Refused(B(5)), reply);
    }

    [SkippableFact]
    public async Task Case_10_An_accept_raises_the_promise_so_that_lower_prepares_and_accepts_conflict() // T-A4
    {
        await using var acceptor = await shared.NewAcceptorAsync();
        await acceptor.AcceptAsync("a", B(5), "v");

        var prepare = await acceptor.PrepareAsync("a", B(4, P2));
        var accept = await acceptor.AcceptAsync("a", B(4, P2), "w");

        Replies.AssertEqual(new AcceptorReply.Refused(B(5)), prepare);
        Replies.AssertEqual(new AcceptorReply.Refused(B(5)), accept);
    }

    [SkippableFact]
    public async Task Case_11_An_accept_without_a_prepare_holds_if_its_ballot_is_higher()
    {
        await using var acceptor = await shared.NewAcceptorAsync();
        await acceptor.AcceptAsync("old", B(1), "v");

        var onEmpty = await acceptor.AcceptAsync("new", B(2), "w");
        var onOld = await acceptor.AcceptAsync("old", B(2), "w");

        Replies.AssertEqual(new AcceptorReply.Accepted(B(2)), onEmpty);
        Replies.AssertEqual(new AcceptorReply.Accepted(B(2)), onOld);
    }

    [SkippableFact]
    public async Task Case_12_The_very_same_accept_again_holds_and_changes_nothing_and_other_bytes_are_refused()
    {
        await using var acceptor = await shared.NewAcceptorAsync();
        await acceptor.AcceptAsync("a", B(3), "v", next: B(4));
        await acceptor.PrepareAsync("a", B(9, P2));
        var before = Replies.Text(await acceptor.RowAsync("a"));

        var same = await acceptor.AcceptAsync("a", B(3), "v", next: B(4));
        var other = await acceptor.AcceptAsync("a", B(3), "w", next: B(4));

        Replies.AssertEqual(new AcceptorReply.Accepted(B(9, P2)), same);
        Replies.AssertEqual(new AcceptorReply.Refused(B(9, P2)), other);
        Assert.Equal(before, Replies.Text(await acceptor.RowAsync("a")));
    }

    [SkippableFact]
    public async Task Case_13_An_accept_promises_the_next_ballot_and_never_lowers_a_promise()
    {
        await using var acceptor = await shared.NewAcceptorAsync();

        var raised = await acceptor.AcceptAsync("a", B(3), "v", next: B(4));
        var lowered = await acceptor.AcceptAsync("a", B(7), "w", next: B(5));
        var between = await acceptor.PrepareAsync("a", B(6, P2));

        Replies.AssertEqual(new AcceptorReply.Accepted(B(4)), raised);
        Replies.AssertEqual(new AcceptorReply.Accepted(B(7)), lowered);
        Replies.AssertEqual(new AcceptorReply.Refused(B(7)), between);
    }

    [SkippableFact]
    public async Task Case_14_A_promise_alone_outlives_the_acceptor_object() // T-A1, on an empty register
    {
        await using var acceptor = await shared.NewAcceptorAsync();
        await acceptor.PrepareAsync("a", B(5));

        await using var reopened = await PostgresCluster.OpenAsync([acceptor.ConnectionString], Patient);
        var reply = Assert.Single(await reopened.Acceptors[0].AskAsync([AcceptCall("a", B(4), "v")], default));

        Replies.AssertEqual(new AcceptorReply.Refused(B(5)), reply);
    }

    [SkippableFact]
    public async Task Case_15_A_commit_that_fails_behind_the_rows_gives_no_positive_answer() // T-A2, T-A3
    {
        await using var acceptor = await shared.NewAcceptorAsync();
        var large = new string('v', 300_000);
        await acceptor.AcceptAsync("a", B(1), large);
        await acceptor.ExecuteAsync(
            """
            CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'late'; END $$;
            CREATE CONSTRAINT TRIGGER late AFTER INSERT OR UPDATE ON caspaxos.register
                DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION fail();
            """);

        // A promise that reports this much reaches the client before the server has committed.
        var promise = await Assert.ThrowsAsync<AcceptorUnavailableException>(() => acceptor.PrepareAsync("a", B(2)));
        var accept = await Assert.ThrowsAsync<AcceptorUnavailableException>(() => acceptor.AcceptAsync("b", B(2), "w"));
        await acceptor.ExecuteAsync("DROP TRIGGER late ON caspaxos.register");

        Assert.False(promise.MayHaveTakenEffect);
        Assert.False(accept.MayHaveTakenEffect);
        Assert.Equal(B(1), (await acceptor.RowAsync("a"))!.Promised);
        Assert.Null(await acceptor.RowAsync("b"));
    }

    [SkippableFact]
    public async Task Case_17_An_older_epoch_is_fenced_in_every_lane_and_a_newer_one_is_learnt_durably()
    {
        await using var acceptor = await shared.NewAcceptorAsync();
        await acceptor.AcceptAsync("a", B(1), "v", epoch: 3);

        var replies = new[]
        {
            await acceptor.PrepareAsync("a", B(2), epoch: 2),
            await acceptor.AcceptAsync("a", B(2), "w", epoch: 2),
            await acceptor.ReadAsync("a", epoch: 2),
            await acceptor.EraseAsync("a", B(1), epoch: 2),
        };

        Assert.All(replies, reply => Replies.AssertEqual(new AcceptorReply.Fenced(3), reply));
        Assert.Equal(3, (await acceptor.MarksAsync()).Epoch);
        Assert.Equal("v"u8.ToArray(), (await acceptor.RowAsync("a"))!.Value.ToArray());
    }

    [SkippableTheory]
    [InlineData("prepare that is refused")]
    [InlineData("read")]
    [InlineData("erase")]
    [InlineData("scan")]
    public async Task Case_17_A_newer_epoch_is_learnt_from_requests_that_change_nothing(string request)
    {
        await using var acceptor = await shared.NewAcceptorAsync();
        await acceptor.AcceptAsync("a", B(5), "v");

        _ = request switch
        {
            "read" => (object)await acceptor.ReadAsync("a", epoch: 2),
            "erase" => await acceptor.EraseAsync("a", B(1), epoch: 2),
            "scan" => await acceptor.Acceptor.ScanAsync(new(2, "", null, 1), default),
            _ => await acceptor.PrepareAsync("a", B(1), epoch: 2),
        };

        Assert.Equal(2, (await acceptor.MarksAsync()).Epoch);
    }

    [SkippableTheory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(5_900)]
    [InlineData(9_000)]
    [InlineData(1 << 20)]
    public async Task Values_of_every_size_and_keys_of_every_kind_come_back_as_they_were(int length) // T-A10
    {
        await using var acceptor = await shared.NewAcceptorAsync();
        var value = new byte[length];
        new Random(length).NextBytes(value);
        string[] keys = ["a", "\0", "\uFFFF", "\U0010FFFF", "ключ", new string('k', RegisterKey.BytesMax), "a'; --"];

        foreach (var key in keys)
        {
            await acceptor.AskAsync(new AcceptorCall(
                new RegisterKey(key), new AcceptorRequest.Accept(1, B(1), value, Ballot.Zero)));
        }

        foreach (var key in keys)
        {
            Replies.AssertEqual(new AcceptorReply.Report(B(1), value), await acceptor.ReadAsync(key));
        }
    }

    [SkippableFact]
    public async Task Replies_are_in_the_order_of_the_batch_and_calls_of_one_key_take_effect_in_order()
    {
        await using var acceptor = await shared.NewAcceptorAsync();

        var replies = await acceptor.AskAsync(
            PrepareCall("z", B(1)), AcceptCall("a", B(1), "a1"), AcceptCall("z", B(1), "z1"), PrepareCall("z", B(1)),
            AcceptCall("m", B(2), "m2"), PrepareCall("z", B(2)));

        string[] expected =
        [
            Replies.Text(new AcceptorReply.Promised(Ballot.Zero, default)),
            Replies.Text(new AcceptorReply.Accepted(B(1))),
            Replies.Text(new AcceptorReply.Accepted(B(1))),
            Replies.Text(new AcceptorReply.Refused(B(1))),
            Replies.Text(new AcceptorReply.Accepted(B(2))),
            Replies.Text(new AcceptorReply.Promised(B(1), Bytes("z1"))),
        ];
        Assert.Equal(expected, replies.Select(Replies.Text));
    }

    [SkippableFact]
    public async Task A_batch_of_two_lanes_or_two_epochs_or_of_nothing_is_a_bug_of_the_caller()
    {
        await using var acceptor = await shared.NewAcceptorAsync();

        await Assert.ThrowsAsync<ArgumentException>(() => acceptor.AskAsync(ReadCall("a"), PrepareCall("a", B(1))));
        await Assert.ThrowsAsync<ArgumentException>(() => acceptor.AskAsync(ReadCall("a"), ReadCall("b", epoch: 2)));
        await Assert.ThrowsAsync<ArgumentException>(() => acceptor.AskAsync([]));
    }
}
