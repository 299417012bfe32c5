using CasPaxos.Registers;
using Npgsql;
using static CasPaxos.Postgres.Tests.TestAcceptor;

namespace CasPaxos.Postgres.Tests;

/// <summary>Whoever has an application's password can change registers by the rules alone.</summary>
[Collection(SharedServer.Name)]
public sealed class PrivilegeTests(SharedServer shared)
{
    [SkippableFact]
    public async Task A_member_of_the_role_can_do_all_that_an_acceptor_is_asked()
    {
        await using var owner = await shared.NewAcceptorAsync();
        await using var cluster = await PostgresCluster.OpenAsync([await NewMemberAsync(owner)], Patient);
        var acceptor = cluster.Acceptors[0];

        var batches = new[]
        {
            await acceptor.AskAsync([PrepareCall("a", B(1)), AcceptCall("b", B(1), "v")], default),
            await acceptor.AskAsync([PrepareCall("a", B(2)), AcceptCall("a", B(2), "v", epoch: 1)], default),
            await acceptor.AskAsync([AcceptCall("a", B(3), "v", epoch: 2)], default),
            await acceptor.AskAsync([ReadCall("a", epoch: 2)], default),
            await acceptor.AskAsync([ReadCall("a", epoch: 2), ReadCall("b", epoch: 2)], default),
            await acceptor.AskAsync([EraseCall("b", B(1), version: 6, epoch: 2)], default),
        };
        var page = await acceptor.ScanAsync(new ScanRequest(2, "", null, 10), default);
        var status = Assert.Single(await cluster.StatusAsync());

        Assert.All(batches.SelectMany(replies => replies), reply => Assert.False(reply is AcceptorReply.Refused));
        Assert.Equal("a", Assert.Single(page.Rows).Key.Text);
        Assert.True(status.Serves);
        Assert.Equal((2L, B(1), 6L), (status.Epoch!.Value, status.Floor!.Value, status.VersionFloor!.Value));
    }

    [SkippableTheory]
    [InlineData("SELECT * FROM caspaxos.register")]
    [InlineData("UPDATE caspaxos.register SET promised_counter = 0")]
    [InlineData("DELETE FROM caspaxos.register")]
    [InlineData("TRUNCATE caspaxos.register")]
    [InlineData("UPDATE caspaxos.identity SET epoch = 0")]
    [InlineData("INSERT INTO caspaxos.register VALUES (1, 1, gen_random_uuid(), gen_random_uuid(), 'k', 'v')")]
    [InlineData("DROP SCHEMA caspaxos CASCADE")]
    [InlineData("CREATE TABLE caspaxos.mine ()")]
    [InlineData("SELECT * FROM caspaxos.admit(gen_random_uuid(), 1, 'none')")]
    [InlineData("ALTER TABLE caspaxos.register DISABLE TRIGGER ALL")]
    [InlineData("ALTER FUNCTION caspaxos.describe() RENAME TO d")]
    public async Task A_member_of_the_role_can_do_nothing_else(string statement)
    {
        await using var owner = await shared.NewAcceptorAsync();
        await using var source = NpgsqlDataSource.Create(await NewMemberAsync(owner));
        await using var command = source.CreateCommand(statement);

        var refusal = await Assert.ThrowsAsync<PostgresException>(() => command.ExecuteNonQueryAsync());

        Assert.Equal(PostgresErrorCodes.InsufficientPrivilege, refusal.SqlState);
    }

    [SkippableFact]
    public async Task Who_is_no_member_can_call_nothing()
    {
        await using var owner = await shared.NewAcceptorAsync();
        await owner.ExecuteAsync("DROP ROLE IF EXISTS stranger; CREATE ROLE stranger LOGIN");
        var stranger = new NpgsqlConnectionStringBuilder(owner.ConnectionString) { Username = "stranger" };
        await using var acceptor = new PostgresAcceptor(stranger.ConnectionString, owner.Acceptor.Identity, Patient);

        var failure = await Assert.ThrowsAsync<AcceptorUnavailableException>(
            () => acceptor.AskAsync([ReadCall("a")], default));

        Assert.False(failure.MayHaveTakenEffect);
        Assert.Contains("permission denied", failure.Message, StringComparison.Ordinal);
    }

    [SkippableTheory]
    [InlineData("BEGIN ISOLATION LEVEL REPEATABLE READ", "transaction_isolation")]
    [InlineData("BEGIN ISOLATION LEVEL SERIALIZABLE", "transaction_isolation")]
    [InlineData("BEGIN; SET LOCAL synchronous_commit = off", "synchronous_commit")]
    public async Task A_session_that_could_miss_or_lose_a_commit_is_refused(string begin, string setting)
    {
        await using var owner = await shared.NewAcceptorAsync();
        await owner.AcceptAsync("a", B(1), "v"); // Else accept_one and read_one leave it to write and read.
        await using var source = NpgsqlDataSource.Create(await NewMemberAsync(owner));
        var incarnation = owner.Acceptor.Identity.Incarnation;
        string[] calls =
        [
            $"caspaxos.read('{incarnation}', 1, ARRAY['a'::bytea])",
            $"caspaxos.write('{incarnation}', 1, '{{a}}', '{{1}}', ARRAY['{P1.Value}'::uuid], '{{v}}', '{{0}}', "
                + $"ARRAY['{P1.Value}'::uuid])",
            $"caspaxos.read_one('{incarnation}', 1, 'a')",
            $"caspaxos.accept_one('{incarnation}', 1, 'a', 2, '{P1.Value}', 'w', 0, '{P1.Value}')",
            $"caspaxos.erase('{incarnation}', 1, '{{a}}', '{{1}}', ARRAY['{P1.Value}'::uuid], '{{1}}')",
            $"caspaxos.scan('{incarnation}', 1, '', NULL, NULL, 1, NULL)",
        ];

        foreach (var call in calls)
        {
            await using var connection = await source.OpenConnectionAsync();
            await using var command = new NpgsqlCommand($"{begin}; SELECT * FROM {call}", connection);
            var refusal = await Assert.ThrowsAsync<PostgresException>(() => command.ExecuteNonQueryAsync());
            Assert.Equal("CP002", refusal.SqlState);
            Assert.Contains(setting, refusal.MessageText, StringComparison.Ordinal);
        }
    }

    private static async Task<string> NewMemberAsync(TestAcceptor owner)
    {
        await owner.ExecuteAsync(
            "DROP ROLE IF EXISTS application; CREATE ROLE application LOGIN IN ROLE caspaxos_acceptor");
        return new NpgsqlConnectionStringBuilder(owner.ConnectionString) { Username = "application" }.ConnectionString;
    }
}
