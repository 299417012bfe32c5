using System.Net;
using CasPaxos.Orleans.Clustering.Tests;
using CasPaxos.Registers;
using CasPaxos.Testing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Orleans.Configuration;

// Servers and silos are killed, and two cores carry them all: one at a time.
[assembly: CollectionBehavior(DisableTestParallelization = true)]

namespace CasPaxos.Orleans.GrainDirectory.Tests;

/// <summary>Three servers for the tests that break none, and the register service of a silo over them.</summary>
public sealed class DirectoryDatabasesFixture : IAsyncLifetime
{
    private PostgresTestCluster? _postgres;
    private IHost? _silo;

    public PostgresTestCluster Postgres => _postgres!;

    public async Task InitializeAsync()
    {
        if (PostgresBinaries.SkipReason is null)
        {
            _postgres = await Make.PostgresAsync();
        }
    }

    public async Task DisposeAsync()
    {
        if (_silo is not null)
        {
            await _silo.StopAsync();
            _silo.Dispose();
        }

        if (_postgres is not null)
        {
            await _postgres.DisposeAsync();
        }
    }

    /// <summary>The registers of a silo's own service; the silo is started by the first test that needs it.</summary>
    internal async Task<IRegisterClient> ServiceAsync()
    {
        _silo ??= await Make.SiloAsync(Postgres, Make.Name(), passive: false);
        return _silo.Services.GetRequiredService<IRegisterClient>();
    }
}

/// <summary>Tests on the shared servers, each with a cluster id of its own.</summary>
[CollectionDefinition(Name)]
public sealed class DatabasesCollection : ICollectionFixture<DirectoryDatabasesFixture>
{
    public const string Name = "databases";
}

/// <summary>What the tests of the directory make.</summary>
internal static class Make
{
    /// <summary>The directory of the grains that name one; the other one is the default.</summary>
    public const string Named = "registers";

    public static string Name() => $"cluster/{Guid.NewGuid():n}";

    public static void Need() => Skip.If(PostgresBinaries.SkipReason is not null, PostgresBinaries.SkipReason);

    public static Task<PostgresTestCluster> PostgresAsync() =>
        PostgresTestCluster.StartAsync(server: new PostgresServerOptions { InMemory = true });

    public static void Add(IList<string> to, IEnumerable<string> connectionStrings)
    {
        foreach (var connectionString in connectionStrings)
        {
            to.Add(connectionString);
        }
    }

    private static ServiceProvider NoServices { get; } = new ServiceCollection().BuildServiceProvider();

    public static PassiveRegisters Registers(PostgresTestCluster postgres, Losses? losses = null)
    {
        var options = new CasPaxosGrainDirectoryOptions();
        Add(options.ConnectionStrings, postgres.ConnectionStrings);
        return new PassiveRegisters(
            "test", options, NoServices, NullLogger.Instance, losses is null ? null : losses.Wrap);
    }

    public static CasPaxosGrainDirectory Directory(
        IRegisterClient registers, string cluster, TimeSpan? timeout = null, string name = "d", string service = "s") =>
        new(() => registers, new DirectoryKeys(service, cluster, name), timeout ?? TimeSpan.FromSeconds(10));

    public static GrainId Grain(string? key = null) => GrainId.Create("kind", key ?? Guid.NewGuid().ToString());

    public static GrainAddress Address(GrainId grain, int silo = 1, ActivationId? activation = null) => new()
    {
        GrainId = grain,
        SiloAddress = SiloAddress.New(IPAddress.Parse("10.1.2.3"), 11_111, silo),
        ActivationId = activation ?? ActivationId.NewId(),
        MembershipVersion = new MembershipVersion(51),
    };

    /// <summary>A silo in this process whose directories are both in registers.</summary>
    public static async Task<IHost> SiloAsync(
        PostgresTestCluster postgres, string cluster, bool passive, Action<ISiloBuilder>? more = null)
    {
        var builder = Host.CreateApplicationBuilder();
        builder.Logging.ClearProviders();
        builder.UseOrleans(silo =>
        {
            silo.ConfigureEndpoints(IPAddress.Loopback, FreePorts.Next(), FreePorts.Next());
            Configure(silo, cluster, [.. postgres.ConnectionStrings], passive, slot: 0);
            more?.Invoke(silo);
        });
        var host = builder.Build();
        await host.StartAsync();
        return host;
    }

    /// <summary>Membership and both directories in registers, those of the silo or of databases of their own.</summary>
    public static void Configure(ISiloBuilder silo, string cluster, string[] databases, bool passive, int slot)
    {
        silo.Configure<ClusterOptions>(options => options.ServiceId = options.ClusterId = cluster);
        silo.UseCasPaxosClustering(options => Add(options.ConnectionStrings, databases));
        if (passive)
        {
            silo.UseCasPaxosGrainDirectoryAsDefault(
                (CasPaxosGrainDirectoryOptions options) => Add(options.ConnectionStrings, databases));
            silo.AddCasPaxosGrainDirectory(
                Named, (CasPaxosGrainDirectoryOptions options) => Add(options.ConnectionStrings, databases));
            return;
        }

        silo.UseCasPaxosGrainDirectoryAsDefault();
        silo.AddCasPaxosGrainDirectory(Named);
        silo.AddCasPaxos(options =>
        {
            options.Slot = slot;
            foreach (var database in databases)
            {
                options.Slots.Add(new CasPaxosSlotOptions { ConnectionString = database });
            }
        });
    }
}
