using CasPaxos.Orleans.Testing;
using CasPaxos.Testing;

// Time is measured: one cluster at a time.
[assembly: CollectionBehavior(DisableTestParallelization = true)]

namespace CasPaxos.Orleans.Fault.Tests;

/// <summary>Three servers and three silos, shared by scenarios that each begin by making them whole.</summary>
public sealed class FaultCluster : IAsyncLifetime
{
    private PostgresTestCluster? _postgres;
    private SiloProcessCluster? _silos;

    /// <summary>
    /// A dead silo is found to be dead within some seconds, so that what follows from it is seen. Registers must not
    /// depend on it.
    /// </summary>
    public static IReadOnlyDictionary<string, string> QuickDetection { get; } = new Dictionary<string, string>
    {
        ["Silo:ProbeTimeout"] = "00:00:02",
        ["Silo:MissedProbesMax"] = "2",
    };

    public PostgresTestCluster Postgres => _postgres!;

    public SiloProcessCluster Silos => _silos!;

    public async Task InitializeAsync()
    {
        if (PostgresBinaries.SkipReason is null)
        {
            _postgres = await PostgresTestCluster.StartAsync();
            _silos = await SiloProcessCluster.StartAsync(
                _postgres, new SiloProcessClusterOptions { Settings = QuickDetection });
        }
    }

    public async Task DisposeAsync()
    {
        if (_silos is not null)
        {
            await _silos.DisposeAsync();
        }

        if (_postgres is not null)
        {
            await _postgres.DisposeAsync();
        }
    }

    /// <summary>Starts what does not run; waits until every silo sees all silos, and all acceptors at home.</summary>
    public async Task HealAsync()
    {
        Skip.If(PostgresBinaries.SkipReason is not null, PostgresBinaries.SkipReason);
        foreach (var server in Postgres.Servers.Where(server => !server.IsRunning))
        {
            await server.RestartAsync();
        }

        await Silos.HealAsync();
    }
}

/// <summary>Scenarios on the shared cluster, one after the other.</summary>
[CollectionDefinition(Name)]
#pragma warning disable CA1711 // A collection in xunit's sense.
public sealed class FaultCollection : ICollectionFixture<FaultCluster>
#pragma warning restore CA1711
{
    public const string Name = "faults";
}
