using CasPaxos.Testing;

namespace CasPaxos.Cluster.Tests;

/// <summary>Three servers shared by the tests that do them no harm for good.</summary>
public sealed class ClusterFixture : IAsyncLifetime
{
    private PostgresTestCluster? _cluster;

    public PostgresTestCluster Cluster
    {
        get
        {
            Skip.If(PostgresBinaries.SkipReason is not null, PostgresBinaries.SkipReason);
            return _cluster!;
        }
    }

    public async Task InitializeAsync()
    {
        if (PostgresBinaries.SkipReason is null)
        {
            _cluster = await PostgresTestCluster.StartAsync();
        }
    }

    public async Task DisposeAsync()
    {
        if (_cluster is not null)
        {
            await _cluster.DisposeAsync();
        }
    }
}
