using System.Text;
using CasPaxos.Checker;
using CasPaxos.Registers;
using CasPaxos.Testing;
using CasPaxos.Testing.Load;
using Microsoft.Extensions.DependencyInjection;
using Orleans.Runtime.Hosting;
using Orleans.Storage;
using Orleans.TestingHost;

namespace CasPaxos.Orleans.Tests;

/// <summary>
/// Silos whose slots 0 and 2 are PostgreSQL databases, and slot 1 is Orleans' ADO.NET grain storage on a server of its
/// own. Everything that clients ask is recorded and goes through the checker.
/// </summary>
public sealed class MixedClusterTests : IAsyncLifetime
{
    private readonly Guid _incarnation = Guid.NewGuid();
    private readonly RecordedHistory _history = new();
    private PostgresServer[] _servers = [];
    private InProcessTestCluster? _cluster;

    private GrainRegisterClient Client => (GrainRegisterClient)_cluster!.Client.GetRegisterClient();

    public async Task InitializeAsync()
    {
        if (PostgresBinaries.SkipReason is not null)
        {
            return;
        }

        _servers = await Task.WhenAll(Enumerable.Range(0, 3).Select(
            _ => PostgresServer.StartAsync(new PostgresServerOptions { InMemory = true })));
        await StorageServer.RunAsync(_servers[1].ConnectionString(), StorageServer.Script());
        _cluster = await StorageHost.DeployAsync(3, Configure);
    }

    public async Task DisposeAsync()
    {
        if (_cluster is not null)
        {
            await _cluster.DisposeAsync();
        }

        foreach (var server in _servers)
        {
            await server.DisposeAsync();
        }
    }

    [SkippableFact]
    public async Task Registers_are_erased_and_outlive_the_loss_of_a_database_and_then_of_the_storage()
    {
        StorageServer.Need();
        await UseAsync("whole");
        Assert.Equal([true, true, true], await ServingAsync());

        // The two databases find what was deleted, and all three slots forget it: but for the counter.
        await Eventually.HoldsAsync(async () => await RowsAsync(0) == 1 && await RowsAsync(2) == 1);
        var erased = new RegisterKey("whole/0/0");
        Assert.False((await AppliedAsync(Recorded("again").GetAsync(erased))).Exists);
        var again = await AppliedAsync(Recorded("again").CreateAsync(erased, Bytes("again")));
        Assert.InRange(again.ETag.Version, 5, 10); // Erased at version 4 or, where a retry was settled, one more.
        Assert.Equal(["counter"], (await Client.ListAsync("counter")).Registers.Select(register => register.Key.Text));

        await _servers[0].KillAsync();
        await UseAsync("without a database");
        Assert.Equal([false, true, true], await ServingAsync());
        var listing = await Record.ExceptionAsync(() => Client.ListAsync("counter"));
        await _servers[0].RestartAsync();
        await Eventually.HoldsAsync(async () => (await ServingAsync()).All(serves => serves));

        await _servers[1].KillAsync();
        await UseAsync("without the storage");
        await _cluster!.StartAdditionalSiloAsync();
        Assert.Equal([true, false, true], await ServingAsync());
        var listed = await Client.ListAsync("counter");
        await _servers[1].RestartAsync();
        await Eventually.HoldsAsync(async () => (await ServingAsync()).All(serves => serves));

        await _servers[2].KillAsync();
        await UseAsync("without the other database");

        // One database can list, and a listing needs two that can: half a listing must not pass for a whole one.
        Assert.Contains("Only 1 of 2", listing?.Message, StringComparison.Ordinal);
        Assert.Contains("cannot list", listing?.Message, StringComparison.Ordinal);
        Assert.Equal(["counter"], listed.Registers.Select(register => register.Key.Text));
        var verdict = _history.Check();
        Assert.True(verdict is CheckResult.Linearizable, verdict.ToString());
    }

    private void Configure(ISiloBuilder silo, int slot)
    {
        silo.AddCasPaxosAdoNetSlot("slot 1", options =>
        {
            options.Invariant = "Npgsql";
            options.ConnectionString = _servers[1].ConnectionString();
        });
        silo.AddCasPaxos(options =>
        {
            options.Slots.Add(new CasPaxosSlotOptions { ConnectionString = _servers[0].ConnectionString() });
            options.Slots.Add(new CasPaxosSlotOptions { GrainStorage = "slot 1", Incarnation = _incarnation });
            options.Slots.Add(new CasPaxosSlotOptions { ConnectionString = _servers[2].ConnectionString() });
            options.Slot = slot < 3 ? slot : null;
            options.TombstoneAge = TimeSpan.FromMilliseconds(1);
            options.EraseInterval = TimeSpan.FromMilliseconds(250);
        });
    }

    /// <summary>
    /// Create, read, swap, count and delete, by two clients at once, on registers of their own and on a common one.
    /// </summary>
    private async Task UseAsync(string name)
    {
        await Task.WhenAll(Enumerable.Range(0, 2).Select(async worker =>
        {
            var client = Recorded($"{name}/{worker}");
            for (var i = 0; i < 5; i++)
            {
                var key = new RegisterKey($"{name}/{worker}/{i}");
                var created = await AppliedAsync(client.CreateAsync(key, Bytes("41")));
                var swapped = await AppliedAsync(client.CompareAndSwapAsync(key, created.ETag, Bytes("5")));
                var stale = await client.CompareAndSwapAsync(key, created.ETag, Bytes("x"));
                await AppliedAsync(client.IncrementAsync(key, 2));
                var read = await AppliedAsync(client.GetAsync(key));
                await AppliedAsync(client.DeleteAsync(key));
                await client.IncrementAsync(new RegisterKey("counter"), 1);

                Assert.IsType<Outcome.Refused>(stale);
                Assert.Equal("5", Text(swapped));
                Assert.Equal("7", Text(read));
            }
        }));
        await AppliedAsync(Recorded(name).GetAsync(new RegisterKey("counter")));
    }

    private IRegisterClient Recorded(string name) => _history.Of(Client, name);

    private async Task<IEnumerable<bool>> ServingAsync() =>
        (await Client.StatusAsync()).Slots.Select(slot => slot.Serves);

    private async Task<long> RowsAsync(int slot)
    {
        await using var source = Npgsql.NpgsqlDataSource.Create(_servers[slot].ConnectionString());
        await using var command = source.CreateCommand("SELECT count(*) FROM caspaxos.register");
        return (long)(await command.ExecuteScalarAsync())!;
    }

    private static async Task<Snapshot> AppliedAsync(Task<Outcome> operation)
    {
        var outcome = await operation;
        return outcome is Outcome.Applied applied ? applied.Current : throw new InvalidOperationException($"{outcome}");
    }

    private static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);

    private static string Text(Snapshot snapshot) => Encoding.UTF8.GetString(snapshot.Payload.Span);
}

/// <summary>One silo with most of its slots in grain storage: a database, and two storages of another kind.</summary>
[Collection(StorageServer.Collection)]
public sealed class MostlyStorageTests(StorageServer shared)
{
    [SkippableFact]
    public async Task Registers_work_and_what_needs_a_listing_says_that_there_is_none()
    {
        StorageServer.Need();
        var database = await shared.NewDatabaseAsync();
        StorageDouble[] storages = [new(), new()];
        Guid[] incarnations = [Guid.NewGuid(), Guid.NewGuid()];
        void Configure(ISiloBuilder silo)
        {
            for (var i = 0; i < storages.Length; i++)
            {
                var storage = storages[i];
                silo.Services.AddGrainStorage($"{i}", (_, _) => new StartedStorage(storage));
            }

            silo.AddCasPaxos(options =>
            {
                options.Slots.Add(new CasPaxosSlotOptions { GrainStorage = "0", Incarnation = incarnations[0] });
                options.Slots.Add(new CasPaxosSlotOptions { ConnectionString = database });
                options.Slots.Add(new CasPaxosSlotOptions { GrainStorage = "1", Incarnation = incarnations[1] });
                options.TombstoneAge = TimeSpan.FromMilliseconds(1);
                options.EraseInterval = TimeSpan.FromMilliseconds(50);
                options.StartTimeout = TimeSpan.FromSeconds(10);
            });
        }

        await using var cluster = await StorageHost.DeployAsync(1, (silo, _) => Configure(silo));
        var client = (GrainRegisterClient)cluster.Client.GetRegisterClient();
        var key = new RegisterKey("a");
        Assert.IsType<Outcome.Applied>(await client.IncrementAsync(key, 1));
        storages[0].BeforeRead = static _ => throw new IOException("The wire is cut.");
        Assert.IsType<Outcome.Applied>(await client.IncrementAsync(key, 1));
        var status = await client.StatusAsync();
        storages[0].BeforeRead = static _ => Task.CompletedTask;
        Assert.IsType<Outcome.Applied>(await client.DeleteAsync(key));
        var listing = await Record.ExceptionAsync(() => client.ListAsync(""));

        Assert.Equal([false, true, true], status.Slots.Select(slot => slot.Serves));
        Assert.Contains("Only 1 of 2", listing?.Message, StringComparison.Ordinal);
        Assert.Contains("'0' cannot list", listing?.Message, StringComparison.Ordinal);
        Assert.Contains("'1' cannot list", listing?.Message, StringComparison.Ordinal);
        Assert.False(cluster.Silos[0].ServiceProvider.GetRequiredService<SlotStores>().CanList);
    }

    /// <summary>As most providers, it works only once its silo, or the init, has started it.</summary>
    private sealed class StartedStorage(StorageDouble storage) : IGrainStorage, ILifecycleParticipant<ISiloLifecycle>
    {
        private bool _started;

        public void Participate(ISiloLifecycle observer) =>
            observer.Subscribe<StartedStorage>(ServiceLifecycleStage.ApplicationServices, _ =>
            {
                _started = true;
                return Task.CompletedTask;
            });

        public Task ReadStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState) =>
            Started().ReadStateAsync(stateName, grainId, grainState);

        public Task WriteStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState) =>
            Started().WriteStateAsync(stateName, grainId, grainState);

        public Task ClearStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState) =>
            Started().ClearStateAsync(stateName, grainId, grainState);

        private StorageDouble Started() =>
            _started ? storage : throw new InvalidOperationException("The storage is not started.");
    }
}
