using System.Collections.Immutable;

namespace CasPaxos.Postgres;

/// <summary>The acceptors of one cluster, each a PostgreSQL database of its own.</summary>
public sealed class PostgresCluster : IAsyncDisposable
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
    public static Task<PostgresInitResult> InitializeAsync(
        IReadOnlyList<string> connectionStrings,
        PostgresInitOptions? options = null,
        CancellationToken cancellationToken = default) =>
        ClusterInit.RunAsync(connectionStrings, options ?? new PostgresInitOptions(), cancellationToken);

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
    public static async Task<PostgresCluster> OpenAsync(
        IReadOnlyList<string> connectionStrings,
        PostgresAcceptorOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        options ??= new PostgresAcceptorOptions();
        options.Validate();
        var probes = await SlotProbe.RunAsync(connectionStrings, options, cancellationToken);
        var configuration = Agree(probes);
        var warnings = FindWarnings(probes, configuration, options);

        var servers = new ServerRegistry();
        foreach (var probe in probes)
        {
            if (probe.Server is { } server && IsMember(probe, configuration))
            {
                servers.Claim(probe.Slot, server.SystemIdentifier);
            }
        }

        return new PostgresCluster(
            configuration,
            [.. probes.Select(probe => new PostgresAcceptor(
                connectionStrings[probe.Slot],
                new SlotIdentity(configuration.ClusterId, probe.Slot, configuration.Incarnations[probe.Slot]),
                options,
                servers))],
            warnings);
    }

    /// <summary>Asks every slot about itself, for tools.</summary>
    /// <returns>One status a slot, in their order.</returns>
    public async Task<IReadOnlyList<PostgresSlotStatus>> StatusAsync(CancellationToken cancellationToken = default) =>
        await Task.WhenAll(Acceptors.Select(acceptor => acceptor.StatusAsync(cancellationToken)));

    /// <summary>Closes the connections of all acceptors.</summary>
    public async ValueTask DisposeAsync()
    {
        foreach (var acceptor in Acceptors)
        {
            await acceptor.DisposeAsync();
        }
    }

    /// <summary>
    /// The newest configuration, if enough databases hold it that no newer one can have been agreed on.
    /// </summary>
    private static Configuration Agree(ImmutableArray<SlotProbe> probes)
    {
        var known = probes.Where(probe => probe.Database is { Complete: true }).ToList();
        if (known.Count == 0)
        {
            throw new PostgresClusterException(
                $"No database says which cluster it belongs to. {Reasons(probes)} A new cluster is made by the init.");
        }

        var newest = known.MaxBy(probe => probe.Database!.ConfigurationEpoch)!.Database!;
        var configuration = newest.ToConfiguration();
        if (configuration.Slots != probes.Length)
        {
            throw new PostgresClusterException(
                $"Cluster {configuration.ClusterId} has {configuration.Slots} slots, but {probes.Length} connection " +
                "strings were given: one for each slot is needed, in their order.");
        }

        foreach (var probe in known)
        {
            var identity = probe.Database!.Identity;
            if (identity.ClusterId == configuration.ClusterId && identity.Slot != probe.Slot)
            {
                throw new PostgresClusterException(
                    $"Connection string {probe.Slot} leads to the database of slot {identity.Slot}: put them in the " +
                    "order of the slots.");
            }
        }

        var agreeing = known.Count(probe => probe.Database!.ConfigurationEpoch == configuration.Epoch
            && IsMember(probe, configuration));
        if (agreeing < configuration.PrepareQuorum)
        {
            throw new PostgresClusterException(
                $"Only {agreeing} of {configuration.Slots} databases agree on the configuration of cluster " +
                $"{configuration.ClusterId}; {configuration.PrepareQuorum} are needed. {Reasons(probes)}");
        }

        var heard = known.Where(probe => IsMember(probe, configuration)).Max(probe => probe.Database!.Epoch);
        return heard <= configuration.Epoch
            ? configuration
            : throw new PostgresClusterException(
                $"A database of cluster {configuration.ClusterId} has heard of configuration epoch {heard}, but none " +
                $"that can be reached holds a newer one than {configuration.Epoch}.");
    }

    private static bool IsMember(SlotProbe probe, Configuration configuration) =>
        probe.Database is { Complete: true, Displaced: "" } database
        && database.Identity == new SlotIdentity(
            configuration.ClusterId, probe.Slot, configuration.Incarnations[probe.Slot]);

    private static ImmutableArray<string> FindWarnings(
        ImmutableArray<SlotProbe> probes, Configuration configuration, PostgresAcceptorOptions options)
    {
        var warnings = ImmutableArray.CreateBuilder<string>();
        foreach (var probe in probes)
        {
            var expected = new SlotIdentity(
                configuration.ClusterId, probe.Slot, configuration.Incarnations[probe.Slot]);
            var verifier = new SlotVerifier(probe.Place, expected, options, new ServerRegistry());
            if ((probe.Problem ?? verifier.FindProblem(probe.Database)) is { } problem)
            {
                warnings.Add($"{probe.Place} does not serve: {problem}");
            }
        }

        warnings.AddRange(SlotProbe.FindSharedServers(
            probes.Where(probe => IsMember(probe, configuration)), options.AllowSharedServer));
        return warnings.ToImmutable();
    }

    private static string Reasons(IEnumerable<SlotProbe> probes) =>
        string.Join(' ', probes.Select(probe => probe switch
        {
            { Problem: { } problem } => $"{probe.Place}: {problem}",
            { Database: null } => $"{probe.Place} holds no acceptor.",
            { Database.Complete: false } => $"{probe.Place} is not completely initialised.",
            _ => $"{probe.Place} is {probe.Database.Identity}.",
        }));
}
