using CasPaxos.Registers;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Npgsql;
using static CasPaxos.Orleans.Tests.StorageCalls;

namespace CasPaxos.Orleans.Tests;

/// <summary>
/// The init and the opening of a cluster with slot 0 in a PostgreSQL database, slot 1 in an Orleans grain storage and
/// slot 2 in a PostgreSQL database. The rules are those of ClusterSlotsTests; here the two kinds of stores keep them.
/// </summary>
[Collection(StorageServer.Collection)]
public sealed class MixedInitTests(StorageServer shared) : IAsyncLifetime, IDisposable
{
    private const string Storage = "slot 1";

    private readonly StorageDouble _storage = new();
    private readonly List<IHost> _hosts = [];
    private readonly List<OpenedCluster> _opened = [];
    private readonly CasPaxosOptions _options = new()
    {
        AcceptorTimeout = StorageHost.Patience,
        AllowSharedServer = true,
    };

    private ServiceProvider? _services;

    public async Task InitializeAsync()
    {
        _services = StorageHost.Services((Storage, _storage));
        _options.Slots.Add(new CasPaxosSlotOptions { ConnectionString = "" });
        _options.Slots.Add(new CasPaxosSlotOptions { GrainStorage = Storage, Incarnation = Guid.NewGuid() });
        _options.Slots.Add(new CasPaxosSlotOptions { ConnectionString = "" });
        if (Testing.PostgresBinaries.SkipReason is null)
        {
            _options.Slots[0].ConnectionString = await shared.NewDatabaseAsync();
            _options.Slots[2].ConnectionString = await shared.NewDatabaseAsync();
        }
    }

    public async Task DisposeAsync()
    {
        foreach (var acceptor in _opened.SelectMany(cluster => cluster.Slots).Select(slot => slot.Acceptor))
        {
            await ((acceptor as IAsyncDisposable)?.DisposeAsync() ?? default);
        }
    }

    public void Dispose()
    {
        _hosts.ForEach(host => host.Dispose());
        _services?.Dispose();
    }

    [SkippableFact]
    public async Task The_init_draws_incarnations_for_databases_and_takes_that_of_a_storage_from_the_options()
    {
        StorageServer.Need();

        var made = await InitAsync();
        var opened = await OpenAsync();
        var again = await Assert.ThrowsAsync<SlotStoreException>(() => InitAsync());
        var resumed = await Assert.ThrowsAsync<SlotStoreException>(() => InitAsync(resume: true));

        Assert.Equal(made.ClusterId, opened.Configuration.ClusterId);
        Assert.Equal(_options.Slots[1].Incarnation, made.Incarnations[1]);
        Assert.Equal(3, made.Incarnations.Distinct().Count());
        Assert.Equal<IEnumerable<Guid>>(made.Incarnations, opened.Configuration.Incarnations);
        Assert.Contains("Slots 0 and 2 are on one server", Assert.Single(opened.Warnings), StringComparison.Ordinal);
        foreach (var slot in opened.Slots)
        {
            Assert.IsType<AcceptorReply.Promised>(await slot.Acceptor.PrepareAsync("a", B(1)));
            Assert.Null((await slot.StatusAsync(default)).Problem);
        }

        Assert.All([again, resumed], failure =>
            Assert.Contains("there already", failure.Message, StringComparison.Ordinal));
    }

    [SkippableTheory]
    [InlineData(0)] // Slot 0 has its identity, 1 and 2 have none.
    [InlineData(2)] // All have theirs and slot 0 is complete: it says what the others are to be.
    public async Task An_init_that_was_interrupted_at_the_storage_serves_nobody_and_is_resumed(int writesBefore)
    {
        StorageServer.Need();
        var writes = 0;
        _storage.BeforeWrite = _ =>
            writes++ < writesBefore ? Task.CompletedTask : throw new IOException("The wire is cut.");

        var interruption = await Assert.ThrowsAsync<SlotStoreException>(() => InitAsync());
        _storage.BeforeWrite = static _ => Task.CompletedTask;
        var unopened = await Assert.ThrowsAsync<SlotStoreException>(OpenAsync);
        var anew = await Assert.ThrowsAsync<SlotStoreException>(() => InitAsync());
        var begun = await IdentityAsync(_options.Slots[0].ConnectionString!);
        var resumed = await InitAsync(resume: true);

        Assert.Contains("let it resume", interruption.Message, StringComparison.Ordinal);
        Assert.Contains("not completely initialised", unopened.Message, StringComparison.Ordinal);
        Assert.Contains("begun and not finished", anew.Message, StringComparison.Ordinal);
        Assert.Equal(begun, resumed.Incarnations[0]);
        Assert.Equal(resumed.ClusterId, (await OpenAsync()).Configuration.ClusterId);
    }

    [SkippableFact]
    public async Task An_init_that_was_interrupted_at_a_database_goes_on_where_the_storage_has_its_record()
    {
        StorageServer.Need();
        var right = _options.Slots[2].ConnectionString!;
        await StorageServer.RunAsync(right, "CREATE ROLE mixed_powerless LOGIN");
        _options.Slots[2].ConnectionString =
            new NpgsqlConnectionStringBuilder(right) { Username = "mixed_powerless" }.ConnectionString;

        var interruption = await Assert.ThrowsAsync<SlotStoreException>(() => InitAsync());
        _options.Slots[2].ConnectionString = right;
        var incarnation = _options.Slots[1].Incarnation;
        _options.Slots[1].Incarnation = Guid.NewGuid();
        var other = await Assert.ThrowsAsync<SlotStoreException>(() => InitAsync(resume: true));
        _options.Slots[1].Incarnation = incarnation;
        var resumed = await InitAsync(resume: true);

        Assert.Contains("permission denied", interruption.Message, StringComparison.Ordinal);
        Assert.Contains("not the slots of one init", other.Message, StringComparison.Ordinal);
        Assert.Equal(incarnation, resumed.Incarnations[1]);
        Assert.Equal(resumed.ClusterId, (await OpenAsync()).Configuration.ClusterId);
    }

    [SkippableTheory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_cluster_opens_without_a_slot_of_either_kind_and_the_slot_serves_when_it_is_back(bool storage)
    {
        StorageServer.Need();
        await InitAsync();
        var right = _options.Slots[0].ConnectionString!;
        if (storage)
        {
            _storage.BeforeRead = static _ => throw new IOException("The wire is cut.");
        }
        else
        {
            await StorageServer.RunAsync(right, "ALTER SCHEMA caspaxos RENAME TO elsewhere");
        }

        var opened = await OpenAsync();
        var slot = opened.Slots[storage ? 1 : 0];
        await Assert.ThrowsAsync<AcceptorUnavailableException>(() => slot.Acceptor.PrepareAsync("a", B(1)));
        var down = await slot.StatusAsync(default);
        _storage.BeforeRead = static _ => Task.CompletedTask;
        if (!storage)
        {
            await StorageServer.RunAsync(right, "ALTER SCHEMA elsewhere RENAME TO caspaxos");
        }

        var reply = await slot.Acceptor.PrepareAsync("a", B(1));

        Assert.Contains(opened.Warnings, warning =>
            warning.Contains(storage ? "The wire is cut" : "holds no acceptor", StringComparison.Ordinal));
        Assert.NotNull(down.Problem);
        Assert.IsType<AcceptorReply.Promised>(reply);
    }

    [SkippableFact]
    public async Task Slots_in_another_order_and_a_storage_of_another_incarnation_do_not_open()
    {
        StorageServer.Need();
        await InitAsync();
        Swap(0, 1);
        var kinds = await Assert.ThrowsAsync<SlotStoreException>(OpenAsync);
        Swap(0, 1);
        Swap(0, 2);
        var databases = await Assert.ThrowsAsync<SlotStoreException>(OpenAsync);
        Swap(0, 2);
        _options.Slots[1].Incarnation = Guid.NewGuid();
        var incarnation = await Assert.ThrowsAsync<SlotStoreException>(OpenAsync);

        Assert.Contains("another order", kinds.Message, StringComparison.Ordinal);
        Assert.Contains("leads to the database of slot 2", databases.Message, StringComparison.Ordinal);
        Assert.Contains("the options have others", incarnation.Message, StringComparison.Ordinal);
    }

    [SkippableFact]
    public async Task A_database_and_an_ado_net_storage_on_one_server_are_refused() // T-O5
    {
        StorageServer.Need();
        _options.Slots.RemoveAt(2);
        _options.AllowSharedServer = false;
        var database = await shared.NewStorageDatabaseAsync();
        _hosts.Add(StorageHost.Build(silo => silo.AddCasPaxosAdoNetSlot(Storage, options =>
        {
            options.Invariant = "Npgsql";
            options.ConnectionString = database;
        })));

        var init = await Assert.ThrowsAsync<SlotStoreException>(
            () => StorageHost.InitializeAsync(_hosts[0].Services, _options));
        _options.AllowSharedServer = true;
        await StorageHost.InitializeAsync(_hosts[0].Services, _options);
        _options.AllowSharedServer = false;
        var opening = await Assert.ThrowsAsync<SlotStoreException>(
            () => StorageHost.OpenAsync(_hosts[0].Services, _options));

        const string fault = "Slots 0 and 1 are on one server (PostgreSQL, system_identifier";
        Assert.Contains(fault, init.Message, StringComparison.Ordinal);
        Assert.Contains(fault, opening.Message, StringComparison.Ordinal);
    }

    [SkippableFact]
    public async Task A_cluster_of_databases_alone_is_initialised_by_the_same_call()
    {
        StorageServer.Need();
        _options.Slots.RemoveAt(1);

        var made = await InitAsync();

        Assert.Equal(made.ClusterId, (await OpenAsync()).Configuration.ClusterId);
    }

    private void Swap(int first, int second) =>
        (_options.Slots[first], _options.Slots[second]) = (_options.Slots[second], _options.Slots[first]);

    private Task<Configuration> InitAsync(bool resume = false) =>
        StorageHost.InitializeAsync(_services!, _options, resume);

    private async Task<OpenedCluster> OpenAsync()
    {
        _opened.Add(await StorageHost.OpenAsync(_services!, _options));
        return _opened[^1];
    }

    private static async Task<Guid> IdentityAsync(string database)
    {
        await using var source = NpgsqlDataSource.Create(database);
        await using var command = source.CreateCommand("SELECT incarnation FROM caspaxos.identity");
        return (Guid)(await command.ExecuteScalarAsync())!;
    }
}
