using CasPaxos.Testing;
using Microsoft.Extensions.DependencyInjection;
using Orleans.Runtime.Hosting;
using Orleans.TestingHost;

namespace CasPaxos.Orleans.Storage.Tests;

/// <summary>One cluster of databases for all tests that break none of them.</summary>
public sealed class SharedDatabases : IAsyncLifetime
{
    private PostgresTestCluster? _postgres;

    public IReadOnlyList<string> ConnectionStrings => _postgres?.ConnectionStrings ?? [];

    internal PostgresTestCluster Postgres => _postgres!;

    public async Task InitializeAsync()
    {
        if (PostgresBinaries.SkipReason is null)
        {
            _postgres = await PostgresTestCluster.StartAsync(server: new PostgresServerOptions { InMemory = true });
        }
    }

    public async Task DisposeAsync()
    {
        if (_postgres is not null)
        {
            await _postgres.DisposeAsync();
        }
    }

    public static void Need() => Skip.If(PostgresBinaries.SkipReason is not null, PostgresBinaries.SkipReason);
}

/// <summary>The tests that share them run one after the other.</summary>
[CollectionDefinition(Name)]
public sealed class SharedDatabasesTests : ICollectionFixture<SharedDatabases>
{
    public const string Name = "shared databases";
}

/// <summary>Silos whose grains keep their states in registers.</summary>
internal static class StorageCluster
{
    /// <summary>Starts silos in this process.</summary>
    /// <param name="databases">The databases of the registers.</param>
    /// <param name="silos">How many.</param>
    /// <param name="service">True for the register service; false for storages that ask the databases.</param>
    /// <param name="serviceId">Null for a new one.</param>
    /// <param name="configure">More options of the storages.</param>
    public static async Task<InProcessTestCluster> StartAsync(
        IReadOnlyList<string> databases,
        short silos,
        bool service,
        string? serviceId = null,
        Action<CasPaxosGrainStorageOptions>? configure = null)
    {
        var builder = new InProcessTestClusterBuilder(silos);
        builder.Options.ServiceId = serviceId ?? builder.Options.ServiceId;
        builder.Options.ConfigureFileLogging = false;
        builder.ConfigureSilo((_, silo) =>
        {
            if (service)
            {
                silo.AddCasPaxos(options =>
                {
                    foreach (var database in databases)
                    {
                        options.Slots.Add(new CasPaxosSlotOptions { ConnectionString = database });
                    }
                });
            }

            void Configure(CasPaxosGrainStorageOptions options)
            {
                foreach (var database in service ? [] : databases)
                {
                    options.ConnectionStrings.Add(database);
                }

                configure?.Invoke(options);
            }

            silo.AddCasPaxosGrainStorageAsDefault(Configure);
            silo.AddCasPaxosGrainStorage("PubSubStore", Configure);
            silo.AddMemoryStreams(ListenerGrain.Provider);
            silo.UseTransactions();
            silo.Services.AddGrainDirectory(SplitDirectory.Name, static (_, _) => new SplitDirectory());
        });
        var cluster = builder.Build();
        await cluster.DeployAsync();
        return cluster;
    }

    /// <summary>The grains as one silo sees them.</summary>
    public static IGrainFactory Grains(this InProcessTestCluster cluster, int silo) =>
        cluster.GetSiloServiceProvider(cluster.Silos[silo].SiloAddress).GetRequiredService<IGrainFactory>();
}
