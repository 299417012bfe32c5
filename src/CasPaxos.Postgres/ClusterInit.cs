using System.Collections.Immutable;
using Npgsql;

namespace CasPaxos.Postgres;

/// <summary>The explicit init of a cluster (rule 18). See <see cref="PostgresCluster.InitializeAsync"/>.</summary>
internal static class ClusterInit
{
    private const long FirstEpoch = 1;

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

    public static async Task<PostgresInitResult> RunAsync(
        IReadOnlyList<string> connectionStrings, PostgresInitOptions options, CancellationToken cancellationToken)
    {
        var limits = new PostgresAcceptorOptions
        {
            ConnectTimeout = options.ConnectTimeout,
            StatementTimeout = options.StatementTimeout,
            ConnectionsMax = 1,
        };
        limits.Validate();
        ArgumentNullException.ThrowIfNull(connectionStrings);
        var planned = Plan(connectionStrings.Count, options); // Before anything is touched: it checks the quorums.
        var probes = await SlotProbe.RunAsync(connectionStrings, limits, cancellationToken);
        if (probes.FirstOrDefault(probe => probe.Problem is not null) is { } unfit)
        {
            throw new PostgresClusterException($"{unfit.Place} cannot become an acceptor: {unfit.Problem}");
        }

        var warnings = SlotProbe.FindSharedServers(probes, options.AllowSharedServer);
        var configuration = Resume(probes, options) ?? planned;
        foreach (var probe in probes.Where(probe => probe.Database is null))
        {
            await RunAsync(
                connectionStrings, probe, limits, (link, token) => CreateAsync(link, probe.Slot, configuration, token),
                cancellationToken);
        }

        foreach (var probe in probes)
        {
            var incarnation = configuration.Incarnations[probe.Slot];
            await RunAsync(
                connectionStrings, probe, limits, (link, token) => CompleteAsync(link, incarnation, token),
                cancellationToken);
        }

        return new PostgresInitResult(configuration, [.. warnings]);
    }

    private static Configuration Plan(int slots, PostgresInitOptions options)
    {
        var incarnations = Enumerable.Range(0, slots).Select(_ => Guid.NewGuid()).ToImmutableArray();
        var majority = (slots / 2) + 1;
        return new Configuration(
            Guid.NewGuid(),
            FirstEpoch,
            incarnations,
            options.PrepareQuorum ?? majority,
            options.AcceptQuorum ?? majority);
    }

    /// <summary>The configuration of an init that was interrupted; null when there was none.</summary>
    private static Configuration? Resume(ImmutableArray<SlotProbe> probes, PostgresInitOptions options)
    {
        var found = probes.Where(probe => probe.Database is not null).ToList();
        if (found.Count == 0)
        {
            return null;
        }

        var places = string.Join(", ", found.Select(probe => probe.Place));
        if (found.Find(probe => probe.Database!.Complete) is { } complete
            && (found.Count < probes.Length || found.TrueForAll(probe => probe.Database!.Complete)))
        {
            // Complete means that all slots had their identities. One that has none now was wiped: never fill it again.
            throw new PostgresClusterException(
                $"An acceptor is there already: {places}, of cluster {complete.Database!.Identity.ClusterId}. " +
                "An init is for new, empty databases.");
        }

        if (!options.Resume)
        {
            throw new PostgresClusterException(
                $"An init was begun and not finished: {places}. Run it again and let it resume.");
        }

        var configuration = found[0].Database!.ToConfiguration();
        if (configuration.Slots != probes.Length || found.Exists(probe => probe.Database!.Displaced != ""
            || probe.Database.Identity
                != new SlotIdentity(configuration.ClusterId, probe.Slot, configuration.Incarnations[probe.Slot])))
        {
            throw new PostgresClusterException(
                $"These are not the databases of one init in the order of their slots: {places}. Drop the schema " +
                "caspaxos in those that are not completely initialised, and begin anew.");
        }

        return configuration;
    }

    private static async Task CreateAsync(
        NpgsqlConnection connection, int slot, Configuration configuration, CancellationToken cancellationToken)
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
        identity.Parameters.Add(new NpgsqlParameter<int> { TypedValue = slot });
        identity.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = configuration.Incarnations[slot] });
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
            ? throw new PostgresClusterException(
                $"{connection.DataSource}/{connection.Database} has tables of an acceptor, and they are not empty.")
            : true;
    }

    private static async Task CompleteAsync(
        NpgsqlConnection connection, Guid incarnation, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(
            "UPDATE caspaxos.identity SET complete = true WHERE incarnation = $1", connection);
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = incarnation });
        if (await command.ExecuteNonQueryAsync(cancellationToken) != 1)
        {
            throw new PostgresClusterException($"The identity {incarnation}, just written, is gone again.");
        }
    }

    private static async Task RunAsync(
        IReadOnlyList<string> connectionStrings,
        SlotProbe probe,
        PostgresAcceptorOptions limits,
        Func<NpgsqlConnection, CancellationToken, Task> step,
        CancellationToken cancellationToken)
    {
        try
        {
            await using var dataSource = Connections.Open(
                Connections.Parse(connectionStrings[probe.Slot], probe.Slot), limits, verify: null);
            await using var connection = await dataSource.OpenConnectionAsync(cancellationToken);
            await step(connection, cancellationToken);
        }
        catch (Exception failure) when (Failures.IsStorageTrouble(failure)
            && !cancellationToken.IsCancellationRequested)
        {
            throw new PostgresClusterException(
                $"{Failures.Describe(probe.Place, failure, sent: true).Message} The init was not finished: run it " +
                "again and let it resume.",
                failure);
        }
    }
}
