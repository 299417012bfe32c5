using System.Net;
using CasPaxos.Orleans.Testing;
using CasPaxos.Registers;
using CasPaxos.Testing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Orleans.Configuration;

// Servers are killed, and time is measured: one at a time.
[assembly: CollectionBehavior(DisableTestParallelization = true)]

namespace CasPaxos.Orleans.Clustering.Tests;

/// <summary>Three servers for the tests that break none.</summary>
public class RegisterDatabases : IAsyncLifetime
{
    private PostgresTestCluster? _postgres;

    public PostgresTestCluster Postgres => _postgres!;

    public virtual async Task InitializeAsync()
    {
        if (PostgresBinaries.SkipReason is null)
        {
            _postgres = await StartAsync();
        }
    }

    public async Task DisposeAsync()
    {
        if (_postgres is not null)
        {
            await _postgres.DisposeAsync();
        }
    }

    public static Task<PostgresTestCluster> StartAsync() =>
        PostgresTestCluster.StartAsync(server: new PostgresServerOptions { InMemory = true });

    /// <summary>Three silos whose membership is there; they soon find that one of them is dead.</summary>
    public static Task<SiloProcessCluster> StartSilosAsync(PostgresTestCluster postgres) =>
        SiloProcessCluster.StartAsync(postgres, new SiloProcessClusterOptions
        {
            MembershipInRegisters = true,
            Settings = new Dictionary<string, string>
            {
                ["Silo:ProbeTimeout"] = "00:00:01",
                ["Silo:MissedProbesMax"] = "2",
            },
        });

    public static void Need() => Skip.If(PostgresBinaries.SkipReason is not null, PostgresBinaries.SkipReason);
}

/// <summary>Three servers, of which the first is killed before anybody uses them.</summary>
public sealed class DegradedDatabases : RegisterDatabases
{
    public override async Task InitializeAsync()
    {
        await base.InitializeAsync();
        if (PostgresBinaries.SkipReason is null)
        {
            await Postgres.Servers[0].KillAsync();
        }
    }
}

/// <summary>Tests on the shared servers, each with a cluster of its own.</summary>
[CollectionDefinition(Name)]
public sealed class DatabasesCollection : ICollectionFixture<RegisterDatabases>
{
    public const string Name = "databases";
}

/// <summary>What the tests of the membership make.</summary>
internal static class Make
{
    private static int _generation = 1;

    /// <summary>For options whose databases are connection strings.</summary>
    public static IServiceProvider NoServices { get; } = new ServiceCollection().BuildServiceProvider();

    public static string Name() => $"cluster/{Guid.NewGuid():n}";

    public static T Databases<T>(T options, IEnumerable<string> connectionStrings)
        where T : PassiveDatabasesOptions
    {
        foreach (var connectionString in connectionStrings)
        {
            options.ConnectionStrings.Add(connectionString);
        }

        return options;
    }

    /// <summary>The membership of a cluster, as one more silo sees it.</summary>
    public static CasPaxosMembershipTable Table(
        PostgresTestCluster postgres,
        string cluster,
        string service = "a service",
        Func<IAcceptor, IAcceptor>? wrap = null,
        TimeSpan? timeout = null)
    {
        var options = new CasPaxosClusteringOptions();
        options.Timeout = timeout ?? options.Timeout;
        return new CasPaxosMembershipTable(
            Databases(options, postgres.ConnectionStrings),
            new ClusterOptions { ServiceId = service, ClusterId = cluster },
            NoServices,
            NullLogger.Instance,
            wrap);
    }

    /// <summary>A silo that nobody has seen yet.</summary>
    public static MembershipEntry Silo(SiloStatus status = SiloStatus.Joining, TimeSpan age = default)
    {
        var began = DateTime.UtcNow - age;
        var generation = Interlocked.Increment(ref _generation);
        return new MembershipEntry
        {
            SiloAddress = SiloAddress.New(IPAddress.Parse("10.1.2.3"), 11_111, generation),
            Status = status,
            ProxyPort = 30_000,
            HostName = "host.example",
            SiloName = $"silo {generation}",
            RoleName = "role",
            UpdateZone = 3,
            FaultZone = 4,
            StartTime = began,
            IAmAliveTime = began,
            SuspectTimes = [],
        };
    }
}
