using CasPaxos.Postgres;
using CasPaxos.Registers;
using CasPaxos.Testing;
using Npgsql;

namespace CasPaxos.Cluster.Tests;

/// <summary>A client that reaches each server of a cluster through a proxy.</summary>
internal sealed class ProxiedCluster : IAsyncDisposable
{
    private readonly PostgresCluster _opened;

    private ProxiedCluster(PostgresCluster opened, TcpProxy[] proxies)
    {
        _opened = opened;
        Proxies = proxies;
        Client = new RegisterClient(opened.Configuration, opened.Acceptors);
    }

    public TcpProxy[] Proxies { get; }

    public RegisterClient Client { get; }

    public static async Task<ProxiedCluster> OpenAsync(PostgresTestCluster cluster)
    {
        TcpProxy[] proxies = [.. cluster.Servers.Select(server => new TcpProxy(server.Port))];
        string[] connectionStrings =
        [
            .. cluster.ConnectionStrings.Select((connectionString, slot) =>
                new NpgsqlConnectionStringBuilder(connectionString) { Port = proxies[slot].Port }.ConnectionString),
        ];
        var opened = await PostgresCluster.OpenAsync(connectionStrings);
        return new ProxiedCluster(opened, proxies);
    }

    public async ValueTask DisposeAsync()
    {
        await _opened.DisposeAsync();
        foreach (var proxy in Proxies)
        {
            await proxy.DisposeAsync();
        }
    }
}
