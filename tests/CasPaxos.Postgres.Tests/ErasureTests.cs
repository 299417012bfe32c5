using static CasPaxos.Postgres.Tests.TestAcceptor;

namespace CasPaxos.Postgres.Tests;

/// <summary>Erased rows leave a floor, and it holds against whatever runs at the same time (rules 15, 16).</summary>
[Collection(SharedServer.Name)]
public sealed class ErasureTests(SharedServer shared)
{
    [SkippableFact]
    public async Task An_erased_row_promises_what_it_had_promised() // T-G4
    {
        await using var acceptor = await shared.NewAcceptorAsync();
        await acceptor.AcceptAsync("a", B(10), "tombstone");
        await acceptor.PrepareAsync("a", B(12, P2));

        Replies.AssertEqual(new AcceptorReply.Erased(), await acceptor.EraseAsync("a", B(10)));
        var below = await acceptor.AcceptAsync("a", B(11), "x");
        var again = await acceptor.PrepareAsync("a", B(12, P2));
        var promised = await acceptor.AcceptAsync("a", B(12, P2), "y");

        Replies.AssertEqual(new AcceptorReply.Refused(B(12, P2)), below);
        Replies.AssertEqual(new AcceptorReply.Refused(B(12, P2)), again);
        Replies.AssertEqual(new AcceptorReply.Accepted(B(12, P2)), promised);
    }

    [SkippableFact]
    public async Task A_delayed_accept_of_an_erased_register_is_refused() // T-G1
    {
        await using var acceptor = await shared.NewAcceptorAsync();
        await acceptor.AcceptAsync("a", B(10), "tombstone");
        await acceptor.EraseAsync("a", B(10));

        var late = await acceptor.AcceptAsync("a", B(5), "old value");

        Replies.AssertEqual(new AcceptorReply.Refused(B(10)), late);
        Replies.AssertEqual(new AcceptorReply.Report(Ballot.Zero, default), await acceptor.ReadAsync("a"));
    }

    [SkippableFact]
    public async Task A_row_with_another_accepted_ballot_is_kept() // T-G5, T-G6
    {
        await using var acceptor = await shared.NewAcceptorAsync();
        await acceptor.AcceptAsync("a", B(10), "tombstone");
        await acceptor.AcceptAsync("a", B(11), "value");
        await acceptor.AcceptAsync("a", B(12), "tombstone");

        var reply = await acceptor.EraseAsync("a", B(10));

        Replies.AssertEqual(new AcceptorReply.Kept(B(12)), reply);
        Assert.Equal(Ballot.Zero, (await acceptor.MarksAsync()).Floor);
    }

    [SkippableFact]
    public async Task A_row_that_only_promised_is_erased_by_the_zero_ballot_and_its_promise_stays()
    {
        await using var acceptor = await shared.NewAcceptorAsync();
        await acceptor.PrepareAsync("a", B(7));

        Replies.AssertEqual(new AcceptorReply.Erased(), await acceptor.EraseAsync("a", Ballot.Zero));

        Assert.Null(await acceptor.RowAsync("a"));
        Assert.Equal(B(7), (await acceptor.MarksAsync()).Floor);
        Replies.AssertEqual(new AcceptorReply.Refused(B(7)), await acceptor.PrepareAsync("never seen", B(6)));
    }

    [SkippableFact]
    public async Task A_floor_never_sinks_and_does_not_bind_rows_that_are_there()
    {
        await using var acceptor = await shared.NewAcceptorAsync();
        await acceptor.AcceptAsync("high", B(100), "t");
        await acceptor.AcceptAsync("low", B(2), "t");
        await acceptor.AcceptAsync("live", B(3), "v");
        await acceptor.EraseAsync("high", B(100));
        await acceptor.EraseAsync("low", B(2));

        var live = await acceptor.AcceptAsync("live", B(4), "w");

        Assert.Equal(B(100), (await acceptor.MarksAsync()).Floor);
        Replies.AssertEqual(new AcceptorReply.Accepted(B(4)), live);
    }

    [SkippableTheory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task An_erase_waits_for_writers_that_have_read_the_floor(bool alone)
    {
        await using var acceptor = await shared.NewAcceptorAsync();
        await acceptor.AcceptAsync("a", B(10), "t");
        await acceptor.AcceptAsync("b", B(4), "v");
        await using var session = await acceptor.ConnectAsync();
        await using var transaction = await session.BeginTransactionAsync();
        await using var writer = session.CreateCommand();
        writer.CommandText = Accept(acceptor, alone);
        Assert.Equal(2, await writer.ExecuteScalarAsync());

        var erase = acceptor.EraseAsync("a", B(10));
        await Task.Delay(150);
        var waited = !erase.IsCompleted;
        await transaction.CommitAsync();

        Assert.True(waited);
        Replies.AssertEqual(new AcceptorReply.Erased(), await erase);
        Assert.Equal(B(10), (await acceptor.MarksAsync()).Floor);
    }

    [SkippableFact]
    public async Task A_writer_waits_for_an_erase_under_way_and_then_sees_the_floor_that_it_raised()
    {
        await using var acceptor = await shared.NewAcceptorAsync();
        await acceptor.AcceptAsync("a", B(10), "t");
        await using var session = await acceptor.ConnectAsync();
        await using var transaction = await session.BeginTransactionAsync();
        await using var eraser = session.CreateCommand();
        eraser.CommandText = $"""
            SELECT e.reply FROM caspaxos.erase('{acceptor.Acceptor.Identity.Incarnation}', 1, ARRAY['a'::bytea],
                ARRAY[10::bigint], ARRAY['{P1.Value}'::uuid], ARRAY[1::bigint]) e
            """;
        Assert.Equal(5, await eraser.ExecuteScalarAsync());

        var accept = acceptor.AcceptAsync("a", B(5), "old value");
        await Task.Delay(150);
        var waited = !accept.IsCompleted;
        await transaction.CommitAsync();

        Assert.True(waited);
        Replies.AssertEqual(new AcceptorReply.Refused(B(10)), await accept);
    }

    [SkippableTheory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_sender_of_an_old_epoch_has_no_effect_after_a_newer_one_was_answered(bool alone)
    {
        await using var acceptor = await shared.NewAcceptorAsync();
        await acceptor.AcceptAsync("b", B(4), "v");
        await using var session = await acceptor.ConnectAsync();
        await using var transaction = await session.BeginTransactionAsync();
        await using var old = session.CreateCommand();
        old.CommandText = Accept(acceptor, alone);
        await old.ExecuteScalarAsync();

        var newer = acceptor.PrepareAsync("a", B(1), epoch: 2);
        await Task.Delay(150);
        var waited = !newer.IsCompleted;
        await transaction.CommitAsync();
        await newer;

        Assert.True(waited);
        Replies.AssertEqual(new AcceptorReply.Fenced(2), await acceptor.AcceptAsync("b", B(6), "w"));
    }

    [SkippableFact]
    public async Task An_accept_waits_for_a_newer_epoch_that_is_being_learnt_and_then_is_fenced()
    {
        await using var acceptor = await shared.NewAcceptorAsync();
        await acceptor.AcceptAsync("b", B(4), "v");
        await using var session = await acceptor.ConnectAsync();
        await using var transaction = await session.BeginTransactionAsync();
        await using var learner = session.CreateCommand();
        learner.CommandText =
            $"SELECT * FROM caspaxos.read_one('{acceptor.Acceptor.Identity.Incarnation}', 2, 'b'::bytea)";
        await learner.ExecuteNonQueryAsync();

        var accept = acceptor.AcceptAsync("b", B(5), "w");
        await Task.Delay(150);
        var waited = !accept.IsCompleted;
        await transaction.CommitAsync();

        Assert.True(waited);
        Replies.AssertEqual(new AcceptorReply.Fenced(2), await accept);
    }

    [SkippableFact]
    public async Task Writers_and_an_eraser_at_once_never_get_below_a_floor()
    {
        await using var acceptor = await shared.NewAcceptorAsync();
        var counter = 0L;

        // Each round: a ballot is accepted and erased while older ones are tried. None of them may come after.
        for (var round = 0; round < 60; round++)
        {
            var high = B(Interlocked.Add(ref counter, 10));
            await acceptor.AcceptAsync("a", high, "t");
            var tries = Enumerable.Range(1, 3)
                .Select(below => acceptor.AcceptAsync("a", B(high.Counter - below, P2), "old"))
                .Append(acceptor.EraseAsync("a", high))
                .Append(acceptor.AcceptAsync("a", B(high.Counter - 4, P2), "old"))
                .ToList();
            var replies = await Task.WhenAll(tries);

            Assert.Equal(4, replies.Count(reply => reply is AcceptorReply.Refused));
            Replies.AssertEqual(new AcceptorReply.Report(Ballot.Zero, default), await acceptor.ReadAsync("a"));
            Assert.Equal(high, (await acceptor.MarksAsync()).Floor);
        }
    }

    /// <summary>An accept of ballot 5 for "b", by the function for one call or by the one for batches.</summary>
    private static string Accept(TestAcceptor acceptor, bool alone)
    {
        var me = acceptor.Acceptor.Identity.Incarnation;
        return alone
            ? $"SELECT reply FROM caspaxos.accept_one('{me}', 1, 'b', 5, '{P1.Value}', 'v', 0, '{Guid.Empty}')"
            : $"SELECT reply FROM caspaxos.write('{me}', 1, '{{b}}', '{{5}}', ARRAY['{P1.Value}'::uuid], '{{v}}', "
                + $"'{{0}}', ARRAY['{Guid.Empty}'::uuid])";
    }
}
