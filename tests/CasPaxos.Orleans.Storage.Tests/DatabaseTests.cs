using CasPaxos.Postgres;
using CasPaxos.Registers;
using CasPaxos.Testing;
using Orleans.Storage;
using Orleans.TestingHost;
using static CasPaxos.Orleans.Storage.Tests.SharedDatabases;
using static CasPaxos.Orleans.Storage.Tests.Storages;

namespace CasPaxos.Orleans.Storage.Tests;

/// <summary>The conformance cases over real databases.</summary>
[Collection(SharedDatabasesTests.Name)]
public sealed class PostgresConformanceTests(SharedDatabases databases) : ConformanceSuite
{
    private IGrainStorage? _storage;

    /// <inheritdoc/>
    protected override IGrainStorage Storage
    {
        get
        {
            Need();
            var cluster = databases.Postgres.Cluster;
            return _storage ??= Make(new RegisterClient(cluster.Configuration, cluster.Acceptors));
        }
    }
}

/// <summary>The model over real databases, a step less deep.</summary>
[Collection(SharedDatabasesTests.Name)]
public sealed class PostgresModelTests(SharedDatabases databases)
{
    [SkippableTheory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Every_sequence_of_three_operations_on_two_states_ends_as_the_model_says(bool delete)
    {
        Need();
        var cluster = databases.Postgres.Cluster;
        var client = new RegisterClient(cluster.Configuration, cluster.Acceptors);

        var sequences = await ModelTests.RunAllAsync(
            Make(client, options => options.DeleteStateOnClear = delete), depth: 3, delete);

        Assert.Equal(1_372, sequences);
    }
}

/// <summary>Clusters that share a service id and the databases, and nothing else.</summary>
[Collection(SharedDatabasesTests.Name)]
public sealed class TwoClusterTests(SharedDatabases databases)
{
    [SkippableFact]
    public async Task Two_clusters_of_one_service_share_a_grains_state_and_do_not_overwrite_each_other()
    {
        Need();
        var serviceId = Guid.NewGuid().ToString("N");
        await using var left = await StorageCluster.StartAsync(databases.ConnectionStrings, 1, false, serviceId);
        await using var right = await StorageCluster.StartAsync(databases.ConnectionStrings, 1, false, serviceId);
        var (leftGrain, rightGrain) = (Grain(left), Grain(right));
        await leftGrain.GetAsync();
        await rightGrain.SetAsync("right");

        await Assert.ThrowsAsync<InconsistentStateException>(() => leftGrain.SetAsync("left"));
        await Eventually.HoldsAsync(async () => await leftGrain.GetAsync() == "right");
        await leftGrain.SetAsync("left, having read");
        await Assert.ThrowsAsync<InconsistentStateException>(() => rightGrain.SetAsync("right again"));

        await Eventually.HoldsAsync(async () => await rightGrain.GetAsync() == "left, having read");
    }

    [SkippableFact]
    public async Task Deleted_states_are_erased_by_one_of_the_silos()
    {
        Need();
        var connectionStrings = databases.ConnectionStrings;
        await using var cluster = await StorageCluster.StartAsync(connectionStrings, 2, false, configure: options =>
        {
            options.DeleteStateOnClear = true;
            options.TombstoneAge = TimeSpan.FromMilliseconds(100);
            options.EraseInterval = TimeSpan.FromMilliseconds(200);
        });
        var grain = Grain(cluster);
        await grain.SetAsync("one");
        await EventuallyRowsAsync(1);

        await grain.ClearAsync();
        await EventuallyRowsAsync(0);
        await grain.SetAsync("two");
        await EventuallyRowsAsync(1);

        // This database need not be of the quorum that was waited for.
        Task EventuallyRowsAsync(int rows) =>
            Eventually.HoldsAsync(async () => await RowsAsync(cluster) == rows);
    }

    /// <summary>How many registers of a cluster's grains a database has, deleted ones included.</summary>
    private async Task<int> RowsAsync(InProcessTestCluster cluster)
    {
        var acceptors = databases.Postgres.Cluster;
        var page = await acceptors.Acceptors[0].ScanAsync(
            new ScanRequest(acceptors.Configuration.Epoch, $"grains/{cluster.Options.ServiceId}/", null, 100), default);
        return page.Rows.Count;
    }

    private static IInjectedGrain Grain(InProcessTestCluster cluster) =>
        cluster.Client.GetGrain<IInjectedGrain>("shared");
}

/// <summary>Databases of its own, which are killed.</summary>
public sealed class DatabaseFaultTests
{
    [SkippableFact]
    public async Task Grains_go_on_without_a_minority_and_keep_their_state_without_a_majority()
    {
        Need();
        await using var postgres = await PostgresTestCluster.StartAsync(
            server: new PostgresServerOptions { InMemory = true });
        await using var cluster = await StorageCluster.StartAsync(
            postgres.ConnectionStrings, 1, false, configure: options => options.Timeout = TimeSpan.FromSeconds(2));
        var grain = cluster.Client.GetGrain<IInjectedGrain>("grain");
        await grain.SetAsync("one");

        await postgres.Servers[0].KillAsync();
        await grain.SetSurelyAsync("two");
        await cluster.Client.GetGrain<IInjectedGrain>("another").SetSurelyAsync("first");

        await postgres.Servers[1].KillAsync();
        var (_, activation) = await grain.DescribeAsync();
        var failure = await Assert.ThrowsAnyAsync<OrleansException>(() => grain.SetAsync("three"));
        await Assert.ThrowsAsync<GrainStateUnavailableException>(
            () => cluster.Client.GetGrain<IInjectedGrain>("a third one").GetAsync());
        Assert.True(failure is GrainStateUnavailableException or GrainStateOutcomeUnknownException, $"{failure}");
        Assert.Equal(("three", activation), await grain.DescribeAsync());

        await postgres.Servers[1].RestartAsync();
        await Eventually.HoldsAsync(async () =>
        {
            var again = await Record.ExceptionAsync(() => grain.SetAsync("three"));
            Assert.IsNotType<InconsistentStateException>(again);
            return again is null;
        });
        Assert.Equal(activation, (await grain.DescribeAsync()).Activation);
        await cluster.DeactivateAsync(grain);
        Assert.Equal("three", await grain.GetAsync());
    }

    [SkippableFact]
    public async Task A_write_whose_answers_were_cut_off_is_found_by_its_retry()
    {
        Need();
        await using var postgres = await PostgresTestCluster.StartAsync(
            server: new PostgresServerOptions { InMemory = true });
        TcpProxy[] proxies = [.. postgres.Servers.Select(server => new TcpProxy(server.Port))];
        await using var opened = await PostgresCluster.OpenAsync(
        [
            .. postgres.Servers.Select((server, slot) => server.ConnectionString()
                .Replace($"{server.Port}", $"{proxies[slot].Port}", StringComparison.Ordinal)),
        ]);
        var storage = Make(new RegisterClient(opened.Configuration, opened.Acceptors), options =>
            options.Timeout = TimeSpan.FromSeconds(1));
        var direct = Make(new RegisterClient(postgres.Cluster.Configuration, postgres.Cluster.Acceptors));
        var grain = NewGrain();
        var state = NewState("one");
        await storage.WriteAsync(grain, state);
        var before = state.ETag;

        Array.ForEach(proxies, proxy => proxy.Mode = ProxyMode.LoseReplies);
        await Assert.ThrowsAsync<GrainStateOutcomeUnknownException>(() => storage.WriteAsync(grain, state, "two"));
        Array.ForEach(proxies, proxy => proxy.Mode = ProxyMode.Pass);
        Array.ForEach(proxies, proxy => proxy.CutAll());
        Assert.Equal(before, state.ETag);
        var stored = await direct.ActivateAsync(grain);
        await storage.WriteAsync(grain, state, "two");

        Assert.Equal("two", stored.State!.Text);
        Assert.Equal((stored.ETag, true), (state.ETag, state.RecordExists));
        await storage.WriteAsync(grain, state, "three");
        Assert.Equal("three", (await direct.ActivateAsync(grain)).State!.Text);
        await Task.WhenAll(proxies.Select(proxy => proxy.DisposeAsync().AsTask()));
    }
}
