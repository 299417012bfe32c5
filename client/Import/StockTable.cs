using System.Runtime.CompilerServices;
using Npgsql;
using NpgsqlTypes;

namespace CasPaxos.Client;

/// <summary>A row of Orleans' ADO.NET storage.</summary>
/// <param name="ServiceId">The service that the grain is part of.</param>
/// <param name="State">The name of the state.</param>
/// <param name="Key">The grain's key.</param>
/// <param name="Payload">What the serializer wrote; null for a state that was cleared.</param>
/// <param name="Repeated">There are other rows of that state. Orleans' own script for the table allows that.</param>
internal sealed record StockRow(string ServiceId, string State, StockKey Key, byte[]? Payload, bool Repeated = false)
{
    /// <summary>True for the state of one grain.</summary>
    public bool IsSameAs(StockRow other) =>
        (ServiceId, State, Key) == (other.ServiceId, other.State, other.Key);
}

/// <summary>The table of Orleans' ADO.NET storage on PostgreSQL.</summary>
internal sealed class StockTable(NpgsqlDataSource source, string? serviceId)
{
    // Begins as Orleans' index does, so that a page is not sorted out of the whole table. Rows of one state stand side
    // by side; the row's place makes the order total where there are several.
    private const string Order =
        """
        grainidhash, graintypehash, grainidn0, grainidn1, serviceid COLLATE "C", graintypestring COLLATE "C",
        coalesce(grainidextensionstring, '') COLLATE "C", grainidextensionstring IS NULL, ctid
        """;

    private const int PageRows = 1000;

    /// <summary>All rows; a page is read at a time, and a row of it at a time.</summary>
    public async IAsyncEnumerable<StockRow> ReadAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        StockRow? held = null; // Until it is known whether the next one is of the same state.
        await foreach (var row in ReadPagesAsync(cancellationToken))
        {
            var same = held is not null && held.IsSameAs(row);
            if (held is not null)
            {
                yield return same ? held with { Repeated = true } : held;
            }

            held = row with { Repeated = same };
        }

        if (held is not null)
        {
            yield return held;
        }
    }

    private async IAsyncEnumerable<StockRow> ReadPagesAsync(
        [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        (StockRow Row, int TypeHash, NpgsqlTid Place)? last = null;
        int count;
        do
        {
            count = 0;
            await using var command = PageCommand(last);
            await using var reader = await command.ExecuteReaderAsync(cancellationToken);
            while (await reader.ReadAsync(cancellationToken))
            {
                var key = new StockKey(
                    reader.GetInt64(0),
                    reader.GetInt64(1),
                    await reader.IsDBNullAsync(2, cancellationToken) ? null : reader.GetString(2),
                    reader.GetInt32(3));
                var payload = await reader.IsDBNullAsync(8, cancellationToken) ? null : reader.GetFieldValue<byte[]>(8);
                var row = new StockRow(reader.GetString(5), reader.GetString(6), key, payload);
                last = (row with { Payload = null }, reader.GetInt32(4), reader.GetFieldValue<NpgsqlTid>(7));
                count++;
                yield return row;
            }
        }
        while (count == PageRows);
    }

    private NpgsqlCommand PageCommand((StockRow Row, int TypeHash, NpgsqlTid Place)? after)
    {
        var command = source.CreateCommand();
        var conditions = new List<string> { "true" };
        if (serviceId is not null)
        {
            conditions.Add("serviceid = @only");
            command.Parameters.AddWithValue("only", serviceId);
        }

        if (after is var (row, typeHash, place))
        {
            conditions.Add(
                $"({Order}) > (@hash, @typehash, @n0, @n1, @service, @state, @extension, @noextension, @place)");
            command.Parameters.AddWithValue("hash", row.Key.Hash);
            command.Parameters.AddWithValue("typehash", typeHash);
            command.Parameters.AddWithValue("n0", row.Key.N0);
            command.Parameters.AddWithValue("n1", row.Key.N1);
            command.Parameters.AddWithValue("service", row.ServiceId);
            command.Parameters.AddWithValue("state", row.State);
            command.Parameters.AddWithValue("extension", row.Key.Extension ?? "");
            command.Parameters.AddWithValue("noextension", row.Key.Extension is null);
            command.Parameters.AddWithValue("place", NpgsqlDbType.Tid, place);
        }

        command.CommandText =
            $"""
            SELECT grainidn0, grainidn1, grainidextensionstring, grainidhash, graintypehash, serviceid, graintypestring,
                   ctid, payloadbinary
              FROM orleansstorage
             WHERE {string.Join(" AND ", conditions)}
             ORDER BY {Order}
             LIMIT {PageRows}
            """;
        return command;
    }
}
