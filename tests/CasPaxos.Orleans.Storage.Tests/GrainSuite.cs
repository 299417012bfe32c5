using CasPaxos.Registers;
using CasPaxos.Testing;
using Orleans.Storage;
using Orleans.TestingHost;
using static CasPaxos.Orleans.Storage.Tests.SharedDatabases;

namespace CasPaxos.Orleans.Storage.Tests;

/// <summary>What applications do with a grain storage, on two silos over real databases.</summary>
public abstract class GrainSuite(SharedDatabases databases, bool service) : IAsyncLifetime
{
    private InProcessTestCluster? _cluster;

    private InProcessTestCluster Cluster => _cluster!;

    public async Task InitializeAsync()
    {
        if (databases.ConnectionStrings.Count > 0)
        {
            _cluster = await StorageCluster.StartAsync(databases.ConnectionStrings, 2, service);
        }
    }

    public async Task DisposeAsync()
    {
        if (_cluster is not null)
        {
            await _cluster.DisposeAsync();
        }
    }

    /// <summary>One test, because silos cost seconds; each part has grains of its own.</summary>
    [SkippableFact]
    public async Task Grains_keep_their_states_and_streams_and_transactions_work()
    {
        Need();
        await OutlivesItsActivationAsync(Cluster.Client.GetGrain<IInjectedGrain>("injected"));
        await OutlivesItsActivationAsync(Cluster.Client.GetGrain<IInheritingGrain>("inherited"));
        await AreListedByServiceTypeKeyAndStateAsync();
        await StreamsKeepTheirSubscriptionsAsync();
        await TransactionsMoveAllOrNothingAsync();
        await OfTwoActivationsOneWinsAsync();
        await TooLargeAsync();
    }

    private async Task OutlivesItsActivationAsync(ITextGrain grain)
    {
        Assert.Equal("fresh", await grain.GetAsync());
        await grain.SetAsync("one");
        await Cluster.DeactivateAsync(grain);
        Assert.Equal("one", await grain.GetAsync());
        await grain.SetAsync("two");
        await grain.ClearAsync();
        Assert.Equal("fresh", await grain.GetAsync());
        await Cluster.DeactivateAsync(grain);
        Assert.Equal("fresh", await grain.GetAsync());
        await grain.SetAsync("three");
        await Cluster.DeactivateAsync(grain);
        Assert.Equal("three", await grain.GetAsync());
    }

    private async Task AreListedByServiceTypeKeyAndStateAsync()
    {
        var keys = await ListAsync();

        Assert.Contains("injected/injected/text", keys);
        Assert.Contains(keys, key => key.StartsWith("inheriting/inherited/", StringComparison.Ordinal));
    }

    private async Task<List<string>> ListAsync()
    {
        var cluster = databases.Postgres.Cluster;
        var client = new RegisterClient(cluster.Configuration, cluster.Acceptors);
        var page = await client.ListAsync($"grains/{Cluster.Options.ServiceId}/");
        return [.. page.Registers.Select(register => register.Key.Text.Split('/', 3)[2])];
    }

    private async Task StreamsKeepTheirSubscriptionsAsync()
    {
        var id = Guid.NewGuid();
        var listener = Cluster.Client.GetGrain<IListenerGrain>(id);
        await listener.SubscribeAsync();
        await Cluster.Client.GetGrain<IListenerGrain>(Guid.NewGuid()).SayAsync(id, 17);

        await Eventually.HoldsAsync(async () => (await listener.HeardAsync()).SequenceEqual([17]));
        Assert.Contains(await ListAsync(), key => key.Contains($"numbers%2F{id:N}", StringComparison.Ordinal));
    }

    private async Task TransactionsMoveAllOrNothingAsync()
    {
        var bank = Cluster.Client.GetGrain<IBankGrain>(0);
        var ada = Cluster.Client.GetGrain<IAccountGrain>("ada");
        var bob = Cluster.Client.GetGrain<IAccountGrain>("bob");
        await bank.PayInAsync("ada", 100);
        await bank.MoveAsync("ada", "bob", 30);
        await Assert.ThrowsAnyAsync<OrleansException>(() => bank.MoveAsync("ada", "bob", 1000));
        await Cluster.DeactivateAsync(ada);
        await Cluster.DeactivateAsync(bob);

        Assert.Equal((70, 30), (await ada.GetAsync(), await bob.GetAsync()));
    }

    /// <summary>Acceptance case 67: two silos activate one grain.</summary>
    private async Task OfTwoActivationsOneWinsAsync()
    {
        var left = Cluster.Grains(0).GetGrain<ISplitGrain>("split");
        var right = Cluster.Grains(1).GetGrain<ISplitGrain>("split");
        var loser = (await right.DescribeAsync()).Activation;
        Assert.NotEqual((await left.DescribeAsync()).Activation, loser);

        await left.SetAsync("left");
        var failure = await Assert.ThrowsAsync<InconsistentStateException>(() => right.SetAsync("right"));

        Assert.NotNull(failure.StoredEtag);
        Assert.Null(failure.CurrentEtag);
        await Eventually.HoldsAsync(async () => (await right.DescribeAsync()).Activation != loser);
        Assert.Equal("left", await right.GetAsync());
        await right.SetAsync("right");
        await Assert.ThrowsAsync<InconsistentStateException>(() => left.SetAsync("left again"));
    }

    private async Task TooLargeAsync()
    {
        var grain = Cluster.Client.GetGrain<IInjectedGrain>("large");
        await grain.SetAsync(new string('x', 1_000_000));
        var failure = await Assert.ThrowsAnyAsync<Exception>(() => grain.SetAsync(new string('y', 1_100_000)));

        Assert.Contains("over the limit of 1048576 bytes", failure.Message, StringComparison.Ordinal);
        await Cluster.DeactivateAsync(grain);
        Assert.Equal(new string('x', 1_000_000), await grain.GetAsync());
    }
}

/// <summary>Through the register service of the silos.</summary>
[Collection(SharedDatabasesTests.Name)]
public sealed class ServiceGrainTests(SharedDatabases databases) : GrainSuite(databases, service: true);

/// <summary>By storages that ask the databases themselves.</summary>
[Collection(SharedDatabasesTests.Name)]
public sealed class DirectGrainTests(SharedDatabases databases) : GrainSuite(databases, service: false);
