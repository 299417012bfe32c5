using CasPaxos.Postgres;
using CasPaxos.Registers;
using Npgsql;

namespace CasPaxos.Orleans;

/// <summary>Where an acceptor may be when no silo of its slot is alive.</summary>
public enum AcceptorPlacementPolicy
{
    /// <summary>On any other silo, until one of the slot's returns. The default: availability first.</summary>
    Preferred,

    /// <summary>Nowhere: the slot is down until one of its silos returns.</summary>
    Strict,
}

/// <summary>The register service of a silo; section <c>CasPaxos</c>.</summary>
public sealed class CasPaxosOptions
{
    /// <summary>The most shards of a slot.</summary>
    public const int ShardsMax = 64;

    /// <summary>
    /// The slots of the configuration, in their order; 1 to 9, the same on every silo. Every silo needs a way to every
    /// slot's database, since <see cref="AcceptorPlacementPolicy.Preferred"/> may place any acceptor anywhere.
    /// </summary>
    public IList<CasPaxosSlotOptions> Slots { get; } = [];

    /// <summary>The slot whose acceptors belong on this silo: its failure domain. Null for none.</summary>
    public int? Slot { get; set; }

    /// <summary>
    /// Where acceptors of a slot without a silo go. Default <see cref="AcceptorPlacementPolicy.Preferred"/>. The same
    /// on every silo.
    /// </summary>
    public AcceptorPlacementPolicy Placement { get; set; } = AcceptorPlacementPolicy.Preferred;

    /// <summary>
    /// Acceptor grains of each slot; each serves a fixed slice of the keys. One has the largest batches, several use
    /// more processors and more silos of a slot. Default 1; 1 to 64; the same on every silo.
    /// </summary>
    public int Shards { get; set; } = 1;

    /// <summary>
    /// Longest time that an operation may take before it is answered as unavailable or unknown. Default 5 s; above 0,
    /// at most 10 min.
    /// </summary>
    public TimeSpan Timeout { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>
    /// Longest wait for an acceptor grain's answer; after it the slot is left alone for a moment. Costs nobody anything
    /// while a quorum answers. Default 1 s; above 0, at most 1 min.
    /// </summary>
    public TimeSpan AcceptorTimeout { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>
    /// How long a starting silo waits for a quorum of the databases before it gives up. Default 30 s; 0 or more.
    /// </summary>
    public TimeSpan StartTimeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>The largest value, in bytes. Default 1 MiB; 1 to 64 MiB; the same on every silo.</summary>
    public int ValueBytesMax { get; set; } = ChangeCatalog.PayloadBytesDefault;

    /// <summary>
    /// Most registers whose proposer a silo remembers; the others cost a round trip more. Default 100,000; 1 or more.
    /// </summary>
    public int ProposersMax { get; set; } = 100_000;

    /// <summary>
    /// Most bytes of values that these proposers hold, about; beyond it those are forgotten that nobody uses. Default
    /// 256 MiB; 1 MiB or more.
    /// </summary>
    public long ProposerBytesMax { get; set; } = 256L * 1024 * 1024;

    /// <summary>
    /// The age at which deleted registers are erased; see <see cref="RegisterClient.TombstoneAgeDefault"/>. Default 1
    /// h; above 0.
    /// </summary>
    public TimeSpan TombstoneAge { get; set; } = RegisterClient.TombstoneAgeDefault;

    /// <summary>From the end of one sweep for deleted registers to the next; 0 for none. Default 10 min.</summary>
    public TimeSpan EraseInterval { get; set; } = TimeSpan.FromMinutes(10);

    /// <summary>
    /// True lets clients of the service, and HTTP, read and change the registers in which Orleans' own state is kept:
    /// see <see cref="ReservedKeys"/>. Whoever may, can stop the cluster. Default false; the same on every silo.
    /// </summary>
    public bool ClientsMayUseReservedKeys { get; set; }

    /// <summary>
    /// For development only: slots on one server, which is no redundancy at all, are a warning. Default false.
    /// </summary>
    public bool AllowSharedServer { get; set; }

    /// <summary>
    /// Finishes the data source of each slot that has a connection string, such as with a password provider for tokens
    /// that rotate; see <see cref="PostgresAcceptorOptions.ConfigureDataSource"/>. Given the slot's number. Providers
    /// of the silo that have the same databases and the same method share their connections. Default null. From code
    /// only.
    /// </summary>
    public Action<int, NpgsqlDataSourceBuilder>? ConfigureDataSource { get; set; }

    /// <summary>
    /// Changes of the application's own by name; the same on every silo. From code only.
    /// </summary>
    public IDictionary<string, ChangeFunction> Changes { get; } =
        new Dictionary<string, ChangeFunction>(StringComparer.Ordinal);
}

/// <summary>
/// Where one slot keeps its rows: exactly one of <see cref="ConnectionString"/>, <see cref="ConnectionName"/>,
/// <see cref="ServiceKey"/> and <see cref="GrainStorage"/>. Other slots may have another.
/// </summary>
public sealed class CasPaxosSlotOptions
{
    /// <summary>A PostgreSQL database that was initialised for this slot.</summary>
    [Redact]
    public string? ConnectionString { get; set; }

    /// <summary>
    /// The name of such a connection string: found as <c>ConnectionStrings:name</c> in the silo's configuration.
    /// </summary>
    public string? ConnectionName { get; set; }

    /// <summary>
    /// The key of an <see cref="NpgsqlDataSource"/> of such a database among the silo's services. It is of one host and
    /// without multiplexing; the services dispose of it.
    /// </summary>
    public string? ServiceKey { get; set; }

    /// <summary>The name of an Orleans grain storage that was added to the silo.</summary>
    public string? GrainStorage { get; set; }

    /// <summary>
    /// The incarnation of a slot that is kept in grain storage: a random id, chosen once and never again. A PostgreSQL
    /// slot has it in its database.
    /// </summary>
    public Guid? Incarnation { get; set; }

    internal bool IsInGrainStorage => !string.IsNullOrWhiteSpace(GrainStorage);

    /// <summary>The databases that are named for a slot of this number: one, if the options are right.</summary>
    internal IReadOnlyList<DatabaseReference> Databases(int slot)
    {
        (DatabaseReferenceKind Kind, string? Text)[] ways =
        [
            (DatabaseReferenceKind.ConnectionString, ConnectionString),
            (DatabaseReferenceKind.ConnectionName, ConnectionName),
            (DatabaseReferenceKind.ServiceKey, ServiceKey),
        ];
        return
        [
            .. from way in ways
               where !string.IsNullOrWhiteSpace(way.Text)
               let setting = $"{nameof(CasPaxosOptions.Slots)}:{slot}:{way.Kind}"
               select new DatabaseReference(slot, setting, way.Kind, way.Text),
        ];
    }
}
