using CasPaxos.Registers;
using CasPaxos.Testing;
using Microsoft.Extensions.DependencyInjection;
using Orleans.TestingHost;

namespace CasPaxos.Orleans.Tests;

/// <summary>Silos in this process, one a slot, over real PostgreSQL servers.</summary>
public class ServiceCluster : IAsyncLifetime
{
    private PostgresTestCluster? _postgres;
    private InProcessTestCluster? _cluster;

    /// <summary>The silos and their client.</summary>
    public InProcessTestCluster Cluster => _cluster!;

    /// <summary>The databases.</summary>
    internal PostgresTestCluster Postgres => _postgres!;

    /// <summary>The registers, as an Orleans client sees them.</summary>
    public IRegisterClient Registers => Cluster.Client.GetRegisterClient();

    /// <summary>The services of one silo, always the same one.</summary>
    public IServiceProvider OneSilo => Cluster.GetSiloServiceProvider(Cluster.Silos[0].SiloAddress);

    /// <summary>How many silos; every one is labelled with the slot of its number.</summary>
    public short Silos { get; init; } = 3;

    /// <summary>More settings of every database.</summary>
    public Dictionary<string, string> Settings { get; } = [];

    /// <summary>More options of every silo.</summary>
    public Action<CasPaxosOptions>? Configure { get; set; }

    /// <inheritdoc/>
    public async Task InitializeAsync()
    {
        if (PostgresBinaries.SkipReason is not null)
        {
            return;
        }

        _postgres = await PostgresTestCluster.StartAsync(
            server: new PostgresServerOptions { InMemory = true, Settings = Settings });
        var builder = new InProcessTestClusterBuilder(Silos);
        builder.ConfigureSilo((silo, siloBuilder) => siloBuilder.AddCasPaxos(options =>
        {
            foreach (var connectionString in _postgres.ConnectionStrings)
            {
                options.Slots.Add(new CasPaxosSlotOptions { ConnectionString = connectionString });
            }

            var number = int.Parse(silo.SiloName.Split('_')[^1], System.Globalization.CultureInfo.InvariantCulture);
            options.Slot = number < 3 ? number : null;
            Configure?.Invoke(options);
        }));
        builder.ConfigureSilo((_, silo) => silo.Services.AddHealthChecks().AddCasPaxos());
        builder.ConfigureClient(client => client.AddCasPaxos());
        builder.ConfigureClient(client => client.Services.AddHealthChecks().AddCasPaxos());
        _cluster = builder.Build();
        await _cluster.DeployAsync();
    }

    /// <inheritdoc/>
    public async Task DisposeAsync()
    {
        if (_cluster is not null)
        {
            await _cluster.DisposeAsync();
        }

        if (_postgres is not null)
        {
            await _postgres.DisposeAsync();
        }
    }
}
