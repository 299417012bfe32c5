using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Npgsql;
using Orleans.Configuration;
using Orleans.Storage;

namespace CasPaxos.Orleans.AdoNet;

/// <summary>
/// Looks at the database behind an ADO.NET grain storage. On PostgreSQL its table must have a unique key: with Orleans'
/// own script two first writers may both win (trap T-O2). Other products are only told apart by name.
/// </summary>
internal sealed class AdoNetSlotCheck(
    IServiceProvider services, IOptionsMonitor<AdoNetGrainStorageOptions> options) : ISlotStoreCheck
{
    private const string PostgresInvariant = "Npgsql";

    private const string Server = """
        SELECT current_setting('fsync'), current_setting('full_page_writes'), current_setting('synchronous_commit'),
               pg_is_in_recovery(), (SELECT system_identifier FROM pg_control_system()),
               to_regclass('orleansstorage') IS NOT NULL
        """;

    /// <summary>
    /// Finds an index that makes the record of a grain unique: enforced at once and for all rows, over nothing but what
    /// names a grain. A plain extension column will do too, since the extension of a slot's record is never missing.
    /// </summary>
    private const string UniqueKey = """
        SELECT EXISTS (
            SELECT FROM pg_index i
             WHERE i.indrelid = to_regclass('orleansstorage')
               AND i.indisunique AND i.indisvalid AND i.indisready AND i.indimmediate AND i.indpred IS NULL
               AND (SELECT bool_and(
                               pg_get_indexdef(i.indexrelid, place, true) IN (
                                   'grainidhash', 'grainidn0', 'grainidn1', 'graintypehash', 'graintypestring',
                                   'grainidextensionstring', 'serviceid')
                               OR pg_get_indexdef(i.indexrelid, place, true)
                                   ~* '^coalesce\(grainidextensionstring, ''''::character varying\)$')
                      FROM generate_series(1, i.indnkeyatts) AS place))
        """;

    public async Task<SlotStoreFacts?> CheckAsync(string storageName, CancellationToken cancellationToken)
    {
        if (services.GetKeyedService<IGrainStorage>(storageName) is not (AdoNetGrainStorage or LateAdoNetStorage))
        {
            return null;
        }

        var settings = options.Get(storageName);
        if (settings.Invariant != PostgresInvariant)
        {
            return new SlotStoreFacts(Problem: null, Server: null);
        }

        await using var connection = new NpgsqlConnection(settings.ConnectionString);
        await connection.OpenAsync(cancellationToken);
        await using var server = new NpgsqlCommand(Server, connection);
        await using var reader = await server.ExecuteReaderAsync(cancellationToken);
        await reader.ReadAsync(cancellationToken);
        var name = $"PostgreSQL, system_identifier {reader.GetInt64(4)}";
        var problem = FindProblem(reader);
        var hasTable = reader.GetBoolean(5);
        await reader.CloseAsync();
        if (problem is null)
        {
            await using var key = new NpgsqlCommand(UniqueKey, connection);
            problem = !hasTable ? "its database has no table OrleansStorage." + Advice
                : (bool)(await key.ExecuteScalarAsync(cancellationToken))! ? null
                : "its table OrleansStorage has no unique key, so two first writes at once may both win." + Advice;
        }

        return new SlotStoreFacts(problem, name);
    }

    private const string Advice = " Run sql/orleans-storage/postgresql.sql on the database.";

    /// <summary>A promise that a crash forgets is none.</summary>
    private static string? FindProblem(NpgsqlDataReader reader)
    {
        if (reader.GetBoolean(3))
        {
            return "the server is a replica (pg_is_in_recovery): a slot needs a primary of its own.";
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
