using CasPaxos.Registers;
using Npgsql;

namespace CasPaxos.Postgres;

/// <summary>A slot that is a PostgreSQL database of its own. Its incarnation is drawn by the init.</summary>
internal sealed class PostgresSlot : ISlotStore
{
    private const string WriteIdentity = """
        INSERT INTO caspaxos.identity
            (format_version, complete, cluster_id, slot, incarnation,
             configuration_epoch, incarnations, prepare_quorum, accept_quorum, epoch,
             system_identifier, timeline, database_oid, identity_oid, register_oid)
        SELECT $1, false, $2, $3, $4, $5, $6, $7, $8, $5,
               (SELECT system_identifier FROM pg_control_system()),
               ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::bigint,
               (SELECT oid FROM pg_database WHERE datname = current_database()),
               'caspaxos.identity'::regclass, 'caspaxos.register'::regclass
        """;

    private readonly SlotDatabase _database;
    private readonly int _slot;
    private readonly PostgresAcceptorOptions _options;
    private readonly string _place;

    /// <exception cref="ArgumentException">The connection string or the data source is wrong.</exception>
    public PostgresSlot(SlotDatabase database, int slot, PostgresAcceptorOptions options)
    {
        _database = database;
        _slot = slot;
        _options = options;
        _place = Connections.Place(database.Parse(slot), slot);
    }

    /// <inheritdoc/>
    public Guid? Incarnation => null;

    /// <inheritdoc/>
    public async Task<SlotFacts> ProbeAsync(CancellationToken cancellationToken)
    {
        var facts = new SlotFacts(_slot, _place) { HowToClear = "drop the schema caspaxos in a PostgreSQL database" };
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(_options.ConnectTimeout + _options.StatementTimeout + _options.AnswerGrace);
        try
        {
            using var pool = ConnectionPool.Open(_database, _slot, _options, verify: null);
            await using var connection = await pool.TakeAsync(deadline.Token);
            var server = await ServerFacts.ReadAsync(connection, deadline.Token);

            // A replica cannot even say on which timeline it is, so a server that is unfit is not asked further.
            var database = server.Problem is null ? await DatabaseFacts.ReadAsync(connection, deadline.Token) : null;
            return facts with
            {
                Problem = server.Problem is null ? null : $"{_place}: {server.Problem}",
                Server = server.Name,
                Store = $"{server.Name}, database {server.DatabaseOid}",
                Identity = database?.Identity,
            };
        }
        catch (Exception failure) when (IsTrouble(failure, cancellationToken))
        {
            return facts with { Problem = Failures.Describe(_place, failure, sent: false).Message };
        }
    }

    /// <inheritdoc/>
    public Task CreateAsync(Configuration configuration, CancellationToken cancellationToken) =>
        RunAsync(connection => CreateAsync(connection, configuration, cancellationToken), cancellationToken);

    /// <inheritdoc/>
    public Task CompleteAsync(Configuration configuration, CancellationToken cancellationToken) =>
        RunAsync(
            connection => CompleteAsync(connection, configuration.Incarnations[_slot], cancellationToken),
            cancellationToken);

    /// <inheritdoc/>
    public OpenedSlot Open(Configuration configuration, SlotServers servers)
    {
        var identity = new SlotIdentity(configuration.ClusterId, _slot, configuration.Incarnations[_slot]);
        var acceptor = new PostgresAcceptor(_database, identity, _options, servers);
        return new OpenedSlot(acceptor, identity.Incarnation, CanList: true, async cancellationToken =>
        {
            var status = await acceptor.StatusAsync(cancellationToken);
            return new SlotStatus(
                status.Problem, status.Epoch, status.Floor, status.VersionFloor, status.RowsEstimate);
        });
    }

    private async Task CreateAsync(
        NpgsqlConnection connection, Configuration configuration, CancellationToken cancellationToken)
    {
        // One transaction: tables without an identity, or the reverse, never exist.
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        if (!await AreTablesThereAsync(connection, cancellationToken))
        {
            await using var scripts = new NpgsqlCommand(SqlScripts.Everything(), connection);
            await scripts.ExecuteNonQueryAsync(cancellationToken);
        }

        await using var identity = new NpgsqlCommand(WriteIdentity, connection);
        identity.Parameters.Add(new NpgsqlParameter<int> { TypedValue = SqlScripts.FormatVersion });
        identity.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = configuration.ClusterId });
        identity.Parameters.Add(new NpgsqlParameter<int> { TypedValue = _slot });
        identity.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = configuration.Incarnations[_slot] });
        identity.Parameters.Add(new NpgsqlParameter<long> { TypedValue = configuration.Epoch });
        identity.Parameters.Add(new NpgsqlParameter<Guid[]> { TypedValue = [.. configuration.Incarnations] });
        identity.Parameters.Add(new NpgsqlParameter<int> { TypedValue = configuration.PrepareQuorum });
        identity.Parameters.Add(new NpgsqlParameter<int> { TypedValue = configuration.AcceptQuorum });
        await identity.ExecuteNonQueryAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
    }

    /// <summary>True if an administrator has applied the scripts by hand; then the tables must be empty.</summary>
    private static async Task<bool> AreTablesThereAsync(
        NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        await using var look = new NpgsqlCommand(
            "SELECT to_regclass('caspaxos.register') IS NOT NULL AND to_regclass('caspaxos.identity') IS NOT NULL",
            connection);
        if (!(bool)(await look.ExecuteScalarAsync(cancellationToken))!)
        {
            return false;
        }

        await using var count = new NpgsqlCommand(
            "SELECT EXISTS (SELECT FROM caspaxos.register) OR EXISTS (SELECT FROM caspaxos.identity)", connection);
        return (bool)(await count.ExecuteScalarAsync(cancellationToken))!
            ? throw new ClusterException(
                $"{connection.DataSource}/{connection.Database} has tables of an acceptor, and they are not empty.")
            : true;
    }

    private async Task CompleteAsync(
        NpgsqlConnection connection, Guid incarnation, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(
            "UPDATE caspaxos.identity SET complete = true WHERE incarnation = $1", connection);
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = incarnation });
        if (await command.ExecuteNonQueryAsync(cancellationToken) != 1)
        {
            throw new ClusterException($"{_place}: its identity {incarnation}, just written, is gone again.");
        }
    }

    private async Task RunAsync(Func<NpgsqlConnection, Task> step, CancellationToken cancellationToken)
    {
        try
        {
            using var pool = ConnectionPool.Open(_database, _slot, _options, verify: null);
            await using var connection = await pool.TakeAsync(cancellationToken);
            await step(connection);
        }
        catch (Exception failure) when (IsTrouble(failure, cancellationToken))
        {
            throw Failures.Describe(_place, failure, sent: true);
        }
    }

    private static bool IsTrouble(Exception failure, CancellationToken cancellationToken) =>
        Failures.IsStorageTrouble(failure) && !cancellationToken.IsCancellationRequested;
}
