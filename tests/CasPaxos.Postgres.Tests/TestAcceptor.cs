using System.Text;
using CasPaxos.Registers;
using Npgsql;

namespace CasPaxos.Postgres.Tests;

/// <summary>The only acceptor of a cluster of one, and short ways to ask it.</summary>
internal sealed class TestAcceptor : IAsyncDisposable
{
    /// <summary>For tests of rules: a busy machine is no failure.</summary>
    public static readonly PostgresAcceptorOptions Patient = new()
    {
        ConnectionsMax = 8,
        StatementTimeout = TimeSpan.FromSeconds(20),
        ConnectTimeout = TimeSpan.FromSeconds(20),
    };

    private readonly PostgresCluster _cluster;
    private readonly NpgsqlDataSource _inspector;

    private TestAcceptor(string connectionString, PostgresCluster cluster)
    {
        ConnectionString = connectionString;
        _cluster = cluster;
        _inspector = NpgsqlDataSource.Create(connectionString);
    }

    public static ProposerId P1 { get; } = new(new Guid("11111111-1111-1111-1111-111111111111"));

    public static ProposerId P2 { get; } = new(new Guid("22222222-2222-2222-2222-222222222222"));

    public string ConnectionString { get; }

    public PostgresAcceptor Acceptor => _cluster.Acceptors[0];

    public static async Task<TestAcceptor> CreateAsync(string connectionString, PostgresAcceptorOptions? options = null)
    {
        await PostgresCluster.InitializeAsync([connectionString]);
        return new TestAcceptor(
            connectionString, await PostgresCluster.OpenAsync([connectionString], options ?? Patient));
    }

    public static Ballot B(long counter, ProposerId? proposer = null) => new(counter, proposer ?? P1);

    public static ReadOnlyMemory<byte> Bytes(string text) => Encoding.UTF8.GetBytes(text);

    public static AcceptorCall PrepareCall(string key, Ballot ballot, long epoch = 1) =>
        new(new RegisterKey(key), new AcceptorRequest.Prepare(epoch, ballot));

    public static AcceptorCall AcceptCall(
        string key, Ballot ballot, string value, Ballot next = default, long epoch = 1) =>
        new(new RegisterKey(key), new AcceptorRequest.Accept(epoch, ballot, Bytes(value), next));

    public static AcceptorCall ReadCall(string key, long epoch = 1) =>
        new(new RegisterKey(key), new AcceptorRequest.Read(epoch));

    public static AcceptorCall EraseCall(string key, Ballot accepted, long version = 0, long epoch = 1) =>
        new(new RegisterKey(key), new AcceptorRequest.Erase(epoch, accepted, version));

    public async Task<AcceptorReply> AskAsync(AcceptorCall call) =>
        Assert.Single(await Acceptor.AskAsync([call], default));

    public Task<IReadOnlyList<AcceptorReply>> AskAsync(params AcceptorCall[] batch) =>
        Acceptor.AskAsync(batch, default);

    public Task<AcceptorReply> PrepareAsync(string key, Ballot ballot, long epoch = 1) =>
        AskAsync(PrepareCall(key, ballot, epoch));

    public Task<AcceptorReply> AcceptAsync(
        string key, Ballot ballot, string value, Ballot next = default, long epoch = 1) =>
        AskAsync(AcceptCall(key, ballot, value, next, epoch));

    public Task<AcceptorReply> ReadAsync(string key, long epoch = 1) => AskAsync(ReadCall(key, epoch));

    public Task<AcceptorReply> EraseAsync(string key, Ballot accepted, long version = 0, long epoch = 1) =>
        AskAsync(EraseCall(key, accepted, version, epoch));

    /// <summary>The row as it is stored, read past the acceptor.</summary>
    public async Task<AcceptorRow?> RowAsync(string key)
    {
        await using var command = _inspector.CreateCommand(
            """
            SELECT promised_counter, promised_proposer, accepted_counter, accepted_proposer, value
              FROM caspaxos.register WHERE key = $1
            """);
        command.Parameters.Add(new NpgsqlParameter { Value = new RegisterKey(key).ToUtf8() });
        await using var reader = await command.ExecuteReaderAsync();
        return await reader.ReadAsync()
            ? new AcceptorRow(
                new Ballot(reader.GetInt64(0), new ProposerId(reader.GetGuid(1))),
                new Ballot(reader.GetInt64(2), new ProposerId(reader.GetGuid(3))),
                reader.GetFieldValue<byte[]>(4))
            : null;
    }

    /// <summary>Epoch and floors as they are stored.</summary>
    public async Task<(long Epoch, Ballot Floor, long VersionFloor)> MarksAsync()
    {
        await using var command = _inspector.CreateCommand(
            "SELECT epoch, floor_counter, floor_proposer, version_floor FROM caspaxos.identity");
        await using var reader = await command.ExecuteReaderAsync();
        await reader.ReadAsync();
        var floor = new Ballot(reader.GetInt64(1), new ProposerId(reader.GetGuid(2)));
        return (reader.GetInt64(0), floor, reader.GetInt64(3));
    }

    /// <summary>Runs statements as superuser, past the acceptor.</summary>
    public async Task ExecuteAsync(string sql)
    {
        await using var command = _inspector.CreateCommand(sql);
        await command.ExecuteNonQueryAsync();
    }

    /// <summary>A connection of its own, as superuser: for a second session in the middle of a transaction.</summary>
    public async Task<NpgsqlConnection> ConnectAsync() => await _inspector.OpenConnectionAsync();

    public async ValueTask DisposeAsync()
    {
        await _cluster.DisposeAsync();
        await _inspector.DisposeAsync();
    }
}

/// <summary>Compares what record equality cannot: values are equal by their bytes.</summary>
internal static class Replies
{
    public static string Text(AcceptorReply reply) => reply switch
    {
        AcceptorReply.Promised promised =>
            $"promised {Full(promised.AcceptedBallot)} {Hex(promised.Value)} at {promised.VersionFloor}",
        AcceptorReply.Report report =>
            $"report {Full(report.AcceptedBallot)} {Hex(report.Value)} at {report.VersionFloor}",
        AcceptorReply.Accepted accepted => $"accepted {Full(accepted.Promise)}",
        AcceptorReply.Refused refused => $"refused {Full(refused.Winner)}",
        AcceptorReply.Kept kept => $"kept {Full(kept.AcceptedBallot)}",
        _ => reply.ToString(),
    };

    public static string Text(AcceptorRow? row) => row is null
        ? "none"
        : $"{Full(row.Promised)} {Full(row.Accepted)} {Hex(row.Value)}";

    public static void AssertEqual(AcceptorReply expected, AcceptorReply actual) =>
        Assert.Equal(Text(expected), Text(actual));

    private static string Full(Ballot ballot) => $"{ballot.Counter}/{ballot.Proposer.Value}";

    private static string Hex(ReadOnlyMemory<byte> value) => Convert.ToHexString(value.Span);
}
