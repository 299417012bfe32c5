using Npgsql;

namespace CasPaxos.Postgres.Tests;

/// <summary>A cluster is made once, explicitly, of different servers, and opened when enough of it agrees.</summary>
[Collection(SharedServer.Name)]
public sealed class InitTests(SharedServer shared)
{
    private static readonly PostgresInitOptions OneServer = new() { AllowSharedServer = true };
    private static readonly PostgresAcceptorOptions OneServerOpen =
        TestAcceptor.Patient with { AllowSharedServer = true };


    [SkippableFact]
    public async Task A_new_cluster_has_what_was_asked_for_and_every_database_reveals_it()
    {
        var databases = await NewDatabasesAsync(4);

        var made = await PostgresCluster.InitializeAsync(
            databases, OneServer with { PrepareQuorum = 3, AcceptQuorum = 2 });
        await using var cluster = await PostgresCluster.OpenAsync(databases, OneServerOpen);

        Assert.Equal((3, 2, 4, 1L), (cluster.Configuration.PrepareQuorum, cluster.Configuration.AcceptQuorum,
            cluster.Configuration.Slots, cluster.Configuration.Epoch));
        Assert.Equal<IEnumerable<Guid>>(made.Configuration.Incarnations, cluster.Configuration.Incarnations);
        Assert.Equal(made.Configuration.ClusterId, cluster.Configuration.ClusterId);
        Assert.Equal([0, 1, 2, 3], cluster.Acceptors.Select(acceptor => acceptor.Identity.Slot));
        Assert.All(await cluster.StatusAsync(), status => Assert.True(status.Serves, status.Problem));
    }

    [SkippableFact]
    public async Task Quorums_that_need_not_intersect_are_refused_before_anything_is_touched()
    {
        var databases = await NewDatabasesAsync(3);

        await Assert.ThrowsAsync<ArgumentException>(() => PostgresCluster.InitializeAsync(
            databases, OneServer with { PrepareQuorum = 1, AcceptQuorum = 2 }));

        await PostgresCluster.InitializeAsync(databases, OneServer);
    }

    [SkippableFact]
    public async Task An_init_refuses_a_database_that_has_an_acceptor_and_names_its_slot()
    {
        var databases = await NewDatabasesAsync(3);
        await PostgresCluster.InitializeAsync([databases[1]]);

        var failure = await Assert.ThrowsAsync<PostgresClusterException>(
            () => PostgresCluster.InitializeAsync(databases, OneServer with { Resume = true }));

        Assert.Contains("Slot 1", failure.Message, StringComparison.Ordinal);
        Assert.Contains("already", failure.Message, StringComparison.Ordinal);
    }

    [SkippableFact]
    public async Task One_server_for_two_slots_is_refused_and_for_development_reported() // T-O5
    {
        var databases = await NewDatabasesAsync(2);

        var failure = await Assert.ThrowsAsync<PostgresClusterException>(
            () => PostgresCluster.InitializeAsync(databases));
        var made = await PostgresCluster.InitializeAsync(databases, OneServer);
        var opening = await Assert.ThrowsAsync<PostgresClusterException>(
            () => PostgresCluster.OpenAsync(databases, TestAcceptor.Patient));
        await using var cluster = await PostgresCluster.OpenAsync(databases, OneServerOpen);

        Assert.Contains("Slots 0 and 1 are on one server", failure.Message, StringComparison.Ordinal);
        Assert.Contains("Slots 0 and 1 are on one server", opening.Message, StringComparison.Ordinal);
        Assert.Contains("Slots 0 and 1", Assert.Single(made.Warnings), StringComparison.Ordinal);
        Assert.Contains("Slots 0 and 1", Assert.Single(cluster.Warnings), StringComparison.Ordinal);
    }

    [SkippableFact]
    public async Task One_database_for_two_slots_is_refused_even_in_development()
    {
        var database = await shared.NewDatabaseAsync();

        var failure = await Assert.ThrowsAsync<PostgresClusterException>(
            () => PostgresCluster.InitializeAsync([database, database], OneServer));

        Assert.Contains("one and the same database", failure.Message, StringComparison.Ordinal);
    }

    [SkippableFact]
    public async Task An_interrupted_init_serves_nothing_and_is_finished_by_one_that_resumes()
    {
        var databases = await NewDatabasesAsync(3);
        await ExecuteAsync(databases[2], "DROP ROLE IF EXISTS powerless; CREATE ROLE powerless LOGIN");
        var powerless = new NpgsqlConnectionStringBuilder(databases[2]) { Username = "powerless" }.ConnectionString;

        var interruption = await Assert.ThrowsAsync<PostgresClusterException>(
            () => PostgresCluster.InitializeAsync([databases[0], databases[1], powerless], OneServer));
        await Assert.ThrowsAsync<PostgresClusterException>(() => PostgresCluster.OpenAsync(databases, OneServerOpen));
        var refusal = await Assert.ThrowsAsync<PostgresClusterException>(
            () => PostgresCluster.InitializeAsync(databases, OneServer));
        var resumed = await PostgresCluster.InitializeAsync(databases, OneServer with { Resume = true });
        await using var cluster = await PostgresCluster.OpenAsync(databases, OneServerOpen);

        Assert.Contains("Slot 2", interruption.Message, StringComparison.Ordinal);
        Assert.Contains("permission denied", interruption.Message, StringComparison.Ordinal);
        Assert.Contains("not finished", refusal.Message, StringComparison.Ordinal);
        Assert.Equal<IEnumerable<Guid>>(cluster.Configuration.Incarnations, resumed.Configuration.Incarnations);
        Assert.All(await cluster.StatusAsync(), status => Assert.True(status.Serves, status.Problem));
    }

    [SkippableFact]
    public async Task Scripts_that_were_applied_by_hand_are_used_if_the_tables_are_empty()
    {
        var databases = await NewDatabasesAsync(2);
        foreach (var file in new[] { "schema.sql", "functions.sql", "single.sql", "role.sql" })
        {
            await using var stream = typeof(PostgresCluster).Assembly.GetManifestResourceStream($"sql/{file}")!;
            using var reader = new StreamReader(stream);
            var script = await reader.ReadToEndAsync();
            await ExecuteAsync(databases[0], script);
            await ExecuteAsync(databases[1], script);
        }

        await ExecuteAsync(databases[1], $"""
            INSERT INTO caspaxos.register VALUES (1, 1, '{TestAcceptor.P1.Value}', '{TestAcceptor.P1.Value}', 'k', 'v')
            """);

        var made = await PostgresCluster.InitializeAsync([databases[0]]);
        var refusal = await Assert.ThrowsAsync<PostgresClusterException>(
            () => PostgresCluster.InitializeAsync([databases[1]]));

        Assert.Equal(1, made.Configuration.Slots);
        Assert.Contains("not empty", refusal.Message, StringComparison.Ordinal);
    }

    [SkippableFact]
    public async Task A_wiped_slot_of_a_complete_cluster_is_never_filled_by_a_resuming_init() // T-M4
    {
        var databases = await NewDatabasesAsync(3);
        await PostgresCluster.InitializeAsync(databases, OneServer);
        await ExecuteAsync(databases[2], "DROP SCHEMA caspaxos CASCADE");

        await Assert.ThrowsAsync<PostgresClusterException>(
            () => PostgresCluster.InitializeAsync(databases, OneServer with { Resume = true }));
    }

    [SkippableFact]
    public async Task Of_many_inits_at_once_at_most_one_makes_a_cluster() // T-M5
    {
        var databases = await NewDatabasesAsync(3);

        var inits = Enumerable.Range(0, 4)
            .Select(_ => PostgresCluster.InitializeAsync(databases, OneServer))
            .ToList();
        await Task.WhenAll(inits.Select(init => init.ContinueWith(_ => { }, TaskScheduler.Default)));

        Assert.True(inits.Count(init => init.IsCompletedSuccessfully) <= 1);
        Assert.All(inits.Where(init => init.IsFaulted), init =>
            Assert.IsType<PostgresClusterException>(init.Exception!.InnerException));
    }

    [SkippableFact]
    public async Task Connection_strings_in_another_order_are_refused_naming_both_slots()
    {
        var databases = await NewDatabasesAsync(3);
        await PostgresCluster.InitializeAsync(databases, OneServer);

        var failure = await Assert.ThrowsAsync<PostgresClusterException>(
            () => PostgresCluster.OpenAsync([databases[1], databases[0], databases[2]], OneServerOpen));

        Assert.Contains("string 0 leads to the database of slot 1", failure.Message, StringComparison.Ordinal);
    }

    [SkippableFact]
    public async Task Too_few_connection_strings_are_refused()
    {
        var databases = await NewDatabasesAsync(3);
        await PostgresCluster.InitializeAsync(databases, OneServer);

        var failure = await Assert.ThrowsAsync<PostgresClusterException>(
            () => PostgresCluster.OpenAsync(databases[..2], OneServerOpen));

        Assert.Contains("has 3 slots, but 2", failure.Message, StringComparison.Ordinal);
    }

    [SkippableFact]
    public async Task A_minority_of_another_cluster_does_not_keep_the_rest_from_starting_and_is_not_asked()
    {
        var databases = await NewDatabasesAsync(3);
        await PostgresCluster.InitializeAsync(databases, OneServer);
        await ExecuteAsync(databases[2], "DROP SCHEMA caspaxos CASCADE");
        await PostgresCluster.InitializeAsync([databases[2]]);

        await using var cluster = await PostgresCluster.OpenAsync(databases, OneServerOpen);
        var status = await cluster.StatusAsync();

        Assert.Contains(cluster.Warnings, warning => warning.Contains("belongs to cluster", StringComparison.Ordinal));
        Assert.Equal([true, true, false], status.Select(slot => slot.Serves));
    }

    [SkippableTheory]
    [InlineData("Host=a,b;Database=x")]
    [InlineData("Database=x")]
    [InlineData("Host=a;Nonsense=1;Password=hunter2")]
    public async Task A_connection_string_that_is_not_of_one_server_is_refused(string connectionString)
    {
        var failure = await Assert.ThrowsAsync<ArgumentException>(() => PostgresCluster.OpenAsync([connectionString]));

        Assert.DoesNotContain("hunter2", failure.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Every_option_that_is_out_of_range_is_named()
    {
        var options = new PostgresAcceptorOptions
        {
            StatementTimeout = TimeSpan.Zero,
            ConnectTimeout = TimeSpan.FromHours(1),
            ConnectionsMax = 0,
        };

        var failure = await Assert.ThrowsAsync<ArgumentException>(() => PostgresCluster.OpenAsync(["Host=a"], options));

        Assert.Contains(nameof(options.StatementTimeout), failure.Message, StringComparison.Ordinal);
        Assert.Contains(nameof(options.ConnectTimeout), failure.Message, StringComparison.Ordinal);
        Assert.Contains(nameof(options.ConnectionsMax), failure.Message, StringComparison.Ordinal);
    }

    private static async Task ExecuteAsync(string connectionString, string sql)
    {
        await using var connection = new NpgsqlConnection(connectionString + ";Pooling=false");
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync();
    }

    private async Task<string[]> NewDatabasesAsync(int count)
    {
        var databases = new string[count];
        for (var i = 0; i < count; i++)
        {
            databases[i] = await shared.NewDatabaseAsync();
        }

        return databases;
    }
}
