using System.Collections.Concurrent;
using CasPaxos.Registers;
using CasPaxos.Testing;
using Npgsql;

namespace CasPaxos.Postgres.Tests;

/// <summary>How the connections of a process are made, finished by the application, and shared.</summary>
[Collection(SharedServer.Name)]
public sealed class DataSourceTests(SharedServer shared)
{
    private static readonly RegisterKey Key = new("key");

    [SkippableFact]
    public async Task All_who_ask_one_database_have_one_pool_together_until_the_last_lets_go()
    {
        var database = await NewClusterAsync();
        var clusters = new List<PostgresCluster>();
        foreach (var connectionsMax in (int[])[2, 4, 4, 2])
        {
            clusters.Add(await OpenAsync(database, new PostgresAcceptorOptions { ConnectionsMax = connectionsMax }));
            await PutAsync(clusters[^1]);
        }

        var whileAll = await CountAsync(database);
        clusters.Take(3).ToList().ForEach(cluster => cluster.Dispose());
        clusters[0].Dispose(); // Twice is once.
        await PutAsync(clusters[3]);
        var whileOne = await CountAsync(database);
        clusters[3].Dispose();

        Assert.Equal(1, whileAll);
        Assert.Equal(1, whileOne);
        await UntilAsync(database, 0);
    }

    [SkippableFact]
    public async Task A_pool_is_shared_only_by_those_who_want_the_same_of_its_connections()
    {
        var database = await NewClusterAsync();
        static void Nothing(int slot, NpgsqlDataSourceBuilder builder)
        {
        }

        await using var first = await OpenAsync(database, new PostgresAcceptorOptions());
        await using var patient = await OpenAsync(
            database, new PostgresAcceptorOptions { StatementTimeout = TimeSpan.FromSeconds(7) });
        await using var finished = await OpenAsync(
            database, new PostgresAcceptorOptions { ConfigureDataSource = Nothing });
        await using var finishedToo = await OpenAsync(
            database, new PostgresAcceptorOptions { ConfigureDataSource = Nothing });
        foreach (var cluster in (PostgresCluster[])[first, patient, finished, finishedToo])
        {
            await PutAsync(cluster);
        }

        Assert.Equal(3, await CountAsync(database));
    }

    [SkippableFact]
    public async Task A_busy_one_does_not_take_anothers_connections()
    {
        var database = await NewClusterAsync();
        await using var blocker = NpgsqlDataSource.Create(database);
        var options = new PostgresAcceptorOptions
        {
            ConnectionsMax = 1,
            StatementTimeout = TimeSpan.FromSeconds(60),
            ConnectTimeout = TimeSpan.FromSeconds(60),
        };
        await using var busy = await OpenAsync(database, options);
        await using var other = await OpenAsync(database, options);
        await PutAsync(busy);
        await using var connection = await blocker.OpenConnectionAsync();
        await using var transaction = await connection.BeginTransactionAsync();
        await using var lockRow = new NpgsqlCommand(
            "SELECT FROM caspaxos.register WHERE key = 'key' FOR UPDATE", connection);
        await lockRow.ExecuteNonQueryAsync();
        var client = new RegisterClient(busy.Configuration, [.. busy.Acceptors]);
        var blocked = client.PutAsync(Key, "blocked"u8.ToArray());

        await PutAsync(other, "another key");

        Assert.False(blocked.IsCompleted);
        await transaction.RollbackAsync();
        await blocked;
    }

    [SkippableFact]
    public async Task A_password_that_rotates_is_asked_for_anew_when_connections_are_lost()
    {
        Skip.If(PostgresBinaries.SkipReason is not null, PostgresBinaries.SkipReason);
        await using var server = await PostgresServer.StartAsync(new PostgresServerOptions { InMemory = true });
        await PostgresCluster.InitializeAsync([server.ConnectionString()]);
        await server.ExecuteAsync("CREATE ROLE rotating LOGIN SUPERUSER PASSWORD 'first'");
        var rules = Path.Combine(server.DataFolder, "pg_hba.conf");
        await File.WriteAllTextAsync(
            rules, "host all rotating all scram-sha-256\n" + await File.ReadAllTextAsync(rules));
        await server.ExecuteAsync("SELECT pg_reload_conf()");
        var password = "first";
        var slots = new ConcurrentBag<int>();
        await using var cluster = await PostgresCluster.OpenAsync(
            [server.ConnectionString(user: "rotating")],
            new PostgresAcceptorOptions
            {
                ConfigureDataSource = (slot, builder) =>
                {
                    slots.Add(slot);
                    builder.UsePasswordProvider(_ => password, (_, _) => ValueTask.FromResult(password));
                },
            });
        await PutAsync(cluster);

        await server.ExecuteAsync("ALTER ROLE rotating PASSWORD 'second'");
        password = "second";
        await server.ExecuteAsync(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'rotating'");
        await PutAsync(cluster);

        Assert.All(slots, slot => Assert.Equal(0, slot));
    }

    [SkippableFact]
    public async Task What_an_acceptor_relies_on_is_kept_whatever_the_application_sets()
    {
        var database = await NewClusterAsync();

        await using var cluster = await OpenAsync(database, new PostgresAcceptorOptions
        {
            ConfigureDataSource = (_, builder) =>
            {
                builder.ConnectionStringBuilder.Options = "-c synchronous_commit=off -c statement_timeout=0";
                builder.ConnectionStringBuilder.Multiplexing = true;
            },
        });
        var status = await cluster.StatusAsync();

        Assert.Null(Assert.Single(status).Problem); // A connection with synchronous_commit off is refused.
        await PutAsync(cluster);
    }

    [SkippableFact]
    public async Task A_callback_that_leads_elsewhere_is_refused()
    {
        var database = await NewClusterAsync();

        var failure = await Assert.ThrowsAsync<ArgumentException>(() => OpenAsync(database, new PostgresAcceptorOptions
        {
            ConfigureDataSource = (_, builder) => builder.ConnectionStringBuilder.Database = "elsewhere",
        }));

        Assert.Contains("ConfigureDataSource", failure.Message, StringComparison.Ordinal);
    }

    [SkippableFact]
    public async Task A_data_source_of_the_application_is_shared_verified_and_left_to_it()
    {
        var database = await NewClusterAsync();
        await using var source = NpgsqlDataSource.Create(database);
        await using var first = await PostgresCluster.OpenAsync([source]);
        await using var second = await PostgresCluster.OpenAsync([source]);
        await PutAsync(first);
        await PutAsync(second);
        var connections = await CountAsync(database);

        await shared.Server.ExecuteAsync(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'shared'");
        await PutAsync(first);
        first.Dispose();
        second.Dispose();
        await using var command = source.CreateCommand("SHOW statement_timeout");

        Assert.Equal(1, connections);
        Assert.Equal("0", await command.ExecuteScalarAsync()); // What was set for the acceptor does not stay.
    }

    [SkippableFact]
    public async Task Every_new_connection_of_a_data_source_is_verified()
    {
        Skip.If(PostgresBinaries.SkipReason is not null, PostgresBinaries.SkipReason);
        await using var server = await PostgresServer.StartAsync(new PostgresServerOptions { InMemory = true });
        await PostgresCluster.InitializeAsync([server.ConnectionString()]);
        await using var source = NpgsqlDataSource.Create(server.ConnectionString());
        await using var cluster = await PostgresCluster.OpenAsync([source]);
        await PutAsync(cluster);

        await server.ExecuteAsync("ALTER SYSTEM SET full_page_writes = off");
        await server.RestartAsync();

        for (var asked = 0; asked < 3; asked++) // The first finds that the connection is lost.
        {
            var status = Assert.Single(await cluster.StatusAsync());
            Assert.False(status.Serves);
            Assert.True(asked == 0 || status.Problem!.Contains("full_page_writes", StringComparison.Ordinal));
        }
    }

    [Fact]
    public async Task A_data_source_of_several_hosts_or_that_multiplexes_is_refused()
    {
        await using var several = new NpgsqlDataSourceBuilder("Host=a,b").BuildMultiHost();
        await using var multiplexing = NpgsqlDataSource.Create("Host=a;Multiplexing=true");

        var hosts = await Assert.ThrowsAsync<ArgumentException>(() => PostgresCluster.OpenAsync([several]));
        var shares = await Assert.ThrowsAsync<ArgumentException>(() => PostgresCluster.OpenAsync([multiplexing]));

        Assert.Contains("exactly one host", hosts.Message, StringComparison.Ordinal);
        Assert.Contains("Multiplexing", shares.Message, StringComparison.Ordinal);
    }

    /// <summary>A one-slot cluster in a database of its own.</summary>
    private async Task<string> NewClusterAsync()
    {
        var database = new NpgsqlConnectionStringBuilder(await shared.NewDatabaseAsync())
        {
            ApplicationName = "shared",
            Pooling = true,
        }.ConnectionString;
        await PostgresCluster.InitializeAsync([database]);
        return database;
    }

    private static Task<PostgresCluster> OpenAsync(string database, PostgresAcceptorOptions options) =>
        PostgresCluster.OpenAsync([database], options);

    private static async Task PutAsync(PostgresCluster cluster, string key = "key")
    {
        var client = new RegisterClient(cluster.Configuration, [.. cluster.Acceptors]);
        Assert.IsType<Outcome.Applied>(await client.PutAsync(new RegisterKey(key), "value"u8.ToArray()));
    }

    /// <summary>How many connections there are, as the server counts them.</summary>
    private static async Task<long> CountAsync(string database)
    {
        var settings = new NpgsqlConnectionStringBuilder(database) { ApplicationName = "counting", Pooling = false };
        await using var source = NpgsqlDataSource.Create(settings.ConnectionString);
        await using var command = source.CreateCommand(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'shared'");
        return (long)(await command.ExecuteScalarAsync())!;
    }

    private static async Task UntilAsync(string database, long expected)
    {
        while (await CountAsync(database) is var count && count != expected)
        {
            await Task.Delay(20);
        }
    }
}
