using CasPaxos.Testing;

namespace CasPaxos.Client.Tests;

/// <summary>
/// Three PostgreSQL servers with a cluster, for all tests of the collection; they run one after the other.
/// </summary>
public sealed class PostgresFixture : IAsyncLifetime
{
    /// <summary>The name of the collection.</summary>
    internal const string Collection = "client";

    private PostgresTestCluster? _cluster;

    /// <summary>The servers.</summary>
    public PostgresTestCluster Cluster => _cluster!;

    /// <summary>Options that lead to the databases.</summary>
    internal IReadOnlyList<string> Direct =>
        [.. Cluster.ConnectionStrings.SelectMany(connectionString => new[] { "--direct", connectionString })];

    /// <summary>Runs a command against the databases.</summary>
    internal Task<CliResult> RunAsync(params string[] arguments) => CliProcess.RunAsync([.. arguments[..1], .. Direct,
        .. arguments[1..]]);

    /// <inheritdoc/>
    public async Task InitializeAsync()
    {
        if (PostgresBinaries.SkipReason is null)
        {
            _cluster = await PostgresTestCluster.StartAsync(server: new PostgresServerOptions { InMemory = true });
        }
    }

    /// <inheritdoc/>
    public async Task DisposeAsync()
    {
        if (_cluster is not null)
        {
            await _cluster.DisposeAsync();
        }
    }
}

/// <summary>Tests that share the servers.</summary>
[CollectionDefinition(PostgresFixture.Collection)]
public sealed class PostgresCollection : ICollectionFixture<PostgresFixture>;
