using System.Collections.Immutable;
using CasPaxos.Registers;
using Npgsql;

namespace CasPaxos.Postgres;

/// <summary>The acceptors of one cluster, each a PostgreSQL database of its own.</summary>
public sealed class PostgresCluster : IDisposable, IAsyncDisposable
{
    private PostgresCluster(
        Configuration configuration, ImmutableArray<PostgresAcceptor> acceptors, ImmutableArray<string> warnings)
    {
        Configuration = configuration;
        Acceptors = acceptors;
        Warnings = warnings;
    }

    /// <summary>
    /// The configuration that a prepare quorum of the databases agreed on when the cluster was opened.
    /// </summary>
    public Configuration Configuration { get; }

    /// <summary>The acceptors by slot, those that could not be reached included.</summary>
    public ImmutableArray<PostgresAcceptor> Acceptors { get; }

    /// <summary>What an operator should know: slots that did not serve at the start, slots on one server.</summary>
    public ImmutableArray<string> Warnings { get; }

    /// <summary>
    /// Makes a cluster of new, empty databases. An explicit act, once: it refuses a database that has an acceptor.
    /// </summary>
    /// <param name="connectionStrings">
    /// One for each slot, in the order of slots; each with the rights to create a schema and, unless it is there
    /// already, the role <c>caspaxos_acceptor</c>.
    /// </param>
    /// <param name="options">Quorums and the like; null for the defaults.</param>
    /// <param name="cancellationToken">Stops; what was begun is finished by an init that resumes.</param>
    /// <returns>The configuration, and warnings.</returns>
    /// <exception cref="ArgumentException">
    /// A connection string, the number of slots or a quorum is wrong; nothing was changed.
    /// </exception>
    /// <exception cref="PostgresClusterException">
    /// A server cannot be reached, is set so that a crash would lose promises, has an acceptor already, or is the
    /// server of another slot.
    /// </exception>
    /// <remarks>
    /// Two passes: first every database gets its tables and its identity, marked incomplete, then every mark is lifted.
    /// No acceptor serves before its mark is lifted, so one that is missing while marks are still on has never promised
    /// anything. If the init is interrupted, another one refuses and names the slots; with
    /// <see cref="PostgresInitOptions.Resume"/> it finishes. Or drop the schema <c>caspaxos</c> where it is incomplete.
    /// </remarks>
    public static async Task<PostgresInitResult> InitializeAsync(
        IReadOnlyList<string> connectionStrings,
        PostgresInitOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        options ??= new PostgresInitOptions();
        var init = new ClusterInit(
            options.PrepareQuorum, options.AcceptQuorum, options.Resume, options.AllowSharedServer);
        try
        {
            var (configuration, warnings) = await ClusterSlots.InitializeAsync(
                Find(Databases(connectionStrings), options.Limits), init, cancellationToken);
            return new PostgresInitResult(configuration, warnings);
        }
        catch (ClusterException refused)
        {
            throw new PostgresClusterException(refused.Message, refused.InnerException);
        }
    }

    /// <summary>Finds the configuration and prepares to ask every acceptor.</summary>
    /// <param name="connectionStrings">One for each slot, in the order of slots.</param>
    /// <param name="options">Limits of each connection; null for the defaults.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    /// <returns>
    /// The cluster. Slots that did not answer or refuse are in its warnings; they are verified whenever they come back.
    /// </returns>
    /// <exception cref="ArgumentException">A connection string or an option is wrong.</exception>
    /// <exception cref="PostgresClusterException">
    /// Fewer than a prepare quorum of the databases agree on the newest configuration, a connection string leads to
    /// another slot than its place says, or two lead to one server.
    /// </exception>
    public static Task<PostgresCluster> OpenAsync(
        IReadOnlyList<string> connectionStrings,
        PostgresAcceptorOptions? options = null,
        CancellationToken cancellationToken = default) =>
        OpenAsync(Databases(connectionStrings), options ?? new PostgresAcceptorOptions(), cancellationToken);

    /// <summary>The same over data sources that the application has made.</summary>
    /// <param name="dataSources">
    /// One for each slot, in the order of slots; each of one host, without multiplexing. The caller disposes of them,
    /// after the cluster.
    /// </param>
    /// <param name="options">Limits of each connection; null for the defaults.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    /// <exception cref="ArgumentException">A data source or an option cannot be used.</exception>
    /// <exception cref="PostgresClusterException">As with connection strings.</exception>
    /// <remarks>
    /// Connections are taken from a data source when they are first needed and kept: their sessions are set up and
    /// verified once.
    /// </remarks>
    public static Task<PostgresCluster> OpenAsync(
        IReadOnlyList<NpgsqlDataSource> dataSources,
        PostgresAcceptorOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(dataSources);
        return OpenAsync(
            [.. dataSources.Select(source => new SlotDatabase(ConnectionString: null, source))],
            options ?? new PostgresAcceptorOptions(),
            cancellationToken);
    }

    internal static async Task<PostgresCluster> OpenAsync(
        IReadOnlyList<SlotDatabase> databases, PostgresAcceptorOptions options, CancellationToken cancellationToken)
    {
        try
        {
            var cluster = await ClusterSlots.OpenAsync(
                Find(databases, options), options.AllowSharedServer, cancellationToken);
            return new PostgresCluster(
                cluster.Configuration,
                [.. cluster.Slots.Select(slot => (PostgresAcceptor)slot.Acceptor)],
                cluster.Warnings);
        }
        catch (ClusterException refused)
        {
            throw new PostgresClusterException(refused.Message, refused.InnerException);
        }
    }

    /// <summary>Asks every slot about itself, for tools.</summary>
    /// <returns>One status a slot, in their order.</returns>
    public async Task<IReadOnlyList<PostgresSlotStatus>> StatusAsync(CancellationToken cancellationToken = default) =>
        await Task.WhenAll(Acceptors.Select(acceptor => acceptor.StatusAsync(cancellationToken)));

    /// <summary>Closes the connections of all acceptors, unless others of this process share them.</summary>
    public void Dispose()
    {
        foreach (var acceptor in Acceptors)
        {
            acceptor.Dispose();
        }
    }

    /// <inheritdoc cref="Dispose"/>
    public ValueTask DisposeAsync()
    {
        Dispose();
        return ValueTask.CompletedTask;
    }

    private static List<SlotDatabase> Databases(IReadOnlyList<string> connectionStrings)
    {
        ArgumentNullException.ThrowIfNull(connectionStrings);
        return [.. connectionStrings.Select(connectionString => new SlotDatabase(connectionString))];
    }

    /// <exception cref="ArgumentException">A connection string, their number or an option is wrong.</exception>
    private static List<PostgresSlot> Find(IReadOnlyList<SlotDatabase> databases, PostgresAcceptorOptions options)
    {
        options.Validate();
        return databases.Count is 0 or > Configuration.SlotsMax
            ? throw new ArgumentException(
                $"A cluster has 1 to {Configuration.SlotsMax} slots, not {databases.Count}.",
                nameof(databases))
            : [.. databases.Select((database, slot) => new PostgresSlot(database, slot, options))];
    }
}
