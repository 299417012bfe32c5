using System.Collections.Immutable;
using Npgsql;

namespace CasPaxos.Postgres;

/// <summary>How to make a cluster.</summary>
public sealed record PostgresInitOptions
{
    /// <summary>How many slots must promise. Default null: the smallest majority.</summary>
    public int? PrepareQuorum { get; init; }

    /// <summary>How many slots must accept. Default null: the smallest majority.</summary>
    public int? AcceptQuorum { get; init; }

    /// <summary>
    /// Finishes an init that was interrupted, with the configuration that it had begun with; the quorums above are then
    /// not used. Default false.
    /// </summary>
    public bool Resume { get; init; }

    /// <summary>
    /// For development only: slots may be databases of one server. Reported as a warning instead of refused. Default
    /// false.
    /// </summary>
    public bool AllowSharedServer { get; init; }

    /// <summary>The longest wait for a connection. Default 5 s; 10 ms to 60 s.</summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>
    /// The longest that one statement may take; the tables are created in one. Default 30 s; 10 ms to 60 s.
    /// </summary>
    public TimeSpan StatementTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>As <see cref="PostgresAcceptorOptions.ConfigureDataSource"/>. Default null. From code only.</summary>
    public Action<int, NpgsqlDataSourceBuilder>? ConfigureDataSource { get; init; }

    /// <summary>The limits of the init's connections.</summary>
    internal PostgresAcceptorOptions Limits => new()
    {
        ConnectTimeout = ConnectTimeout,
        StatementTimeout = StatementTimeout,
        ConnectionsMax = 1,
        ConfigureDataSource = ConfigureDataSource,
    };
}

/// <summary>A cluster that was made.</summary>
/// <param name="Configuration">What was written into every database.</param>
/// <param name="Warnings">What an operator should know, such as slots on one server.</param>
public sealed record PostgresInitResult(Configuration Configuration, ImmutableArray<string> Warnings);
