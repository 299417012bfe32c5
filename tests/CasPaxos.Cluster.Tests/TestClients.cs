using CasPaxos.Postgres;
using CasPaxos.Registers;
using CasPaxos.Testing;

namespace CasPaxos.Cluster.Tests;

/// <summary>Clients with connections of their own, as if each were a process.</summary>
internal sealed class TestClients : IAsyncDisposable
{
    private readonly List<PostgresCluster> _opened = [];

    public List<RegisterClient> Clients { get; } = [];

    public static async Task<TestClients> OpenAsync(
        PostgresTestCluster cluster, int count, RegisterClientOptions? options = null)
    {
        var clients = new TestClients();
        for (var i = 0; i < count; i++)
        {
            var opened = await PostgresCluster.OpenAsync(cluster.ConnectionStrings);
            clients._opened.Add(opened);
            clients.Clients.Add(new RegisterClient(opened.Configuration, opened.Acceptors, catalog: null, options));
        }

        return clients;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var opened in _opened)
        {
            await opened.DisposeAsync();
        }
    }
}
