using CasPaxos.Postgres;
using Npgsql;

namespace CasPaxos.Testing;

/// <summary>A server of its own for every slot, initialised and opened: as in real life, on one machine.</summary>
public sealed class PostgresTestCluster : IAsyncDisposable
{
    private PostgresTestCluster(IReadOnlyList<PostgresServer> servers, PostgresCluster cluster)
    {
        Servers = servers;
        Cluster = cluster;
    }

    /// <summary>The server of each slot.</summary>
    public IReadOnlyList<PostgresServer> Servers { get; }

    /// <summary>The acceptors and the configuration.</summary>
    public PostgresCluster Cluster { get; }

    /// <summary>The connection strings by slot, for another process or another client of the same cluster.</summary>
    public IReadOnlyList<string> ConnectionStrings => [.. Servers.Select(server => server.ConnectionString())];

    /// <summary>Starts the servers in parallel, initialises the cluster and opens it.</summary>
    /// <param name="slots">How many servers; 1 to 9.</param>
    /// <param name="acceptors">Limits of the acceptors; null for the defaults.</param>
    /// <param name="init">Quorums; null for majorities.</param>
    /// <param name="server">How to start each server; null for the defaults.</param>
    public static async Task<PostgresTestCluster> StartAsync(
        int slots = 3,
        PostgresAcceptorOptions? acceptors = null,
        PostgresInitOptions? init = null,
        PostgresServerOptions? server = null)
    {
        var starts = Enumerable.Range(0, slots).Select(_ => PostgresServer.StartAsync(server)).ToList();
        try
        {
            var servers = await Task.WhenAll(starts);
            string[] connectionStrings = [.. servers.Select(started => started.ConnectionString())];
            await PostgresCluster.InitializeAsync(connectionStrings, init);
            return new PostgresTestCluster(servers, await PostgresCluster.OpenAsync(connectionStrings, acceptors));
        }
        catch
        {
            foreach (var start in starts.Where(start => start.IsCompletedSuccessfully))
            {
                await (await start).DisposeAsync();
            }

            throw;
        }
    }

    /// <summary>
    /// How many transactions that wrote the servers have begun since they were made, all together. Asking is none.
    /// </summary>
    public async Task<long> CountCommitsAsync()
    {
        var commits = 0L;
        foreach (var connectionString in ConnectionStrings)
        {
            await using var source = NpgsqlDataSource.Create(connectionString);
            await using var command = source.CreateCommand(
                "SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint");
            commits += (long)(await command.ExecuteScalarAsync())!;
        }

        return commits;
    }

    /// <summary>Ends everything and removes it.</summary>
    public async ValueTask DisposeAsync()
    {
        await Cluster.DisposeAsync();
        foreach (var server in Servers)
        {
            await server.DisposeAsync();
        }
    }
}
