using Npgsql;
using static CasPaxos.Postgres.Tests.TestAcceptor;

namespace CasPaxos.Postgres.Tests;

/// <summary>The cost of a batch depends on the batch, not on how many registers there are.</summary>
[Collection(SharedServer.Name)]
public sealed class PlanTests(SharedServer shared)
{
    private const int Registers = 5_000;

    private static readonly string Proposer = $"'{P1.Value}'::uuid";

    [SkippableTheory]
    [InlineData("write", "above the floor")]
    [InlineData("write", "below the floor")]
    [InlineData("write", "refused")]
    [InlineData("accept_one", "above the floor")]
    [InlineData("accept_one", "below the floor")]
    [InlineData("accept_one", "refused")]
    [InlineData("read", "")]
    [InlineData("read_one", "")]
    [InlineData("erase", "")]
    [InlineData("scan", "")]
    [InlineData("scan", "with values")]
    public async Task A_batch_reads_no_other_rows_than_its_own(string function, string how)
    {
        await using var acceptor = await shared.NewAcceptorAsync();
        await using var session = await acceptor.ConnectAsync();

        // The session plans while the table is empty, and keeps its plans while the table grows.
        await AskAsync(session, acceptor, function, counter: 2, how);
        await FillAsync(acceptor);
        if (how == "below the floor")
        {
            await acceptor.ExecuteAsync("UPDATE caspaxos.identity SET floor_counter = 1000000");
        }

        var before = await CountReadsAsync(session);
        await AskAsync(session, acceptor, function, counter: how == "refused" ? 1 : 3, how);

        Assert.InRange(await CountReadsAsync(session) - before, 1, 20);
    }

    [SkippableFact]
    public async Task An_accept_or_a_read_alone_of_a_row_that_is_there_takes_the_short_way()
    {
        await using var acceptor = await shared.NewAcceptorAsync();
        await acceptor.AcceptAsync("k1", B(1), "v");
        await using var session = await acceptor.ConnectAsync();
        await using var transaction = await session.BeginTransactionAsync(); // Its own counts are kept to its end.
        await using var track = session.CreateCommand();
        track.CommandText = "SET LOCAL track_functions = 'pl'";
        await track.ExecuteNonQueryAsync();

        await AskAsync(session, acceptor, "accept_one", counter: 2);
        await AskAsync(session, acceptor, "read_one", counter: 0);

        await using var calls = session.CreateCommand();
        calls.CommandText = """
            SELECT string_agg(p.proname, ' ' ORDER BY p.proname) FROM pg_proc p
             WHERE p.pronamespace = 'caspaxos'::regnamespace AND pg_stat_get_xact_function_calls(p.oid) > 0
            """;
        Assert.Equal("accept_one read_one", await calls.ExecuteScalarAsync());
    }

    private static async Task AskAsync(
        NpgsqlConnection session, TestAcceptor acceptor, string function, int counter, string how = "")
    {
        var arguments = function switch
        {
            "write" => $"'{{k1,k2}}', '{{{counter},{counter}}}', ARRAY[{Proposer}, {Proposer}], '{{v,w}}', '{{0,0}}', "
                + $"ARRAY[{Proposer}, {Proposer}]",
            "accept_one" => $"'k1', {counter}, {Proposer}, 'v', 0, {Proposer}",
            "read" => "'{k1,k2}'",
            "read_one" => "'k1'",
            "erase" => $"'{{k1,k2}}', '{{1,1}}', ARRAY[{Proposer}, {Proposer}], '{{1,1}}'",
            _ => $"'k1', NULL, NULL, 3, {(how == "with values" ? "1000000" : "NULL")}",
        };
        await using var command = session.CreateCommand();
        command.CommandText =
            $"SELECT count(*) FROM caspaxos.{function}('{acceptor.Acceptor.Identity.Incarnation}', 1, {arguments})";
        await command.ExecuteScalarAsync();
    }

    private static async Task FillAsync(TestAcceptor acceptor)
    {
        for (var i = 0; i < Registers; i += 500)
        {
            var batch = Enumerable.Range(i, 500).Select(k => AcceptCall($"k{k}", B(1), $"{k}"));
            await acceptor.Acceptor.AskAsync([.. batch], default);
        }
    }

    /// <summary>Rows that this database's sessions have read of the registers.</summary>
    private static async Task<long> CountReadsAsync(NpgsqlConnection session)
    {
        await using var flush = session.CreateCommand();
        flush.CommandText = "SELECT pg_stat_force_next_flush()";
        await flush.ExecuteNonQueryAsync();
        await using var count = session.CreateCommand();
        count.CommandText = """
            SELECT t.seq_tup_read + i.idx_tup_read FROM pg_stat_user_tables t JOIN pg_stat_user_indexes i USING (relid)
             WHERE t.relname = 'register'
            """;
        return (long)(await count.ExecuteScalarAsync())!;
    }
}
