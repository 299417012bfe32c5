using CasPaxos.Registers;
using static CasPaxos.Postgres.Tests.TestAcceptor;

namespace CasPaxos.Postgres.Tests;

[Collection(SharedServer.Name)]
public sealed class ScanTests(SharedServer shared)
{
    [SkippableFact]
    public async Task A_scan_pages_through_a_prefix_in_key_order_and_says_when_it_is_complete()
    {
        await using var acceptor = await shared.NewAcceptorAsync();
        string[] keys = ["b/1", "b/2", "b/\U0010FFFF", "b", "b0", "a", "c"];
        await acceptor.AskAsync([.. keys.Select(key => AcceptCall(key, B(2), key))]);

        var first = await acceptor.Acceptor.ScanAsync(new ScanRequest(1, "b/", null, 2), default);
        var second = await acceptor.Acceptor.ScanAsync(new ScanRequest(1, "b/", first.Rows[^1].Key, 2), default);
        var exact = await acceptor.Acceptor.ScanAsync(new ScanRequest(1, "b/", null, 3), default);

        Assert.Equal(["b/1", "b/2"], first.Rows.Select(row => row.Key.Text));
        Assert.False(first.Complete);
        Assert.Equal(["b/\U0010FFFF"], second.Rows.Select(row => row.Key.Text));
        Assert.True(second.Complete);
        Assert.True(exact.Complete);
        Assert.All(first.Rows, row => Assert.Equal(B(2), row.AcceptedBallot));
    }

    [SkippableFact]
    public async Task A_scan_shows_heads_only_and_promises_as_empty_rows()
    {
        await using var acceptor = await shared.NewAcceptorAsync();
        var value = new string('v', 100) + new string('w', 50_000);
        await acceptor.AskAsync(
            AcceptCall("long", B(1), value), AcceptCall("short", B(1), "s", next: B(2)), PrepareCall("up", B(9)));

        var rows = (await acceptor.Acceptor.ScanAsync(new ScanRequest(1, "", null, 10), default)).Rows;

        Assert.Equal(Bytes(value[..RecordHead.BytesMax]).ToArray(), rows[0].Value.ToArray());
        Assert.Equal("s"u8.ToArray(), rows[1].Value.ToArray());
        Assert.Equal((Ballot.Zero, 0), (rows[2].AcceptedBallot, rows[2].Value.Length));
        Assert.Equal([B(1), B(2), B(9)], rows.Select(row => row.Promised));
    }

    [SkippableFact]
    public async Task A_scan_with_values_ends_with_the_bytes_of_a_page_and_with_the_last_key_asked_for()
    {
        await using var acceptor = await shared.NewAcceptorAsync();
        var value = new string('v', 1024 * 1024);
        foreach (var i in Enumerable.Range(0, 6))
        {
            await acceptor.AcceptAsync($"k{i}", B(1), value);
        }

        await acceptor.PrepareAsync("k6", B(3));
        var whole = new ScanRequest(1, "k", null, 1_000) { WithValues = true };
        var first = await acceptor.Acceptor.ScanAsync(whole, default);
        var second = await acceptor.Acceptor.ScanAsync(whole with { After = first.Rows[^1].Key }, default);
        var through = await acceptor.Acceptor.ScanAsync(
            new ScanRequest(1, "k", null, 1_000) { Through = new RegisterKey("k2") }, default);

        Assert.Equal(["k0", "k1", "k2", "k3"], first.Rows.Select(row => row.Key.Text)); // 4 MiB.
        Assert.All(first.Rows, row => Assert.Equal(value.Length, row.Value.Length));
        Assert.False(first.Complete);
        Assert.Equal(["k4", "k5", "k6"], second.Rows.Select(row => row.Key.Text));
        Assert.True(second.Complete);
        Assert.Equal(["k0", "k1", "k2"], through.Rows.Select(row => row.Key.Text));
        Assert.True(through.Complete);
    }

    [SkippableFact]
    public async Task Scans_wait_for_each_other_and_writes_for_none_of_them()
    {
        await using var acceptor = await TestAcceptor.CreateAsync(
            await shared.NewDatabaseAsync(), TestAcceptor.Patient with { ConnectionsMax = 1 });
        await acceptor.AcceptAsync("k", B(1), "v");
        await acceptor.ExecuteAsync("""
            ALTER FUNCTION caspaxos.scan RENAME TO scan_now;
            CREATE FUNCTION caspaxos.scan(a uuid, b bigint, c bytea, d bytea, e bytea, f integer, g bigint)
            RETURNS TABLE (
                key bytea, counter bigint, proposer uuid, value bytea, promised_counter bigint, promised_proposer uuid)
            LANGUAGE plpgsql AS $$
            BEGIN
                PERFORM pg_advisory_xact_lock_shared(42);
                RETURN QUERY SELECT * FROM caspaxos.scan_now(a, b, c, d, e, f, g);
            END
            $$;
            """);
        await using var blocker = await acceptor.ConnectAsync();
        await using var gate = blocker.CreateCommand();
        gate.CommandText = "SELECT pg_advisory_lock(42)";
        await gate.ExecuteNonQueryAsync();

        var scans = Enumerable.Range(0, 50)
            .Select(_ => acceptor.Acceptor.ScanAsync(new ScanRequest(1, "", null, 10), default)).ToArray();
        var accepted = await acceptor.AcceptAsync("k", B(2), "w");
        var waiting = scans.Count(scan => !scan.IsCompleted);
        gate.CommandText = "SELECT pg_advisory_unlock(42)";
        await gate.ExecuteNonQueryAsync();

        Assert.IsType<AcceptorReply.Accepted>(accepted);
        Assert.Equal(50, waiting);
        Assert.All(await Task.WhenAll(scans), page => Assert.Single(page.Rows));
    }

    [SkippableFact]
    public async Task A_scan_of_an_older_epoch_is_not_answered()
    {
        await using var acceptor = await shared.NewAcceptorAsync();
        await acceptor.PrepareAsync("a", B(1), epoch: 2);

        var failure = await Assert.ThrowsAsync<AcceptorUnavailableException>(
            () => acceptor.Acceptor.ScanAsync(new ScanRequest(1, "", null, 10), default));

        Assert.Contains("epoch is 2", failure.Message, StringComparison.Ordinal);
        Assert.False(failure.MayHaveTakenEffect);
    }
}
