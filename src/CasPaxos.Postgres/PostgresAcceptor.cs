using System.Text;
using CasPaxos.Registers;
using Npgsql;
using NpgsqlTypes;

namespace CasPaxos.Postgres;

/// <summary>
/// An acceptor whose registers are rows of one PostgreSQL database. Decides nothing: the rule is a function in the
/// database, and a batch is one call of it, one round trip and one commit (rules 2 and 3). Safe for concurrent use.
/// </summary>
public sealed class PostgresAcceptor : IAcceptor, IDisposable, IAsyncDisposable
{
    private readonly PostgresAcceptorOptions _options;
    private readonly string _place;
    private readonly SlotServers _servers;
    private readonly SlotVerifier _verifier;
    private readonly SharedConnections _connections;
    private Lane _lane;
    private int _disposed;

    /// <summary>Prepares to ask a slot; connects when first asked.</summary>
    /// <param name="connectionString">
    /// Leads to one host. Timeouts, transaction settings and the size of the pool are set from the options.
    /// </param>
    /// <param name="identity">Which acceptor the database must be; another one is never asked.</param>
    /// <param name="options">Limits; null for the defaults.</param>
    /// <exception cref="ArgumentException">The connection string or an option is wrong.</exception>
    public PostgresAcceptor(string connectionString, SlotIdentity identity, PostgresAcceptorOptions? options = null)
        : this(
            new SlotDatabase(connectionString ?? throw new ArgumentNullException(nameof(connectionString))),
            identity,
            options ?? new PostgresAcceptorOptions(),
            new SlotServers(false))
    {
    }

    internal PostgresAcceptor(
        SlotDatabase database, SlotIdentity identity, PostgresAcceptorOptions options, SlotServers servers)
    {
        ArgumentNullException.ThrowIfNull(identity);
        options.Validate();
        Identity = identity;
        _options = options;
        _servers = servers;
        _place = Connections.Place(database.Parse(identity.Slot), identity.Slot);
        _verifier = new SlotVerifier(_place, identity, options, servers);
        _connections = SharedConnections.Rent(database, identity, options, servers);
        _lane = new Lane(_connections.Pool, options.ConnectionsMax);
    }

    /// <summary>Which acceptor this is.</summary>
    public SlotIdentity Identity { get; }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The batch is empty, or mixes lanes or epochs.</exception>
    public Task<IReadOnlyList<AcceptorReply>> AskAsync(
        IReadOnlyList<AcceptorCall> batch, CancellationToken cancellationToken)
    {
        var statement = BatchStatement.Of(Identity.Incarnation, batch);
        return RunAsync(statement.ToCommand, statement.ReadAsync, cancellationToken);
    }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The limit is outside 1 to 10,000.</exception>
    public Task<ScanPage> ScanAsync(ScanRequest request, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentOutOfRangeException.ThrowIfLessThan(request.Limit, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(request.Limit, 10_000);
        return RunAsync(
            connection => ScanCommand(connection, request),
            reader => ReadPageAsync(reader, request),
            cancellationToken,
            scans: true);
    }

    /// <summary>Asks the database about itself, for tools.</summary>
    /// <returns>What it says; a status that is not reachable when it cannot be asked or refuses.</returns>
    public async Task<PostgresSlotStatus> StatusAsync(CancellationToken cancellationToken)
    {
        try
        {
            var facts = await RunAsync(
                connection => new NpgsqlCommand(DatabaseFacts.Query, connection),
                reader => DatabaseFacts.ReadAsync(reader, CancellationToken.None),
                cancellationToken);
            return new PostgresSlotStatus(
                Identity.Slot,
                _verifier.FindProblem(facts),
                facts?.Identity.EpochHeard,
                facts?.Floor,
                facts?.VersionFloor,
                facts?.RowsEstimate);
        }
        catch (AcceptorUnavailableException failure)
        {
            return new PostgresSlotStatus(
                Identity.Slot, failure.Message, Epoch: null, Floor: null, VersionFloor: null, RowsEstimate: null);
        }
    }

    /// <summary>Closes the connections, unless others of this process share them.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0)
        {
            _connections.Release(_servers);
        }
    }

    /// <inheritdoc cref="Dispose"/>
    public ValueTask DisposeAsync()
    {
        Dispose();
        return ValueTask.CompletedTask;
    }

    private async Task<T> RunAsync<T>(
        Func<NpgsqlConnection, NpgsqlCommand> toCommand,
        Func<NpgsqlDataReader, Task<T>> readAsync,
        CancellationToken cancellationToken,
        bool scans = false)
    {
        var sent = false;
        var lane = CurrentLane();
        var room = scans ? lane.ScanRoom : lane.Room;
        try
        {
            var connection = await ConnectAsync(lane, room, waitsLong: scans, cancellationToken);
            sent = true;
            var answer = ExecuteAsync(lane, room, connection, toCommand, readAsync);
            try
            {
                return await answer.WaitAsync(_options.StatementTimeout + _options.AnswerGrace, cancellationToken);
            }
            catch (Exception) when (!answer.IsCompleted)
            {
                GiveUp(answer);
                throw;
            }
        }
        catch (OperationCanceledException failure) when (cancellationToken.IsCancellationRequested)
        {
            var effect = sent ? "What was sent may still take effect." : "Nothing was sent.";
            throw new OperationCanceledException(
                $"{_place}: the caller stopped waiting. {effect}", failure, cancellationToken);
        }
        catch (Exception failure) when (Failures.IsStorageTrouble(failure))
        {
            // Where nothing was sent there was no idle connection to be suspicious of.
            if (sent && Failures.SpoilsConnections(failure))
            {
                _connections.Renew(lane.Pool);
            }

            throw Failures.Describe(_place, failure, sent);
        }
    }

    /// <param name="lane">The connections.</param>
    /// <param name="room">How many may be in use.</param>
    /// <param name="waitsLong">For room as long as the caller does, and not only until the connection timeout.</param>
    /// <param name="cancellationToken">Stops.</param>
    private async Task<NpgsqlConnection> ConnectAsync(
        Lane lane, SemaphoreSlim room, bool waitsLong, CancellationToken cancellationToken)
    {
        ObjectDisposedException.ThrowIf(_disposed != 0, this);
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        if (waitsLong)
        {
            await room.WaitAsync(cancellationToken);
            deadline.CancelAfter(_options.ConnectTimeout);
        }
        else
        {
            deadline.CancelAfter(_options.ConnectTimeout); // For the room and the connection together.
            await room.WaitAsync(deadline.Token);
        }

        try
        {
            return await lane.Pool.TakeAsync(deadline.Token);
        }
        catch
        {
            room.Release();
            throw;
        }
    }

    /// <summary>With new connections comes new room: what hangs on the old ones has its own.</summary>
    private Lane CurrentLane()
    {
        var lane = Volatile.Read(ref _lane);
        var pool = _connections.Pool;
        if (lane.Pool == pool)
        {
            return lane;
        }

        var fresh = new Lane(pool, _options.ConnectionsMax);
        var found = Interlocked.CompareExchange(ref _lane, fresh, lane);
        return found == lane ? fresh : found;
    }

    /// <remarks>
    /// Not cancelled, ever: the driver cancels by a second connection, and waits for the server on it while it holds
    /// one of the process's threads. A server that hangs would so take thread after thread. Its own statement timeout
    /// ends what it still works on; whoever waits here stops waiting.
    /// </remarks>
    private static async Task<T> ExecuteAsync<T>(
        Lane lane,
        SemaphoreSlim room,
        NpgsqlConnection connection,
        Func<NpgsqlConnection, NpgsqlCommand> toCommand,
        Func<NpgsqlDataReader, Task<T>> readAsync)
    {
        try
        {
            await using var command = toCommand(connection);
            await using var reader = await command.ExecuteReaderAsync(CancellationToken.None);
            var result = await readAsync(reader);

            // The server sends rows before it commits. Only the end of the answer says that they are durable (rule 3).
            await reader.NextResultAsync(CancellationToken.None);
            return result;
        }
        finally
        {
            await lane.Pool.GiveBackAsync(connection);
            room.Release();
        }
    }

    /// <summary>Leaves an answer that comes late, or never, to itself; its connection goes with it.</summary>
    private static void GiveUp(Task answer) => _ = answer.ContinueWith(
        static late => late.Exception,
        CancellationToken.None,
        TaskContinuationOptions.OnlyOnFaulted,
        TaskScheduler.Default);

    private NpgsqlCommand ScanCommand(NpgsqlConnection connection, ScanRequest request)
    {
        var command = new NpgsqlCommand("SELECT * FROM caspaxos.scan($1, $2, $3, $4, $5, $6, $7)", connection);
        command.Parameters.Add(new NpgsqlParameter { Value = Identity.Incarnation, NpgsqlDbType = NpgsqlDbType.Uuid });
        command.Parameters.Add(new NpgsqlParameter { Value = request.Epoch, NpgsqlDbType = NpgsqlDbType.Bigint });
        command.Parameters.Add(new NpgsqlParameter
        {
            Value = Encoding.UTF8.GetBytes(request.Prefix),
            NpgsqlDbType = NpgsqlDbType.Bytea,
        });
        command.Parameters.Add(new NpgsqlParameter
        {
            Value = request.After is { } after ? after.ToUtf8() : DBNull.Value,
            NpgsqlDbType = NpgsqlDbType.Bytea,
        });
        command.Parameters.Add(new NpgsqlParameter
        {
            Value = request.Through is { } through ? through.ToUtf8() : DBNull.Value,
            NpgsqlDbType = NpgsqlDbType.Bytea,
        });

        // One more than asked for: whether it comes says whether the page is the last one.
        command.Parameters.Add(new NpgsqlParameter { Value = request.Limit + 1, NpgsqlDbType = NpgsqlDbType.Integer });
        command.Parameters.Add(new NpgsqlParameter
        {
            Value = request.WithValues ? ScanRequest.ValueBytesMax : DBNull.Value,
            NpgsqlDbType = NpgsqlDbType.Bigint,
        });
        return command;
    }

    private static async Task<ScanPage> ReadPageAsync(NpgsqlDataReader reader, ScanRequest request)
    {
        var rows = new List<ScannedRow>();
        var bytes = 0L;
        while (await reader.ReadAsync(CancellationToken.None))
        {
            if (rows.Count == request.Limit)
            {
                return new ScanPage(rows, Complete: false);
            }

            var value = reader.GetFieldValue<byte[]>(3);
            bytes += value.Length;
            rows.Add(new ScannedRow(
                RegisterKey.FromUtf8(reader.GetFieldValue<byte[]>(0)),
                new Ballot(reader.GetInt64(1), new ProposerId(reader.GetGuid(2))),
                value,
                new Ballot(reader.GetInt64(4), new ProposerId(reader.GetGuid(5)))));
        }

        // With so many bytes of values the database ends the page, whether or not more follows.
        return new ScanPage(rows, Complete: !request.WithValues || bytes < ScanRequest.ValueBytesMax);
    }

    /// <summary>
    /// Connections, and room for as many of them as this acceptor may have in use; scans have room of their own.
    /// </summary>
#pragma warning disable CA1001 // The semaphore holds nothing to give back: its wait handle is never asked for.
    private sealed class Lane(ConnectionPool pool, int connectionsMax)
#pragma warning restore CA1001
    {
        public ConnectionPool Pool => pool;

        public SemaphoreSlim Room { get; } = new(connectionsMax);

        public SemaphoreSlim ScanRoom { get; } = new(PostgresAcceptorOptions.ScanConnectionsMax);
    }
}
