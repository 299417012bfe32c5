using CasPaxos.Postgres;
using Microsoft.Extensions.Options;
using Npgsql;

namespace CasPaxos.Orleans;

/// <summary>
/// The databases of a cluster of registers, asked directly: no silo is needed to reach them, so what a silo needs
/// before it is one can be kept in them. They are named in one of three ways: by <see cref="ConnectionStrings"/>,
/// <see cref="ConnectionNames"/> or <see cref="ServiceKeys"/>.
/// </summary>
public abstract class PassiveDatabasesOptions
{
    private protected PassiveDatabasesOptions()
    {
    }

    /// <summary>
    /// A PostgreSQL connection string for each slot, in the order of the slots; 1 to 9. The databases must have been
    /// initialised; they may be those of the register service.
    /// </summary>
    [Redact]
    public IList<string> ConnectionStrings { get; } = [];

    /// <summary>
    /// Instead of <see cref="ConnectionStrings"/>: for each slot the name of a connection string, which is found as
    /// <c>ConnectionStrings:name</c> in the configuration of the silo or client.
    /// </summary>
    public IList<string> ConnectionNames { get; } = [];

    /// <summary>
    /// Instead of <see cref="ConnectionStrings"/>: for each slot the key of an <see cref="NpgsqlDataSource"/> among the
    /// services of the silo or client. It is of one host and without multiplexing; the services dispose of it.
    /// </summary>
    public IList<string> ServiceKeys { get; } = [];

    /// <summary>
    /// Finishes the data source of each slot, such as with a password provider for tokens that rotate; see
    /// <see cref="PostgresAcceptorOptions.ConfigureDataSource"/>. Given the slot's number. All providers of a process
    /// that have the same databases and the same method here share their connections. Not called for
    /// <see cref="ServiceKeys"/>. Default null. From code only.
    /// </summary>
    public Action<int, NpgsqlDataSourceBuilder>? ConfigureDataSource { get; set; }

    /// <summary>
    /// Longest time of an operation, its retries included, before it fails. Default 5 s; 0.1 s to 10 min.
    /// </summary>
    public TimeSpan Timeout { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>
    /// How long a start waits for a quorum of the databases before it fails; 0 for one try. Default 30 s; 0 to 1 h.
    /// </summary>
    public TimeSpan StartTimeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// The most connections to each database that are in use at a time. Default 2, of grain storage 4; 1 to 100. Every
    /// silo and client has its own, so a cluster of 100 silos may have 200 at each database; what is idle is shared by
    /// all providers of a process.
    /// </summary>
    public int ConnectionsMax { get; set; } = 2;

    /// <summary>
    /// For development only: slots on one server, which is no redundancy at all, are a warning. Default false.
    /// </summary>
    public bool AllowSharedServer { get; set; }

    /// <summary>True if the options name databases, in whatever way.</summary>
    internal bool HasDatabases => ConnectionStrings.Count + ConnectionNames.Count + ServiceKeys.Count > 0;

    /// <summary>The databases, by slot.</summary>
    /// <exception cref="ArgumentException">A name or a key leads to nothing.</exception>
    internal IReadOnlyList<SlotDatabase> FindDatabases(IServiceProvider services) =>
        [.. References().Select(reference => reference.Resolve(services))];

    /// <summary>Names every setting that is wrong.</summary>
    /// <param name="errors">Where to.</param>
    /// <param name="services">Where names and keys lead.</param>
    /// <param name="needed">False if there may be no databases at all.</param>
    internal void Check(ValidateOptionsResultBuilder errors, IServiceProvider services, bool needed = true)
    {
        var references = References().ToList();
        foreach (var reference in references)
        {
            if (reference.FindProblem(services) is { } problem)
            {
                errors.AddError(problem, reference.Setting);
            }
        }

        var ways = references.GroupBy(reference => reference.Kind).ToList();
        if (ways.Count > 1)
        {
            errors.AddError(
                $"{string.Join(" and ", ways.Select(way => $"{way.Key}s"))} are set, and only one of them may be: it " +
                "names the databases of all slots.");
        }

        var most = ways.MaxBy(way => way.Count());
        if (most?.Count() > Configuration.SlotsMax || (most is null && needed))
        {
            errors.AddError(
                $"there are {most?.Count() ?? 0}; a cluster has 1 to {Configuration.SlotsMax} databases. Name one " +
                $"for each slot in {nameof(ConnectionStrings)}, {nameof(ConnectionNames)} or {nameof(ServiceKeys)}.",
                $"{most?.Key ?? DatabaseReferenceKind.ConnectionString}s");
        }

        errors.Within(Timeout, TimeSpan.FromSeconds(0.1), TimeSpan.FromMinutes(10), nameof(Timeout));
        errors.Within(StartTimeout, TimeSpan.Zero, TimeSpan.FromHours(1), nameof(StartTimeout));
        errors.Within(ConnectionsMax, 1, 100, nameof(ConnectionsMax));
    }

    private IEnumerable<DatabaseReference> References() =>
    [
        .. References(DatabaseReferenceKind.ConnectionString, ConnectionStrings),
        .. References(DatabaseReferenceKind.ConnectionName, ConnectionNames),
        .. References(DatabaseReferenceKind.ServiceKey, ServiceKeys),
    ];

    private static IEnumerable<DatabaseReference> References(DatabaseReferenceKind kind, IEnumerable<string> texts) =>
        texts.Select((text, slot) => new DatabaseReference(slot, $"{kind}s:{slot}", kind, text));
}
