using CasPaxos.Testing;
using Npgsql;

namespace CasPaxos.Bench;

/// <summary>
/// A primary whose commits wait for either of two standbys: what registers over three servers replace.
/// </summary>
internal sealed class ReplicatedServer : IAsyncDisposable
{
    private readonly PostgresServer[] _standbys;

    private ReplicatedServer(PostgresServer primary, PostgresServer[] standbys) =>
        (Primary, _standbys) = (primary, standbys);

    public PostgresServer Primary { get; }

    public static async Task<ReplicatedServer> StartAsync()
    {
        var primary = await PostgresServer.StartAsync();
        await primary.StopAsync(); // Copies need a server that is still.
        var standbys = new List<PostgresServer>();
        foreach (var name in (string[])["one", "two"])
        {
            standbys.Add(await PostgresServer.StartAsync(new PostgresServerOptions
            {
                CopyOf = primary,
                AsReplica = true,
                Settings = new Dictionary<string, string>
                {
                    ["primary_conninfo"] =
                        $"host=127.0.0.1 port={primary.Port} user=postgres application_name={name}",
                },
            }));
        }

        await primary.RestartAsync();
        await primary.ExecuteAsync("ALTER SYSTEM SET synchronous_standby_names = 'ANY 1 (*)'");
        await primary.ExecuteAsync("SELECT pg_reload_conf()");
        var server = new ReplicatedServer(primary, [.. standbys]);
        await server.WaitForStandbysAsync();
        return server;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var server in (PostgresServer[])[Primary, .. _standbys])
        {
            await server.DisposeAsync();
        }
    }

    /// <summary>Until both take part in every commit: otherwise one would be measured that waits for nobody.</summary>
    private async Task WaitForStandbysAsync()
    {
        await using var source = NpgsqlDataSource.Create(Primary.ConnectionString());
        for (var i = 0; i < 300; i++)
        {
            await using var count = source.CreateCommand(
                "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'quorum' AND state = 'streaming'");
            if (await count.ExecuteScalarAsync() is 2L)
            {
                return;
            }

            await Task.Delay(100);
        }

        throw new InvalidOperationException($"The standbys do not follow: {Primary.ReadLog()}");
    }
}
