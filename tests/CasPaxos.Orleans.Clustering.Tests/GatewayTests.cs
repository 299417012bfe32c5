using CasPaxos.Testing;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Orleans.Configuration;

namespace CasPaxos.Orleans.Clustering.Tests;

/// <summary>Where clients find silos.</summary>
[Collection(DatabasesCollection.Name)]
public sealed class GatewayTests(RegisterDatabases databases)
{
    private const string Service = "a service";

    [SkippableFact]
    public async Task Gateways_are_the_active_silos_with_a_port_for_clients()
    {
        RegisterDatabases.Need();
        var cluster = Make.Name();
        await using var table = Make.Table(databases.Postgres, cluster);
        await using var gateways = List(databases.Postgres, cluster);
        await gateways.InitializeGatewayListProvider();
        var before = await gateways.GetGateways();
        var silos = Enum.GetValues<SiloStatus>().Select(status => Make.Silo(status)).ToList();
        var portless = Make.Silo(SiloStatus.Active);
        portless.ProxyPort = 0;
        foreach (var silo in (MembershipEntry[])[.. silos, portless])
        {
            Assert.True(await table.InsertRow(silo, (await table.ReadAll()).Version.Next()));
        }

        var after = await gateways.GetGateways();

        var active = silos.Single(silo => silo.Status == SiloStatus.Active).SiloAddress;
        Assert.Empty(before);
        Assert.Equal($"gwy.tcp://10.1.2.3:30000/{active.Generation}", Assert.Single(after).ToString());
    }

    [SkippableFact]
    public async Task Without_a_quorum_the_gateways_that_were_known_are_kept_and_none_are_invented()
    {
        RegisterDatabases.Need();
        await using var postgres = await RegisterDatabases.StartAsync();
        var cluster = Make.Name();
        await using var table = Make.Table(postgres, cluster);
        await using var gateways = List(postgres, cluster);
        await using var late = List(postgres, cluster);
        Assert.True(await table.InsertRow(
            Make.Silo(SiloStatus.Active), (await table.ReadAll()).Version.Next()));
        var before = await gateways.GetGateways();
        await late.InitializeGatewayListProvider();
        await Task.WhenAll(postgres.Servers.Skip(1).Select(server => server.KillAsync()));

        var after = await gateways.GetGateways();
        await Assert.ThrowsAsync<RegisterGrainUnavailableException>(late.GetGateways);

        Assert.Single(before);
        Assert.Equal(before, after);
    }

    [SkippableFact]
    public async Task A_minority_may_be_down_at_the_start_and_a_majority_is_waited_for()
    {
        RegisterDatabases.Need();
        await using var postgres = await RegisterDatabases.StartAsync();
        var cluster = Make.Name();
        await using var table = Make.Table(postgres, cluster, timeout: TimeSpan.FromMinutes(1));
        await using var gateways = List(postgres, cluster);
        await Task.WhenAll(postgres.Servers.Skip(1).Select(server => server.KillAsync()));

        var starting = gateways.InitializeGatewayListProvider();
        var reading = table.ReadAll(); // It waits as well, for as long as an operation may take.
        await Assert.ThrowsAsync<TimeoutException>(() => starting.WaitAsync(TimeSpan.FromSeconds(1)));
        await postgres.Servers[1].RestartAsync();
        await starting;
        Assert.Empty((await reading).Members);

        await table.InitializeMembershipTable(true);
        Assert.True(await table.InsertRow(
            Make.Silo(SiloStatus.Active), (await table.ReadAll()).Version.Next()));
        Assert.Single(await gateways.GetGateways());
    }

    private static CasPaxosGatewayList List(PostgresTestCluster postgres, string cluster)
    {
        var options = Make.Databases(new CasPaxosClusteringOptions(), postgres.ConnectionStrings);
        options.Timeout = TimeSpan.FromSeconds(1);
        return new CasPaxosGatewayList(
            Options.Create(options),
            Options.Create(new ClusterOptions { ServiceId = Service, ClusterId = cluster }),
            Options.Create(new GatewayOptions()),
            Make.NoServices,
            NullLogger<CasPaxosGatewayList>.Instance);
    }
}
