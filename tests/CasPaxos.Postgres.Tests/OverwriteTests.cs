using System.Security.Cryptography;
using CasPaxos.Registers;
using CasPaxos.Testing;
using static CasPaxos.Postgres.Tests.TestAcceptor;

namespace CasPaxos.Postgres.Tests;

/// <summary>Values of all sizes are overwritten again and again: what the table's options are for.</summary>
public sealed class OverwriteTests
{
    [SkippableTheory]
    [InlineData(100)]
    [InlineData(2_000)]
    [InlineData(3_000)]
    [InlineData(6_000)]
    [InlineData(50_000)]
    public async Task An_overwrite_stays_on_its_page_and_touches_no_index(int bytes)
    {
        Skip.If(PostgresBinaries.SkipReason is not null, PostgresBinaries.SkipReason);
        await using var server = await PostgresServer.StartAsync(new PostgresServerOptions { InMemory = true });
        await using var acceptor = await TestAcceptor.CreateAsync(await server.CreateDatabaseAsync("overwritten"));

        await OverwriteAsync(acceptor, bytes, times: 200);

        await acceptor.ExecuteAsync("SELECT pg_stat_force_next_flush()");
        var (all, hot) = await Eventually.ReachedAsync(
            () => CountAsync(acceptor), static counts => counts.All >= 199); // The first was an insert.
        Assert.InRange(hot, all * 9 / 10, all); // A page that is full is tidied up by one that is not.
    }

    [SkippableFact]
    public async Task The_remains_of_large_values_are_cleaned_up_in_time()
    {
        Skip.If(PostgresBinaries.SkipReason is not null, PostgresBinaries.SkipReason);
        await using var server = await PostgresServer.StartAsync(new PostgresServerOptions
        {
            InMemory = true,
            Settings = new Dictionary<string, string> { ["autovacuum"] = "on", ["autovacuum_naptime"] = "1s" },
        });
        await using var acceptor = await TestAcceptor.CreateAsync(await server.CreateDatabaseAsync("overwritten"));

        // Whenever a tenth has been written, the cleaning is given the time that it has in a minute of production.
        for (var i = 0; i < 10; i++)
        {
            await OverwriteAsync(acceptor, 1024 * 1024, times: 20, from: 1 + (20 * i));
            await Task.Delay(TimeSpan.FromSeconds(2));
        }

        Assert.InRange(await SizeAsync(acceptor), 0, 100 * 1024 * 1024); // All that was written is 200 MiB.
    }

    private static async Task OverwriteAsync(TestAcceptor acceptor, int bytes, int times, int from = 1)
    {
        for (var i = 0; i < times; i++)
        {
            var value = RandomNumberGenerator.GetBytes(bytes); // Which no compression makes smaller.
            var accept = new AcceptorRequest.Accept(1, B(from + i), value, Ballot.Zero);
            Assert.IsType<AcceptorReply.Accepted>(
                await acceptor.AskAsync(new AcceptorCall(new RegisterKey("k"), accept)));
        }
    }

    private static async Task<(long All, long Hot)> CountAsync(TestAcceptor acceptor)
    {
        await using var session = await acceptor.ConnectAsync();
        await using var count = session.CreateCommand();
        count.CommandText = "SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables WHERE relname = 'register'";
        await using var reader = await count.ExecuteReaderAsync();
        await reader.ReadAsync();
        return (reader.GetInt64(0), reader.GetInt64(1));
    }

    private static async Task<long> SizeAsync(TestAcceptor acceptor)
    {
        await using var session = await acceptor.ConnectAsync();
        await using var size = session.CreateCommand();
        size.CommandText = "SELECT pg_total_relation_size('caspaxos.register')";
        return (long)(await size.ExecuteScalarAsync())!;
    }
}
