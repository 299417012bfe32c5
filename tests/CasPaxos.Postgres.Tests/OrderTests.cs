using CasPaxos.Testing;
using FsCheck;
using FsCheck.Fluent;
using Npgsql;

namespace CasPaxos.Postgres.Tests;

/// <summary>The database orders ballots and keys as the protocol does (case 2, T-A7, T-A8).</summary>
[Collection(SharedServer.Name)]
public sealed class OrderTests(SharedServer shared)
{
    private const string CompareBallots = """
        SELECT CASE WHEN ($1, $2) < ($3, $4) THEN -1 WHEN ($1, $2) = ($3, $4) THEN 0 ELSE 1 END
        """;

    [SkippableFact]
    public async Task The_order_of_ballots_in_SQL_is_the_protocols()
    {
        Skip.If(PostgresBinaries.SkipReason is not null, PostgresBinaries.SkipReason);
        await using var source = NpgsqlDataSource.Create(shared.Server.ConnectionString());
        await using var connection = await source.OpenConnectionAsync();
        var property = Prop.ForAll(
            Arb.From(Gen.Two(Ballots())),
            pair => CompareInSql(connection, pair.Item1, pair.Item2) == Math.Sign(pair.Item1.CompareTo(pair.Item2)));

        Check.One(Config.QuickThrowOnFailure.WithMaxTest(3000), property);
    }

    [SkippableFact]
    public async Task The_order_of_keys_in_SQL_is_the_protocols_also_above_U_FFFF()
    {
        await using var acceptor = await shared.NewAcceptorAsync();
        var random = new Random(4);
        string[] alphabet = ["a", "b", "\0", "z", "\u007F", "\u0080", "\u07FF", "\uD7FF", "\uE000", "\uFFFF",
            "\U00010000", "\U0001F600", "\U0010FFFF"];
        var keys = Enumerable.Range(0, 400)
            .Select(_ => string.Concat(random.GetItems(alphabet, random.Next(1, 4))))
            .Distinct()
            .ToList();

        await acceptor.AskAsync([.. keys.Select(key => TestAcceptor.AcceptCall(key, TestAcceptor.B(1), key))]);
        var page = await acceptor.Acceptor.ScanAsync(new(1, "", null, 10_000), default);

        var ordered = keys.Select(key => new RegisterKey(key)).Order().ToList();
        Assert.Equal(ordered, page.Rows.Select(row => row.Key));
    }

    /// <summary>Equal counters, extremes, and ids that differ in one byte: where a wrong comparison shows.</summary>
    private static Gen<Ballot> Ballots()
    {
        var counters = Gen.Elements(
            0L, 1, 2, 255, 256, int.MaxValue, int.MaxValue + 1L, long.MaxValue - 1, long.MaxValue);
        var ids =
            from position in Gen.Choose(0, 15)
            from value in Gen.Elements<byte>(0, 1, 0x7F, 0x80, 0xFF)
            from rest in Gen.Elements<byte>(0, 0x80, 0xFF)
            select IdOf(position, value, rest);
        return from counter in counters from id in ids select new Ballot(counter, new ProposerId(id));
    }

    private static Guid IdOf(int position, byte value, byte rest)
    {
        var bytes = new byte[16];
        Array.Fill(bytes, rest);
        bytes[position] = value;
        return new Guid(bytes, bigEndian: true);
    }

    private static int CompareInSql(NpgsqlConnection connection, Ballot left, Ballot right)
    {
        using var command = new NpgsqlCommand(CompareBallots, connection);
        foreach (var ballot in (ReadOnlySpan<Ballot>)[left, right])
        {
            command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = ballot.Counter });
            command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = ballot.Proposer.Value });
        }

        return (int)command.ExecuteScalar()!;
    }
}
