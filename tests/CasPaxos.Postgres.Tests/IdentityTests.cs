using System.Diagnostics;
using CasPaxos.Registers;
using CasPaxos.Testing;
using Npgsql;
using static CasPaxos.Postgres.Tests.TestAcceptor;

namespace CasPaxos.Postgres.Tests;

/// <summary>
/// A database that is not, or no longer, the acceptor that it was is never asked (rule 5; case 18, T-A12, T-M4).
/// </summary>
[Collection(SharedServer.Name)]
public sealed class IdentityTests(SharedServer shared)
{
    [SkippableTheory]
    [InlineData("DROP SCHEMA caspaxos CASCADE")]
    [InlineData("TRUNCATE caspaxos.identity")]
    [InlineData("DELETE FROM caspaxos.identity")]
    [InlineData("DROP TABLE caspaxos.register")]
    [InlineData("DROP TABLE caspaxos.identity")]
    [InlineData("UPDATE caspaxos.identity SET incarnation = gen_random_uuid(), incarnations = NULL")]
    [InlineData("CREATE TABLE caspaxos.r (LIKE caspaxos.register INCLUDING ALL); DROP TABLE caspaxos.register; "
        + "ALTER TABLE caspaxos.r RENAME TO register")]
    [InlineData("CREATE TABLE caspaxos.i (LIKE caspaxos.identity INCLUDING ALL); INSERT INTO caspaxos.i "
        + "SELECT * FROM caspaxos.identity; DROP TABLE caspaxos.identity; ALTER TABLE caspaxos.i RENAME TO identity")]
    public async Task Case_18_An_acceptor_whose_tables_were_wiped_or_swapped_while_it_runs_refuses(string damage)
    {
        await using var acceptor = await shared.NewAcceptorAsync();
        await acceptor.AcceptAsync("a", B(5), "v");

        damage = damage.Replace("incarnations = NULL", "incarnations = ARRAY[incarnation]", StringComparison.Ordinal)
            .Replace("gen_random_uuid()", $"'{P2.Value}'", StringComparison.Ordinal)
            .Replace("ARRAY[incarnation]", $"ARRAY['{P2.Value}'::uuid]", StringComparison.Ordinal);
        await acceptor.ExecuteAsync(damage);

        foreach (var call in new[] { PrepareCall("a", B(1)), ReadCall("a"), EraseCall("a", B(5)) })
        {
            var failure = await Assert.ThrowsAsync<AcceptorUnavailableException>(() => acceptor.AskAsync(call));
            Assert.False(failure.MayHaveTakenEffect);
            Assert.Contains("forgotten promises", failure.Message, StringComparison.Ordinal);
        }
    }

    [SkippableTheory]
    [InlineData("TRUNCATE caspaxos.register")]
    [InlineData("DELETE FROM caspaxos.register")]
    public async Task Rows_alone_cannot_be_emptied_by_accident(string damage)
    {
        await using var acceptor = await shared.NewAcceptorAsync();
        await acceptor.AcceptAsync("a", B(5), "v");

        var refusal = await Assert.ThrowsAsync<PostgresException>(() => acceptor.ExecuteAsync(damage));

        Assert.Equal("CP003", refusal.SqlState);
        Replies.AssertEqual(new AcceptorReply.Report(B(5), Bytes("v")), await acceptor.ReadAsync("a"));
    }

    [SkippableFact]
    public async Task A_database_that_was_initialised_again_is_not_taken_for_the_acceptor_it_was()
    {
        await using var acceptor = await shared.NewAcceptorAsync();
        await acceptor.AcceptAsync("a", B(5), "v");

        await acceptor.ExecuteAsync("DROP SCHEMA caspaxos CASCADE");
        await PostgresCluster.InitializeAsync([acceptor.ConnectionString]);

        for (var attempt = 0; attempt < 3; attempt++)
        {
            var failure = await Assert.ThrowsAsync<AcceptorUnavailableException>(
                () => acceptor.PrepareAsync("a", B(1)));
            Assert.False(failure.MayHaveTakenEffect);
        }
    }

    [SkippableFact]
    public async Task A_database_restored_with_pg_restore_into_another_server_refuses_and_names_the_server()
    {
        await using var original = await shared.NewAcceptorAsync();
        await original.AcceptAsync("a", B(5), "v");
        await using var other = await PostgresServer.StartAsync(new PostgresServerOptions { InMemory = true });
        await DumpAndRestoreAsync(original, shared.Server, other.Port, "postgres");

        var failure = await AskExpectingRefusalAsync(other.ConnectionString(), original.Acceptor.Identity);

        Assert.Contains("system_identifier", failure.Message, StringComparison.Ordinal);
    }

    [SkippableTheory]
    [InlineData("prepare")]
    [InlineData("accept")]
    [InlineData("read")]
    public async Task A_database_restored_over_itself_refuses_also_on_connections_opened_before(string request)
    {
        await using var original = await shared.NewAcceptorAsync();
        await original.AcceptAsync("a", B(5), "v");
        var database = new NpgsqlConnectionStringBuilder(original.ConnectionString).Database!;
        await DumpAndRestoreAsync(original, shared.Server, shared.Server.Port, database, "--clean");

        var failure = await Assert.ThrowsAsync<AcceptorUnavailableException>(() => original.AskAsync(request switch
        {
            "prepare" => PrepareCall("a", B(9)),
            "accept" => AcceptCall("a", B(9), "w"),
            _ => ReadCall("a"),
        }));
        var later = await AskExpectingRefusalAsync(original.ConnectionString, original.Acceptor.Identity);

        Assert.False(failure.MayHaveTakenEffect);
        Assert.Contains("table oid", later.Message, StringComparison.Ordinal);
    }

    [SkippableFact]
    public async Task A_database_restored_beside_itself_refuses()
    {
        await using var original = await shared.NewAcceptorAsync();
        var beside = await shared.NewDatabaseAsync();
        await DumpAndRestoreAsync(
            original, shared.Server, shared.Server.Port, new NpgsqlConnectionStringBuilder(beside).Database!);

        var failure = await AskExpectingRefusalAsync(beside, original.Acceptor.Identity);

        Assert.Contains("database oid", failure.Message, StringComparison.Ordinal);
    }

    [SkippableFact]
    public async Task A_replica_refuses_and_refuses_still_when_it_is_promoted()
    {
        Skip.If(PostgresBinaries.SkipReason is not null, PostgresBinaries.SkipReason);
        await using var original = await PostgresServer.StartAsync(new PostgresServerOptions { InMemory = true });
        await using var acceptor = await TestAcceptor.CreateAsync(original.ConnectionString());
        await acceptor.AcceptAsync("a", B(5), "v");
        await original.StopAsync();
        await using var copy = await PostgresServer.StartAsync(
            new PostgresServerOptions { CopyOf = original, AsReplica = true, InMemory = true });

        var asReplica = await AskExpectingRefusalAsync(copy.ConnectionString(), acceptor.Acceptor.Identity);
        await copy.ExecuteAsync("SELECT pg_promote()");
        var promoted = await AskExpectingRefusalAsync(copy.ConnectionString(), acceptor.Acceptor.Identity);

        Assert.Contains("pg_is_in_recovery", asReplica.Message, StringComparison.Ordinal);
        Assert.Contains("timeline", promoted.Message, StringComparison.Ordinal);
    }

    [SkippableTheory]
    [InlineData("incarnation = gen_random_uuid()")]
    [InlineData("complete = false")]
    [InlineData("identity_oid = 1")]
    [InlineData("register_oid = 1")]
    public async Task An_identity_that_changes_under_an_open_connection_is_noticed_by_every_request(string change)
    {
        await using var acceptor = await shared.NewAcceptorAsync();
        AcceptorCall[] calls = [PrepareCall("a", B(9)), AcceptCall("a", B(9), "w"), ReadCall("a")];
        foreach (var call in calls)
        {
            await acceptor.AcceptAsync("a", B(5), "v");
            await acceptor.ExecuteAsync(
                "CREATE TABLE kept AS TABLE caspaxos.identity; " +
                "ALTER TABLE caspaxos.identity DROP CONSTRAINT IF EXISTS identity_is_of_a_slot; " +
                $"UPDATE caspaxos.identity SET {change}");

            var failure = await Assert.ThrowsAsync<AcceptorUnavailableException>(() => acceptor.AskAsync(call));

            Assert.False(failure.MayHaveTakenEffect);
            Assert.Equal(B(5), (await acceptor.RowAsync("a"))!.Promised);
            await acceptor.ExecuteAsync(
                "DELETE FROM caspaxos.identity; INSERT INTO caspaxos.identity TABLE kept; DROP TABLE kept");
        }
    }

    private static async Task<AcceptorUnavailableException> AskExpectingRefusalAsync(
        string connectionString, SlotIdentity identity)
    {
        await using var acceptor = new PostgresAcceptor(connectionString, identity, Patient);
        var failure = await Assert.ThrowsAsync<AcceptorUnavailableException>(
            () => acceptor.AskAsync([PrepareCall("a", B(1))], default));
        Assert.False(failure.MayHaveTakenEffect);
        return failure;
    }

    private static async Task DumpAndRestoreAsync(
        TestAcceptor from, PostgresServer server, int port, string database, params string[] options)
    {
        var source = new NpgsqlConnectionStringBuilder(from.ConnectionString).Database!;
        var file = Path.GetTempFileName();
        try
        {
            await RunAsync("pg_dump", [.. AddressOf(server.Port), "-Fc", "-f", file, source]);

            // The role may be missing on the other server; what is restored is the schema and the rows.
            await RunAsync(
                "pg_restore", [.. AddressOf(port), "-d", database, "--no-privileges", .. options, file]);
        }
        finally
        {
            File.Delete(file);
        }
    }

    private static string[] AddressOf(int port) => ["-h", "127.0.0.1", "-p", $"{port}", "-U", "postgres"];

    private static async Task RunAsync(string program, string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(PostgresBinaries.PathOf(program), arguments)
        {
            RedirectStandardError = true,
        })!;
        var errors = await process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        Assert.True(process.ExitCode == 0, errors);
    }
}
