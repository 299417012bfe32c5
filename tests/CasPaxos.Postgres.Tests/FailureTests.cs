using System.Diagnostics;
using CasPaxos.Registers;
using CasPaxos.Testing;
using Npgsql;
using static CasPaxos.Postgres.Tests.TestAcceptor;

namespace CasPaxos.Postgres.Tests;

/// <summary>
/// A server that fails: every call ends in its time, says honestly whether it may have taken effect, and works again
/// afterwards (rules 3 and 11; case 15).
/// </summary>
public sealed class FailureTests : IAsyncLifetime
{
    private static readonly PostgresAcceptorOptions Brisk = new()
    {
        StatementTimeout = TimeSpan.FromMilliseconds(1500),
        ConnectTimeout = TimeSpan.FromMilliseconds(1500),
        AnswerGrace = TimeSpan.FromMilliseconds(200),
        ConnectionsMax = 2,
    };

    // The limits above, and what a busy machine needs to wake up.
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(20);

    private PostgresServer? _server;
    private TestAcceptor? _acceptor;

    private PostgresServer Server => _server!;

    private TestAcceptor Acceptor => _acceptor!;

    public async Task InitializeAsync()
    {
        if (PostgresBinaries.SkipReason is null)
        {
            _server = await PostgresServer.StartAsync(new PostgresServerOptions { InMemory = true });
            _acceptor = await TestAcceptor.CreateAsync(_server.ConnectionString(), Brisk);
            await RetryAsync(() => _acceptor.AcceptAsync("a", B(1), "v1")); // The first connection takes longer.
        }
    }

    public async Task DisposeAsync()
    {
        await (_acceptor?.DisposeAsync() ?? ValueTask.CompletedTask);
        await (_server?.DisposeAsync() ?? ValueTask.CompletedTask);
    }

    [SkippableFact]
    public async Task Asking_a_stopped_server_has_no_effect_once_its_connections_are_known_to_be_gone()
    {
        SkipWithoutPostgres();
        await Server.StopAsync();

        await FailAsync(Acceptor.AcceptAsync("a", B(2), "v2")); // May find the end of the old connection: in doubt.
        for (var attempt = 0; attempt < 3; attempt++)
        {
            Assert.False((await FailAsync(Acceptor.AcceptAsync("a", B(2), "v2"))).MayHaveTakenEffect);
        }

        await Server.RestartAsync();
        Replies.AssertEqual(new AcceptorReply.Report(B(1), Bytes("v1")), await AskUntilServedAsync(ReadCall("a")));
        Replies.AssertEqual(new AcceptorReply.Accepted(B(3)), await Acceptor.AcceptAsync("a", B(3), "v3"));
    }

    [SkippableFact]
    public async Task What_was_answered_before_a_kill_is_there_after_the_restart() // T-A1, T-A2
    {
        SkipWithoutPostgres();
        await Acceptor.PrepareAsync("empty", B(7));
        Replies.AssertEqual(new AcceptorReply.Accepted(B(3)), await Acceptor.AcceptAsync("a", B(2), "v2", next: B(3)));

        await Server.KillAsync();
        await FailAsync(Acceptor.ReadAsync("a"));
        await Server.RestartAsync();

        Replies.AssertEqual(new AcceptorReply.Report(B(2), Bytes("v2")), await AskUntilServedAsync(ReadCall("a")));
        Replies.AssertEqual(new AcceptorReply.Refused(B(3)), await Acceptor.PrepareAsync("a", B(3)));
        Replies.AssertEqual(new AcceptorReply.Refused(B(7)), await Acceptor.AcceptAsync("empty", B(6, P2), "w"));
    }

    [SkippableFact]
    public async Task Killing_a_server_under_load_loses_nothing_that_was_answered()
    {
        SkipWithoutPostgres();
        var answered = new List<(string Key, Ballot Ballot)>();
        var rounds = 0;
        var load = Task.Run(async () =>
        {
            try
            {
                for (var i = 1; i < 100_000; i++)
                {
                    var batch = Enumerable.Range(0, 8).Select(k => AcceptCall($"k{k}", B(i), $"v{i}")).ToArray();
                    var replies = await Acceptor.AskAsync(batch);
                    Assert.All(replies, reply => Assert.IsType<AcceptorReply.Accepted>(reply));
                    answered.Add(("k0", B(i)));
                    Interlocked.Increment(ref rounds);
                }
            }
            catch (AcceptorUnavailableException)
            {
                // The kill.
            }
        });
        while (Volatile.Read(ref rounds) < 20)
        {
            await Task.Delay(5);
            Assert.False(load.IsCompleted, "It ended before the kill.");
        }

        await Server.KillAsync();
        await load;
        await Server.RestartAsync();

        var report = Assert.IsType<AcceptorReply.Report>(await AskUntilServedAsync(ReadCall("k0")));

        Assert.NotEmpty(answered);
        Assert.InRange(report.AcceptedBallot.Counter, answered[^1].Ballot.Counter, answered[^1].Ballot.Counter + 1);
    }

    [SkippableFact]
    public async Task A_paused_server_costs_a_bounded_wait_and_leaves_the_outcome_open()
    {
        SkipWithoutPostgres();
        await Server.PauseAsync();

        var calls = Enumerable.Range(0, 4)
            .Select(i => FailAsync(Acceptor.AcceptAsync("a", B(10 + i), "late")))
            .ToList();
        var failures = await Task.WhenAll(calls);
        var later = await FailAsync(Acceptor.ReadAsync("a"));
        await Server.ResumeAsync();

        // One had a connection and was sent; the others waited for one in vain.
        Assert.Contains(failures, failure => failure.MayHaveTakenEffect);
        Assert.Contains(failures, failure => !failure.MayHaveTakenEffect);
        Assert.False(later.MayHaveTakenEffect);
        Assert.IsType<AcceptorReply.Report>(await AskUntilServedAsync(ReadCall("a")));
    }

    [SkippableFact]
    public async Task A_statement_that_waits_too_long_is_rolled_back_and_says_so()
    {
        SkipWithoutPostgres();
        await using var session = await Acceptor.ConnectAsync();
        await using var transaction = await session.BeginTransactionAsync();
        await using var locker = session.CreateCommand();
        locker.CommandText = "SELECT FROM caspaxos.register WHERE key = 'a' FOR UPDATE";
        await locker.ExecuteNonQueryAsync();

        var failure = await FailAsync(Acceptor.AskAsync(AcceptCall("A", B(2), "v2"), AcceptCall("a", B(2), "v2")));
        await transaction.RollbackAsync();

        Assert.False(failure.MayHaveTakenEffect);
        Assert.Contains("timeout", failure.Message, StringComparison.Ordinal);
        Assert.Null(await Acceptor.RowAsync("A"));
        Replies.AssertEqual(new AcceptorReply.Accepted(B(2)), await Acceptor.AcceptAsync("a", B(2), "v2"));
    }

    [SkippableFact]
    public async Task A_connection_cut_between_statement_and_reply_leaves_the_outcome_open_and_it_was_applied()
    {
        SkipWithoutPostgres();
        await using var proxy = new TcpProxy(Server.Port);
        await using var acceptor = NewAcceptor(proxy.Port);
        await RetryAsync(() => acceptor.AskAsync([ReadCall("a")], default));
        proxy.Mode = ProxyMode.CutBeforeReply;

        var failure = await FailAsync(acceptor.AskAsync([AcceptCall("a", B(2), "v2")], default));

        Assert.True(failure.MayHaveTakenEffect);
        Assert.Equal(1, proxy.Cuts);
        Replies.AssertEqual(new AcceptorReply.Report(B(2), Bytes("v2")), await Acceptor.ReadAsync("a"));

        // The same request again says that it holds, and changes nothing.
        var again = Assert.Single(await acceptor.AskAsync([AcceptCall("a", B(2), "v2")], default));
        Replies.AssertEqual(new AcceptorReply.Accepted(B(2)), again);
    }

    [SkippableTheory]
    [InlineData(ProxyMode.BlackHole, true)]
    [InlineData(ProxyMode.LoseReplies, true)]
    [InlineData(ProxyMode.Refuse, false)]
    public async Task A_network_that_loses_everything_costs_a_bounded_wait(ProxyMode mode, bool firstIsOpen)
    {
        SkipWithoutPostgres();
        await using var proxy = new TcpProxy(Server.Port);
        await using var acceptor = NewAcceptor(proxy.Port);
        await RetryAsync(() => acceptor.AskAsync([ReadCall("a")], default));
        proxy.Mode = mode;

        var first = await FailAsync(acceptor.AskAsync([AcceptCall("a", B(2), "v2")], default));
        var second = await FailAsync(acceptor.AskAsync([AcceptCall("a", B(2), "v2")], default));
        proxy.Mode = ProxyMode.Pass;
        proxy.CutAll();
        var after = Assert.Single(await RetryAsync(() => acceptor.AskAsync([AcceptCall("a", B(3), "v3")], default)));

        Assert.True(first.MayHaveTakenEffect || !firstIsOpen);
        Assert.False(second.MayHaveTakenEffect);
        Replies.AssertEqual(new AcceptorReply.Accepted(B(3)), after);
    }

    [SkippableFact]
    public async Task A_caller_that_stops_waiting_gets_its_cancellation_and_the_acceptor_goes_on()
    {
        SkipWithoutPostgres();
        await using var proxy = new TcpProxy(Server.Port);
        await using var acceptor = NewAcceptor(proxy.Port);
        await RetryAsync(() => acceptor.AskAsync([ReadCall("a")], default));
        proxy.Mode = ProxyMode.LoseReplies;
        using var cancellation = new CancellationTokenSource(TimeSpan.FromMilliseconds(100));

        var cancelled = await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => acceptor.AskAsync([AcceptCall("a", B(2), "v2")], cancellation.Token));
        proxy.Mode = ProxyMode.Pass;

        Assert.Contains("may still take effect", cancelled.Message, StringComparison.Ordinal);
        Assert.Equal(cancellation.Token, cancelled.CancellationToken);
        Assert.Single(await RetryAsync(() => acceptor.AskAsync([ReadCall("a")], default)));
    }

    [SkippableFact]
    public async Task An_acceptor_that_was_disposed_is_unavailable_and_nothing_was_sent()
    {
        SkipWithoutPostgres();
        var acceptor = NewAcceptor(Server.Port);
        await acceptor.DisposeAsync();

        var failure = await FailAsync(acceptor.AskAsync([ReadCall("a")], default));

        Assert.False(failure.MayHaveTakenEffect);
    }

    [SkippableFact]
    public async Task A_minority_down_at_the_start_is_verified_when_it_comes_back()
    {
        SkipWithoutPostgres();
        await using var second = await PostgresServer.StartAsync(new PostgresServerOptions { InMemory = true });
        await using var third = await PostgresServer.StartAsync(new PostgresServerOptions { InMemory = true });
        var twin = await Server.CreateDatabaseAsync("fresh");
        string[] all = [twin, second.ConnectionString(), third.ConnectionString()];
        await PostgresCluster.InitializeAsync(all);
        await third.StopAsync();

        await using var cluster = await PostgresCluster.OpenAsync(all, Patient);
        var down = await cluster.StatusAsync();
        await third.RestartAsync();
        var up = await cluster.StatusAsync();

        Assert.Contains(cluster.Warnings, warning => warning.Contains("Slot 2", StringComparison.Ordinal));
        Assert.Equal([true, true, false], down.Select(slot => slot.Serves));
        Assert.All(up, slot => Assert.True(slot.Serves, slot.Problem));
    }

    private static void SkipWithoutPostgres() =>
        Skip.If(PostgresBinaries.SkipReason is not null, PostgresBinaries.SkipReason);

    private static async Task<AcceptorUnavailableException> FailAsync(Task call)
    {
        var watch = Stopwatch.StartNew();
        var failure = await Assert.ThrowsAsync<AcceptorUnavailableException>(() => call);
        Assert.True(watch.Elapsed < Bound, $"{watch.Elapsed} for {failure.Message}");
        return failure;
    }

    private static async Task<T> RetryAsync<T>(Func<Task<T>> ask)
    {
        for (var attempt = 0; ; attempt++)
        {
            try
            {
                return await ask();
            }
            catch (AcceptorUnavailableException) when (attempt < 20)
            {
                await Task.Delay(100);
            }
        }
    }

    private Task<AcceptorReply> AskUntilServedAsync(AcceptorCall call) => RetryAsync(() => Acceptor.AskAsync(call));

    private PostgresAcceptor NewAcceptor(int port) => new(
        new NpgsqlConnectionStringBuilder(Server.ConnectionString()) { Port = port }.ConnectionString,
        Acceptor.Acceptor.Identity,
        Brisk);
}
