using System.Runtime.InteropServices;
using CasPaxos.Registers;
using Npgsql;
using NpgsqlTypes;

namespace CasPaxos.Postgres;

/// <summary>
/// A batch as one call of a function, and the way back from the function's rows to the batch's order. On the hot path:
/// arrays of the right size, no iterators.
/// </summary>
internal sealed class BatchStatement
{
    private const string Write = "SELECT * FROM caspaxos.write($1, $2, $3, $4, $5, $6, $7, $8)";
    private const string WriteRepeated = "SELECT * FROM caspaxos.write_repeated($1, $2, $3, $4, $5, $6, $7, $8)";
    private const string Read = "SELECT * FROM caspaxos.read($1, $2, $3)";
    private const string Erase = "SELECT * FROM caspaxos.erase($1, $2, $3, $4, $5, $6)";
    private const string AcceptOne = "SELECT * FROM caspaxos.accept_one($1, $2, $3, $4, $5, $6, $7, $8)";
    private const string ReadOne = "SELECT * FROM caspaxos.read_one($1, $2, $3)";

    private static readonly int[] OrderOfOne = [0];

    private readonly int[] _order; // _order[i]: which call of the batch is the function's i-th.
    private readonly NpgsqlParameter[] _parameters;
    private readonly string _sql;

    private BatchStatement(string sql, int[] order, NpgsqlParameter[] parameters) =>
        (_sql, _order, _parameters) = (sql, order, parameters);

    /// <summary>Builds the statement of a batch.</summary>
    /// <exception cref="ArgumentException">The batch is empty, or mixes lanes or epochs.</exception>
    public static BatchStatement Of(Guid incarnation, IReadOnlyList<AcceptorCall> batch)
    {
        ArgumentNullException.ThrowIfNull(batch);
        if (batch.Count == 0)
        {
            throw new ArgumentException("A batch has at least one call.", nameof(batch));
        }

        if (batch.Count == 1 && OfOne(incarnation, batch[0]) is { } one)
        {
            return one;
        }

        var first = batch[0].Request;
        var keys = new byte[batch.Count][];
        for (var i = 0; i < keys.Length; i++)
        {
            var call = batch[i];
            if (call.Request.Epoch != first.Epoch || LaneOf(call.Request) != LaneOf(first))
            {
                throw new ArgumentException("A batch is of one lane and one epoch.", nameof(batch));
            }

            keys[i] = call.Key.ToUtf8();
        }

        var (order, repeats) = Sort(keys);
        var sorted = new byte[keys.Length][];
        for (var i = 0; i < sorted.Length; i++)
        {
            sorted[i] = keys[order[i]];
        }

        return LaneOf(first) switch
        {
            Lane.Write => OfWrites(repeats ? WriteRepeated : Write, incarnation, first.Epoch, batch, order, sorted),
            Lane.Read => new(Read, order, [Scalar(incarnation), Scalar(first.Epoch), Array(sorted)]),
            _ => OfErasures(incarnation, first.Epoch, batch, order, sorted),
        };
    }

    /// <summary>The statement, ready to be run once.</summary>
    public NpgsqlCommand ToCommand(NpgsqlConnection connection)
    {
        var command = new NpgsqlCommand(_sql, connection);
        foreach (var parameter in _parameters)
        {
            command.Parameters.Add(parameter);
        }

        return command;
    }

    /// <summary>Reads the function's rows. They are not yet news: the commit comes behind them.</summary>
    public async Task<IReadOnlyList<AcceptorReply>> ReadAsync(NpgsqlDataReader reader)
    {
        var replies = new AcceptorReply[_order.Length];
        var rows = 0;
        while (await reader.ReadAsync(CancellationToken.None))
        {
            replies[_order[reader.GetInt32(0) - 1]] = ToReply(reader);
            rows++;
        }

        return rows == replies.Length
            ? replies
            : throw new InvalidOperationException($"{rows} rows answered {replies.Length} calls");
    }

    private static AcceptorReply ToReply(NpgsqlDataReader reader)
    {
        var ballot = new Ballot(reader.GetInt64(2), new ProposerId(reader.GetGuid(3)));
        return reader.GetInt32(1) switch
        {
            1 => new AcceptorReply.Promised(ballot, ValueOf(reader), reader.GetInt64(5)),
            2 => new AcceptorReply.Accepted(ballot),
            3 => new AcceptorReply.Refused(ballot),
            4 => new AcceptorReply.Report(ballot, ValueOf(reader), reader.GetInt64(5)),
            5 => new AcceptorReply.Erased(),
            6 => new AcceptorReply.Kept(ballot),
            7 => new AcceptorReply.Fenced(ballot.Counter),
            var other => throw new InvalidOperationException($"the function answered with code {other}"),
        };
    }

    private static ReadOnlyMemory<byte> ValueOf(NpgsqlDataReader reader) =>
        reader.IsDBNull(4) ? default : reader.GetFieldValue<byte[]>(4);

    /// <summary>What an idle client asks most, by the functions for one call; null for the rest.</summary>
    private static BatchStatement? OfOne(Guid incarnation, AcceptorCall call) => call.Request switch
    {
        AcceptorRequest.Accept accept => new(
            AcceptOne,
            OrderOfOne,
            [
                Scalar(incarnation), Scalar(accept.Epoch), Scalar(call.Key.ToUtf8()),
                Scalar(accept.Ballot.Counter), Scalar(accept.Ballot.Proposer.Value), Scalar(BytesOf(accept.Value)),
                Scalar(accept.Next.Counter), Scalar(accept.Next.Proposer.Value),
            ]),
        AcceptorRequest.Read read => new(
            ReadOne, OrderOfOne, [Scalar(incarnation), Scalar(read.Epoch), Scalar(call.Key.ToUtf8())]),
        _ => null,
    };

    private static BatchStatement OfWrites(
        string sql, Guid incarnation, long epoch, IReadOnlyList<AcceptorCall> batch, int[] order, byte[][] keys)
    {
        var counters = new long[order.Length];
        var proposers = new Guid[order.Length];
        var values = new byte[]?[order.Length];
        var nextCounters = new long[order.Length];
        var nextProposers = new Guid[order.Length];
        for (var i = 0; i < order.Length; i++)
        {
            var request = batch[order[i]].Request;
            if (request is AcceptorRequest.Accept accept)
            {
                (counters[i], proposers[i]) = (accept.Ballot.Counter, accept.Ballot.Proposer.Value);
                (nextCounters[i], nextProposers[i]) = (accept.Next.Counter, accept.Next.Proposer.Value);
                values[i] = BytesOf(accept.Value);
            }
            else
            {
                var prepare = (AcceptorRequest.Prepare)request;
                (counters[i], proposers[i]) = (prepare.Ballot.Counter, prepare.Ballot.Proposer.Value);
            }
        }

        return new(
            sql,
            order,
            [
                Scalar(incarnation), Scalar(epoch), Array(keys), Array(counters), Array(proposers), Array(values),
                Array(nextCounters), Array(nextProposers),
            ]);
    }

    private static BatchStatement OfErasures(
        Guid incarnation, long epoch, IReadOnlyList<AcceptorCall> batch, int[] order, byte[][] keys)
    {
        var counters = new long[order.Length];
        var proposers = new Guid[order.Length];
        var versions = new long[order.Length];
        for (var i = 0; i < order.Length; i++)
        {
            var erase = (AcceptorRequest.Erase)batch[order[i]].Request;
            (counters[i], proposers[i]) = (erase.Accepted.Counter, erase.Accepted.Proposer.Value);
            versions[i] = erase.Version;
        }

        return new(
            Erase,
            order,
            [Scalar(incarnation), Scalar(epoch), Array(keys), Array(counters), Array(proposers), Array(versions)]);
    }

    /// <summary>
    /// Puts keys into the order in which all batches lock rows; equal keys stay in the batch's order.
    /// </summary>
    private static (int[] Order, bool Repeats) Sort(byte[][] keys)
    {
        var order = new int[keys.Length];
        for (var i = 0; i < order.Length; i++)
        {
            order[i] = i;
        }

        order.AsSpan().Sort((left, right) =>
        {
            var byKey = keys[left].AsSpan().SequenceCompareTo(keys[right]);
            return byKey != 0 ? byKey : left.CompareTo(right);
        });
        for (var i = 1; i < order.Length; i++)
        {
            if (keys[order[i]].AsSpan().SequenceEqual(keys[order[i - 1]]))
            {
                return (order, true);
            }
        }

        return (order, false);
    }

    private static Lane LaneOf(AcceptorRequest request) => request switch
    {
        AcceptorRequest.Prepare or AcceptorRequest.Accept => Lane.Write,
        AcceptorRequest.Read => Lane.Read,
        AcceptorRequest.Erase => Lane.Erase,
        _ => throw new System.Diagnostics.UnreachableException(),
    };

    private static byte[] BytesOf(ReadOnlyMemory<byte> value) =>
        MemoryMarshal.TryGetArray(value, out var segment) && segment.Array is { } array && array.Length == value.Length
            ? array
            : value.ToArray();

    private static NpgsqlParameter<Guid> Scalar(Guid value) =>
        new() { TypedValue = value, NpgsqlDbType = NpgsqlDbType.Uuid };

    private static NpgsqlParameter<long> Scalar(long value) =>
        new() { TypedValue = value, NpgsqlDbType = NpgsqlDbType.Bigint };

    private static NpgsqlParameter<byte[]> Scalar(byte[] value) =>
        new() { TypedValue = value, NpgsqlDbType = NpgsqlDbType.Bytea };

    private static NpgsqlParameter<long[]> Array(long[] values) =>
        new() { TypedValue = values, NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Bigint };

    private static NpgsqlParameter<Guid[]> Array(Guid[] values) =>
        new() { TypedValue = values, NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Uuid };

    private static NpgsqlParameter<byte[]?[]> Array(byte[]?[] values) =>
        new() { TypedValue = values, NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Bytea };
}
