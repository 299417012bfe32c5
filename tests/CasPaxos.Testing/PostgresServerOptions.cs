namespace CasPaxos.Testing;

/// <summary>How to start a server.</summary>
public sealed record PostgresServerOptions
{
    /// <summary>More settings, as in postgresql.conf; they win over the harness's own.</summary>
    public IReadOnlyDictionary<string, string> Settings { get; init; } = new Dictionary<string, string>();

    /// <summary>
    /// Bytes of a file system of its own for the data, so that it can be filled; needs the right to mount one. Null
    /// for a plain temporary folder. An empty server needs about 40 MB.
    /// </summary>
    public long? SizeLimit { get; init; }

    /// <summary>
    /// Puts the data into memory (/dev/shm, where there is one): flushes are made and cost nothing. For tests of rules
    /// and failures of processes; never for measurements. Default false.
    /// </summary>
    public bool InMemory { get; init; }

    /// <summary>Another server, which is stopped, to start a copy of; null for a new, empty server.</summary>
    public PostgresServer? CopyOf { get; init; }

    /// <summary>Starts the copy as a replica, until it is promoted. Default false.</summary>
    public bool AsReplica { get; init; }
}
