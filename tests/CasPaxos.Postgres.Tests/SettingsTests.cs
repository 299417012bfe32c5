using CasPaxos.Registers;
using CasPaxos.Testing;
using static CasPaxos.Postgres.Tests.TestAcceptor;

namespace CasPaxos.Postgres.Tests;

/// <summary>A server that could forget what it has confirmed is refused, naming the setting.</summary>
public sealed class SettingsTests
{
    [SkippableTheory]
    [InlineData("fsync")]
    [InlineData("full_page_writes")]
    public async Task A_server_that_does_not_flush_is_refused_by_init_and_by_acceptors(string setting)
    {
        Skip.If(PostgresBinaries.SkipReason is not null, PostgresBinaries.SkipReason);
        await using var server = await PostgresServer.StartAsync(new PostgresServerOptions { InMemory = true });
        await using var acceptor = await TestAcceptor.CreateAsync(server.ConnectionString());
        await acceptor.AcceptAsync("a", B(1), "v");
        var fresh = await server.CreateDatabaseAsync("fresh");

        await server.ExecuteAsync($"ALTER SYSTEM SET {setting} = off");
        await server.RestartAsync();
        var init = await Assert.ThrowsAsync<PostgresClusterException>(() => PostgresCluster.InitializeAsync([fresh]));

        // With connections of its own: of one that is shared it would first find that it is lost.
        var alone = Patient with { AnswerGrace = TimeSpan.FromSeconds(1) };
        await using var other = new PostgresAcceptor(acceptor.ConnectionString, acceptor.Acceptor.Identity, alone);
        var ask = await Assert.ThrowsAsync<AcceptorUnavailableException>(
            () => other.AskAsync([ReadCall("a")], default));
        var status = await other.StatusAsync(default);

        Assert.Contains($"set {setting} = on", init.Message, StringComparison.Ordinal);
        Assert.Contains($"set {setting} = on", ask.Message, StringComparison.Ordinal);
        Assert.Contains($"set {setting} = on", status.Problem, StringComparison.Ordinal);
        Assert.False(ask.MayHaveTakenEffect);
    }

    [SkippableFact]
    public async Task Servers_and_users_with_unsafe_defaults_are_used_safely()
    {
        Skip.If(PostgresBinaries.SkipReason is not null, PostgresBinaries.SkipReason);
        await using var server = await PostgresServer.StartAsync(new PostgresServerOptions
        {
            InMemory = true,
            Settings = new Dictionary<string, string>
            {
                ["synchronous_commit"] = "off",
                ["default_transaction_isolation"] = "serializable",
                ["default_transaction_read_only"] = "on",
            },
        });

        var unsafeString = server.ConnectionString() + ";Options=-c synchronous_commit=off;Multiplexing=true";
        await using var acceptor = await TestAcceptor.CreateAsync(unsafeString);
        var reply = await acceptor.AcceptAsync("a", B(1), "v");

        Replies.AssertEqual(new AcceptorReply.Accepted(B(1)), reply);
    }

    [SkippableFact]
    public async Task No_message_has_a_password()
    {
        Skip.If(PostgresBinaries.SkipReason is not null, PostgresBinaries.SkipReason);
        const string secret = "hunter2-and-more";
        await using var server = await PostgresServer.StartAsync(new PostgresServerOptions { InMemory = true });
        await using var owner = await TestAcceptor.CreateAsync(server.ConnectionString());
        var good = server.ConnectionString() + $";Password={secret}";
        var texts = new List<string>();

        foreach (var connectionString in new[]
        {
            good.Replace("Database=postgres", "Database=missing", StringComparison.Ordinal),
            good.Replace("Username=postgres", "Username=nobody", StringComparison.Ordinal),
            good.Replace($"Port={server.Port}", "Port=1", StringComparison.Ordinal),
            good + ";SSL Mode=VerifyFull",
            good + ";Nonsense=1",
        })
        {
            texts.Add((await Assert.ThrowsAnyAsync<Exception>(
                () => PostgresCluster.OpenAsync([connectionString]))).ToString());
            texts.Add((await Assert.ThrowsAnyAsync<Exception>(
                () => PostgresCluster.InitializeAsync([connectionString]))).ToString());
        }

        await using var acceptor = new PostgresAcceptor(good, owner.Acceptor.Identity, Patient);
        await acceptor.AskAsync([ReadCall("a")], default);
        await server.StopAsync();
        for (var attempt = 0; attempt < 3; attempt++)
        {
            texts.Add((await Assert.ThrowsAsync<AcceptorUnavailableException>(
                () => acceptor.AskAsync([ReadCall("a")], default))).ToString());
        }

        texts.Add((await acceptor.StatusAsync(default)).ToString());
        Assert.All(texts, text => Assert.DoesNotContain(secret, text, StringComparison.Ordinal));
    }

    [SkippableFact]
    public async Task An_ambient_transaction_does_not_put_off_the_commit()
    {
        Skip.If(PostgresBinaries.SkipReason is not null, PostgresBinaries.SkipReason);
        await using var server = await PostgresServer.StartAsync(new PostgresServerOptions { InMemory = true });
        await using var acceptor = await TestAcceptor.CreateAsync(server.ConnectionString());
        using (new System.Transactions.TransactionScope(System.Transactions.TransactionScopeAsyncFlowOption.Enabled))
        {
            await acceptor.AcceptAsync("a", B(1), "v");
        }

        Replies.AssertEqual(new AcceptorReply.Report(B(1), Bytes("v")), await acceptor.ReadAsync("a"));
    }
}
