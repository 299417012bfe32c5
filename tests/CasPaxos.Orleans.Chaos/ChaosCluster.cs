using CasPaxos.Orleans.Testing;
using CasPaxos.Testing;
using Npgsql;

namespace CasPaxos.Orleans.Chaos;

/// <summary>Three silos over three servers, each server behind a proxy that can slow it down.</summary>
internal sealed class ChaosCluster : IAsyncDisposable
{
    /// <summary>How many slots, each with a server and a silo.</summary>
    public const int Slots = 3;

    private static readonly TimeSpan Slowness = TimeSpan.FromMilliseconds(300); // In each direction.

    private readonly List<TcpProxy> _proxies = [];
    private PostgresTestCluster? _postgres;
    private SiloProcessCluster? _silos;

    private ChaosCluster()
    {
    }

    public SiloProcessCluster Silos => _silos!;

    public static async Task<ChaosCluster> StartAsync()
    {
        var cluster = new ChaosCluster();
        try
        {
            cluster._postgres = await PostgresTestCluster.StartAsync();
            cluster._proxies.AddRange(cluster._postgres.Servers.Select(server => new TcpProxy(server.Port)));
            cluster._silos = await SiloProcessCluster.StartAsync(
                cluster._postgres, new SiloProcessClusterOptions { Settings = cluster.Settings() });
            return cluster;
        }
        catch
        {
            await cluster.DisposeAsync();
            throw;
        }
    }

    /// <summary>Lets a fault begin.</summary>
    public async Task HurtAsync(Fault fault)
    {
        var (silo, server) = (Silos.Silos[fault.Slot], _postgres!.Servers[fault.Slot]);
        switch (fault.Kind)
        {
            case FaultKind.KillSilo:
                await silo.KillAsync();
                break;
            case FaultKind.PauseSilo:
                silo.Pause();
                break;
            case FaultKind.KillServer:
                await server.KillAsync();
                break;
            case FaultKind.PauseServer:
                await server.PauseAsync();
                break;
            case FaultKind.SlowServer:
                _proxies[fault.Slot].Delay = Slowness;
                break;
            case FaultKind.KillBoth:
                await Task.WhenAll(silo.KillAsync(), server.KillAsync());
                break;
        }
    }

    /// <summary>Ends a fault, and waits until nothing of it is left.</summary>
    /// <exception cref="InvalidOperationException">The cluster does not become whole again.</exception>
    public async Task HealAsync(Fault fault)
    {
        var (silo, server) = (Silos.Silos[fault.Slot], _postgres!.Servers[fault.Slot]);
        _proxies[fault.Slot].Delay = TimeSpan.Zero;
        if (fault.Kind == FaultKind.PauseSilo)
        {
            silo.Resume();
        }

        if (fault.Kind == FaultKind.PauseServer)
        {
            await server.ResumeAsync();
        }

        if (!server.IsRunning)
        {
            await server.RestartAsync();
        }

        await Silos.HealAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (_silos is not null)
        {
            await _silos.DisposeAsync();
        }

        foreach (var proxy in _proxies)
        {
            await proxy.DisposeAsync();
        }

        if (_postgres is not null)
        {
            await _postgres.DisposeAsync();
        }
    }

    private Dictionary<string, string> Settings() => Enumerable.Range(0, Slots).ToDictionary(
        slot => $"CasPaxos:Slots:{slot}:ConnectionString",
        slot => new NpgsqlConnectionStringBuilder(_postgres!.ConnectionStrings[slot])
        {
            Port = _proxies[slot].Port,
        }.ConnectionString);
}
