using CasPaxos.Registers;
using Npgsql;

namespace CasPaxos.Postgres;

/// <summary>What a server says of itself.</summary>
/// <param name="Problem">Null if an acceptor may live there; otherwise what is wrong and what to do.</param>
/// <param name="SystemIdentifier">Tells servers apart. Copies of one server share it.</param>
/// <param name="DatabaseOid">Tells the databases of one server apart.</param>
internal sealed record ServerFacts(string? Problem, long SystemIdentifier, long DatabaseOid)
{
    /// <summary>
    /// The same text as the check of ADO.NET grain storage has it, so that slots of both kinds are told apart.
    /// </summary>
    public string Name => $"PostgreSQL, system_identifier {SystemIdentifier}";

    private const int OldestVersion = 140000;

    private const string Query = """
        SELECT current_setting('fsync'), current_setting('full_page_writes'), current_setting('synchronous_commit'),
               pg_is_in_recovery(), current_setting('server_version_num')::int,
               (SELECT system_identifier FROM pg_control_system()),
               (SELECT oid::bigint FROM pg_database WHERE datname = current_database())
        """;

    /// <summary>Asks a server whether what it confirms survives a crash.</summary>
    public static async Task<ServerFacts> ReadAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(Query, connection);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        await reader.ReadAsync(cancellationToken);
        return new ServerFacts(FindProblem(reader), reader.GetInt64(5), reader.GetInt64(6));
    }

    private static string? FindProblem(NpgsqlDataReader reader)
    {
        if (reader.GetInt32(4) < OldestVersion)
        {
            return $"PostgreSQL {OldestVersion / 10000} or later is needed.";
        }

        if (reader.GetBoolean(3))
        {
            return "the server is a replica (pg_is_in_recovery). An acceptor must be a primary of its own: name that.";
        }

        string[] settings = ["fsync", "full_page_writes", "synchronous_commit"];
        for (var i = 0; i < settings.Length; i++)
        {
            var value = reader.GetString(i);
            if (value != "on" && (settings[i], value) is not ("synchronous_commit", "remote_apply"))
            {
                return $"{settings[i]} is {value}. A promise that a crash forgets is none: set {settings[i]} = on.";
            }
        }

        return null;
    }
}

/// <summary>What an initialised database says of itself.</summary>
/// <param name="Identity">Which acceptor it is.</param>
/// <param name="Floor">The greatest ballot that it has ever erased.</param>
/// <param name="VersionFloor">The greatest version of a tombstone that it has ever erased.</param>
/// <param name="RowsEstimate">About how many registers it holds, as of its last vacuum.</param>
internal sealed record DatabaseFacts(StoredIdentity Identity, Ballot Floor, long VersionFloor, long RowsEstimate)
{
    /// <summary>Asks a database who it is.</summary>
    public const string Query = "SELECT * FROM caspaxos.describe()";

    /// <summary>Reads the identity row.</summary>
    /// <returns>Null if the database holds no acceptor.</returns>
    public static async Task<DatabaseFacts?> ReadAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        try
        {
            await using var command = new NpgsqlCommand(Query, connection);
            await using var reader = await command.ExecuteReaderAsync(cancellationToken);
            return await ReadAsync(reader, cancellationToken);
        }
        catch (PostgresException failure) when (Failures.IsMissingObject(failure))
        {
            return null;
        }
    }

    /// <summary>Reads the answer to <see cref="Query"/>.</summary>
    public static async Task<DatabaseFacts?> ReadAsync(NpgsqlDataReader reader, CancellationToken cancellationToken) =>
        await reader.ReadAsync(cancellationToken) ? From(reader) : null;

    private static DatabaseFacts From(NpgsqlDataReader reader)
    {
        var format = reader.GetInt32(0);
        var displaced = reader.GetString(12);
        var identity = new StoredIdentity
        {
            Unreadable = format == SqlScripts.FormatVersion
                ? null
                : $"its tables have format {format}, this library reads {SqlScripts.FormatVersion}.",
            Complete = reader.GetBoolean(1),
            ClusterId = reader.GetGuid(2),
            Slot = reader.GetInt32(3),
            Incarnation = reader.GetGuid(4),
            ConfigurationEpoch = reader.GetInt64(5),
            Incarnations = [.. reader.GetFieldValue<Guid[]>(6)],
            PrepareQuorum = reader.GetInt32(7),
            AcceptQuorum = reader.GetInt32(8),
            EpochHeard = reader.GetInt64(9),
            Displaced = displaced.Length == 0 ? null : displaced,
        };
        var floor = new Ballot(reader.GetInt64(10), new ProposerId(reader.GetGuid(11)));

        // Format 1 had no version floors. It is refused; what it says of itself must be readable to say so.
        var versionFloor = identity.Unreadable is null ? reader.GetInt64(14) : 0;
        return new DatabaseFacts(identity, floor, versionFloor, reader.GetInt64(13));
    }
}
