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
