using CasPaxos.Registers;
using Npgsql;
using static CasPaxos.Postgres.Tests.TestAcceptor;

namespace CasPaxos.Postgres.Tests;

/// <summary>Erased tombstones leave their greatest version, for the whole database (rule 19).</summary>
[Collection(SharedServer.Name)]
public sealed class VersionFloorTests(SharedServer shared)
{
    [SkippableFact]
    public async Task An_erased_tombstone_leaves_its_version_and_every_absent_register_reports_it()
    {
        await using var acceptor = await shared.NewAcceptorAsync();
        await acceptor.AcceptAsync("a", B(10), "tombstone");
        await acceptor.AcceptAsync("live", B(10), "value");

        await acceptor.EraseAsync("a", B(10), version: 7);

        Assert.Equal(7, (await acceptor.MarksAsync()).VersionFloor);
        Replies.AssertEqual(new AcceptorReply.Report(Ballot.Zero, default, 7), await acceptor.ReadAsync("a"));
        var reports = await acceptor.AskAsync(ReadCall("a"), ReadCall("live"), ReadCall("never seen"));
        Replies.AssertEqual(new AcceptorReply.Report(Ballot.Zero, default, 7), reports[0]);
        Replies.AssertEqual(new AcceptorReply.Report(B(10), Bytes("value")), reports[1]);
        Replies.AssertEqual(new AcceptorReply.Report(Ballot.Zero, default, 7), reports[2]);
        var promises = await acceptor.AskAsync(
            PrepareCall("a", B(11)), PrepareCall("live", B(11)), PrepareCall("never seen", B(11)));
        Replies.AssertEqual(new AcceptorReply.Promised(Ballot.Zero, default, 7), promises[0]);
        Replies.AssertEqual(new AcceptorReply.Promised(B(10), Bytes("value")), promises[1]);
        Replies.AssertEqual(new AcceptorReply.Promised(Ballot.Zero, default, 7), promises[2]);
    }

    [SkippableFact]
    public async Task A_row_that_holds_only_a_promise_does_not_hide_the_floor()
    {
        await using var acceptor = await shared.NewAcceptorAsync();
        await acceptor.PrepareAsync("before", B(20));
        await acceptor.AcceptAsync("a", B(10), "tombstone");
        await acceptor.EraseAsync("a", B(10), version: 7);

        await acceptor.PrepareAsync("after", B(20));

        foreach (var key in new[] { "before", "after" })
        {
            var report = new AcceptorReply.Report(Ballot.Zero, default, 7);
            Replies.AssertEqual(report, await acceptor.ReadAsync(key));
            var both = await acceptor.AskAsync(ReadCall(key), ReadCall("none"));
            Assert.All(both, reply => Replies.AssertEqual(report, reply));
            Replies.AssertEqual(
                new AcceptorReply.Promised(Ballot.Zero, default, 7), await acceptor.PrepareAsync(key, B(21)));
        }
    }

    [SkippableFact]
    public async Task A_row_that_has_accepted_reports_no_floor()
    {
        await using var acceptor = await shared.NewAcceptorAsync();
        await acceptor.AcceptAsync("a", B(10), "tombstone");
        await acceptor.EraseAsync("a", B(10), version: 7);

        await acceptor.AcceptAsync("a", B(11), "new");

        Replies.AssertEqual(new AcceptorReply.Report(B(11), Bytes("new")), await acceptor.ReadAsync("a"));
        Replies.AssertEqual(
            new AcceptorReply.Promised(B(11), Bytes("new")), await acceptor.PrepareAsync("a", B(12)));
    }

    [SkippableFact]
    public async Task A_version_floor_never_falls()
    {
        await using var acceptor = await shared.NewAcceptorAsync();
        await acceptor.AskAsync(AcceptCall("a", B(1), "t"), AcceptCall("b", B(1), "t"), AcceptCall("c", B(1), "t"));

        await acceptor.AskAsync(EraseCall("a", B(1), version: 9), EraseCall("b", B(1), version: 4));
        var afterBoth = (await acceptor.MarksAsync()).VersionFloor;
        await acceptor.EraseAsync("c", B(1), version: 3);

        Assert.Equal(9, afterBoth);
        Assert.Equal(9, (await acceptor.MarksAsync()).VersionFloor);
    }

    [SkippableFact]
    public async Task A_floor_rises_although_the_ballot_floor_is_high_already()
    {
        await using var acceptor = await shared.NewAcceptorAsync();
        await acceptor.AcceptAsync("a", B(1), "t");
        await acceptor.PrepareAsync("high", B(100));
        await acceptor.EraseAsync("high", Ballot.Zero);

        await acceptor.EraseAsync("a", B(1), version: 5);

        Assert.Equal((1L, B(100), 5L), await acceptor.MarksAsync());
    }

    [SkippableFact]
    public async Task Erasing_a_row_that_holds_only_a_promise_never_raises_the_version_floor()
    {
        await using var acceptor = await shared.NewAcceptorAsync();
        await acceptor.PrepareAsync("a", B(5));

        var reply = await acceptor.EraseAsync("a", Ballot.Zero, version: 8);

        Replies.AssertEqual(new AcceptorReply.Erased(), reply);
        Assert.Equal((1L, B(5), 0L), await acceptor.MarksAsync());
    }

    [SkippableFact]
    public async Task An_erase_that_forgets_no_row_leaves_the_version_floor()
    {
        await using var acceptor = await shared.NewAcceptorAsync();
        await acceptor.AcceptAsync("a", B(5), "value");

        await acceptor.AskAsync(EraseCall("a", B(4), version: 8), EraseCall("missing", B(4), version: 8));

        Assert.Equal((1L, Ballot.Zero, 0L), await acceptor.MarksAsync());
    }

    [SkippableTheory]
    [InlineData(-1)]
    [InlineData(RegisterRecord.VersionMax + 1)]
    [InlineData(long.MaxValue)]
    public async Task A_version_that_no_record_can_have_is_refused_and_nothing_is_erased(long version)
    {
        await using var acceptor = await shared.NewAcceptorAsync();
        await acceptor.AskAsync(AcceptCall("a", B(1), "t"), AcceptCall("b", B(1), "t"));

        var failure = await Assert.ThrowsAsync<AcceptorUnavailableException>(
            () => acceptor.AskAsync(EraseCall("a", B(1), version: 1), EraseCall("b", B(1), version)));

        Assert.Equal("CP003", Assert.IsType<PostgresException>(failure.InnerException).SqlState);
        Assert.False(failure.MayHaveTakenEffect);
        Assert.NotNull(await acceptor.RowAsync("a"));
        Assert.Equal((1L, Ballot.Zero, 0L), await acceptor.MarksAsync());
    }

    [SkippableFact]
    public async Task The_greatest_version_that_a_record_can_have_is_taken()
    {
        await using var acceptor = await shared.NewAcceptorAsync();
        await acceptor.AcceptAsync("a", B(1), "t");

        await acceptor.EraseAsync("a", B(1), RegisterRecord.VersionMax);

        Assert.Equal(RegisterRecord.VersionMax, (await acceptor.MarksAsync()).VersionFloor);
    }

    [SkippableTheory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task Readers_beside_an_eraser_see_the_tombstone_or_its_version(int keys)
    {
        await using var acceptor = await shared.NewAcceptorAsync();
        AcceptorCall[] reads = [.. Enumerable.Range(0, keys).Select(i => ReadCall(i == 0 ? "a" : $"never {i}"))];
        using var stop = new CancellationTokenSource();
        var version = 0L;
        var readers = Enumerable.Range(0, 3).Select(_ => Task.Run(async () =>
        {
            while (!stop.IsCancellationRequested)
            {
                var before = Interlocked.Read(ref version); // Accepted, or erased, before the read began.
                var report = Assert.IsType<AcceptorReply.Report>((await acceptor.AskAsync(reads))[0]);
                Assert.True(
                    report.AcceptedBallot.Counter >= before || report.VersionFloor >= before,
                    $"{report} after version {before}");
            }
        })).ToArray();

        for (var round = 1; round <= 300; round++)
        {
            await acceptor.AcceptAsync("a", B(round), "t");
            Interlocked.Exchange(ref version, round);
            await acceptor.EraseAsync("a", B(round), version: round);
        }

        await stop.CancelAsync();
        await Task.WhenAll(readers);
    }

    [SkippableFact]
    public async Task A_database_of_the_format_without_version_floors_is_refused_in_words()
    {
        await using var acceptor = await shared.NewAcceptorAsync();
        await acceptor.ExecuteAsync(
            """
            UPDATE caspaxos.identity SET format_version = 1;
            ALTER TABLE caspaxos.identity DROP COLUMN version_floor;
            ALTER FUNCTION caspaxos.describe() RENAME TO describe_new;
            CREATE FUNCTION caspaxos.describe() RETURNS TABLE (
                format_version integer, complete boolean, cluster_id uuid, slot integer, incarnation uuid,
                configuration_epoch bigint, incarnations uuid[], prepare_quorum integer, accept_quorum integer,
                epoch bigint, floor_counter bigint, floor_proposer uuid, in_place text, rows_estimate bigint)
            LANGUAGE sql AS $$
                SELECT i.format_version, i.complete, i.cluster_id, i.slot, i.incarnation, i.configuration_epoch,
                       i.incarnations, i.prepare_quorum, i.accept_quorum, i.epoch, i.floor_counter, i.floor_proposer,
                       ''::text, 0::bigint
                  FROM caspaxos.identity AS i
            $$;
            """);
        await using var fresh = new PostgresAcceptor(acceptor.ConnectionString, acceptor.Acceptor.Identity, Patient);

        var ask = await Assert.ThrowsAsync<AcceptorUnavailableException>(
            () => fresh.AskAsync([ReadCall("a")], default));
        var open = await Assert.ThrowsAsync<PostgresClusterException>(
            () => PostgresCluster.OpenAsync([acceptor.ConnectionString], Patient));

        Assert.Contains("its tables have format 1, this library reads 3", ask.Message, StringComparison.Ordinal);
        Assert.Contains("its tables have format 1, this library reads 3", open.Message, StringComparison.Ordinal);
    }
}
