using Microsoft.Extensions.Hosting;
using Orleans.Configuration;
using Orleans.TestingHost;
using static CasPaxos.Orleans.Tests.StorageCalls;

namespace CasPaxos.Orleans.Tests;

/// <summary>What is looked at behind Orleans' ADO.NET storage before a slot may live there.</summary>
[Collection(StorageServer.Collection)]
public sealed class StorageAdoNetTests(StorageServer shared) : IDisposable
{
    private const string DropKey = "DROP INDEX orleansstorage_record";
    private const string Names =
        "grainidhash, graintypehash, grainidn0, grainidn1, graintypestring, grainidextensionstring, serviceid";

    private readonly List<IHost> _hosts = [];

    public void Dispose() => _hosts.ForEach(host => host.Dispose());

    [SkippableFact]
    public async Task A_table_without_a_unique_key_is_refused_with_what_to_run_and_taken_once_that_was_run() // T-O2
    {
        StorageServer.Need();
        var database = await shared.NewStorageDatabaseAsync();
        var options = StorageHost.Options(StorageHost.Name);
        await StorageHost.InitializeAsync(Host(database), options);
        await StorageServer.RunAsync(database, DropKey);

        var opening = await Assert.ThrowsAsync<SlotStoreException>(
            () => StorageHost.OpenAsync(Host(database), options));
        var init = await Assert.ThrowsAsync<SlotStoreException>(
            () => StorageHost.InitializeAsync(Host(database), StorageHost.Options(StorageHost.Name)));
        await StorageServer.RunAsync(database, StorageServer.Script());
        var opened = await StorageHost.OpenAsync(Host(database), options);

        Assert.All([opening, init], failure =>
        {
            Assert.Contains("unique key", failure.Message, StringComparison.Ordinal);
            Assert.Contains("sql/orleans-storage/postgresql.sql", failure.Message, StringComparison.Ordinal);
            Assert.False(failure.MayPass);
        });
        Assert.Empty(opened.Warnings);
    }

    [SkippableTheory]
    [InlineData($"CREATE UNIQUE INDEX i ON orleansstorage ({Names})", true)]
    [InlineData($"CREATE UNIQUE INDEX i ON orleansstorage ({Names}) NULLS NOT DISTINCT", true)]
    [InlineData($"ALTER TABLE orleansstorage ADD UNIQUE ({Names})", true)]
    [InlineData($"CREATE INDEX i ON orleansstorage ({Names})", false)]
    [InlineData($"CREATE UNIQUE INDEX i ON orleansstorage ({Names}, version)", false)]
    [InlineData($"CREATE UNIQUE INDEX i ON orleansstorage ({Names}) WHERE version > 1", false)]
    [InlineData($"CREATE UNIQUE INDEX i ON orleansstorage (grainidhash, md5(grainidextensionstring))", false)]
    [InlineData($"ALTER TABLE orleansstorage ADD UNIQUE ({Names}) DEFERRABLE INITIALLY DEFERRED", false)]
    public async Task Only_a_key_that_holds_at_once_and_for_every_record_will_do(string key, bool will)
    {
        StorageServer.Need();
        var database = await shared.NewStorageDatabaseAsync();
        await StorageServer.RunAsync(database, $"{DropKey}; {key}");
        var init = () => StorageHost.InitializeAsync(Host(database), StorageHost.Options(StorageHost.Name));

        if (will)
        {
            await init();
        }
        else
        {
            var failure = await Assert.ThrowsAsync<SlotStoreException>(init);
            Assert.Contains("unique key", failure.Message, StringComparison.Ordinal);
        }
    }

    [SkippableFact]
    public async Task Without_the_key_two_first_writers_both_win() // The reason for the check: T-O2 itself.
    {
        StorageServer.Need();
        var database = await shared.NewStorageDatabaseAsync();
        var options = StorageHost.Options(StorageHost.Name);
        await StorageHost.InitializeAsync(Host(database), options);
        var acceptors = new[]
        {
            await StorageHost.OpenAcceptorAsync(Host(database), options),
            await StorageHost.OpenAcceptorAsync(Host(database), options),
        };
        await Task.WhenAll(acceptors.Select(acceptor => acceptor.ReadAsync("admitted")));
        await StorageServer.RunAsync(database, DropKey);

        var bothWon = 0;
        for (var round = 0; round < 60; round++)
        {
            var replies = await Task.WhenAll(
                acceptors.Select((acceptor, i) => acceptor.AcceptAsync($"race/{round}", B(1), $"{i}")));
            bothWon += replies.All(reply => reply is AcceptorReply.Accepted) ? 1 : 0;
        }

        Assert.NotEqual(0, bothWon);
    }

    [SkippableFact]
    public async Task A_database_without_the_table_is_refused_with_what_to_run()
    {
        StorageServer.Need();
        var database = await shared.NewDatabaseAsync();

        var failure = await Assert.ThrowsAsync<SlotStoreException>(
            () => StorageHost.InitializeAsync(Host(database), StorageHost.Options(StorageHost.Name)));

        Assert.Contains("no table OrleansStorage", failure.Message, StringComparison.Ordinal);
    }

    [SkippableFact]
    public async Task A_server_that_would_forget_what_it_confirmed_is_refused()
    {
        StorageServer.Need();
        var database = await shared.NewStorageDatabaseAsync();

        var failure = await Assert.ThrowsAsync<SlotStoreException>(() => StorageHost.InitializeAsync(
            Host(database + ";Options=-c synchronous_commit=off"), StorageHost.Options(StorageHost.Name)));

        Assert.Contains("synchronous_commit", failure.Message, StringComparison.Ordinal);
    }

    [SkippableFact]
    public async Task Orleans_own_registration_works_and_is_refused_while_nothing_checks_it()
    {
        StorageServer.Need();
        var database = await shared.NewStorageDatabaseAsync();
        var options = StorageHost.Options(StorageHost.Name);
        void Add(ISiloBuilder silo) => silo.AddAdoNetGrainStorage(StorageHost.Name, Point(database));

        var failure = await Assert.ThrowsAsync<SlotStoreException>(
            () => StorageHost.InitializeAsync(Host(Add), options));
        var services = Host(silo =>
        {
            Add(silo);
            silo.AddCasPaxosAdoNet();
        });
        await StorageHost.InitializeAsync(services, options);
        var reply = await (await StorageHost.OpenAcceptorAsync(services, options)).PrepareAsync("a", B(1));

        Assert.Contains("AddCasPaxosAdoNet()", failure.Message, StringComparison.Ordinal);
        Assert.IsType<AcceptorReply.Promised>(reply);
    }

    [SkippableFact]
    public async Task Two_slots_on_one_server_are_refused_unless_that_is_allowed() // T-O5
    {
        StorageServer.Need();
        var databases = new[] { await shared.NewStorageDatabaseAsync(), await shared.NewStorageDatabaseAsync() };
        var options = StorageHost.Options("0", "1");
        var services = Host(silo =>
        {
            silo.AddCasPaxosAdoNetSlot("0", Point(databases[0]));
            silo.AddCasPaxosAdoNetSlot("1", Point(databases[1]));
        });

        var failure = await Assert.ThrowsAsync<SlotStoreException>(
            () => StorageHost.InitializeAsync(services, options));
        options.AllowSharedServer = true;
        await StorageHost.InitializeAsync(services, options);

        Assert.Contains("system_identifier", failure.Message, StringComparison.Ordinal);
    }

    [SkippableFact]
    public async Task A_silo_whose_slots_table_has_no_unique_key_does_not_start()
    {
        StorageServer.Need();
        var database = await shared.NewStorageDatabaseAsync();
        await StorageServer.RunAsync(database, DropKey);
        var builder = new InProcessTestClusterBuilder(1);
        builder.ConfigureSilo((_, silo) =>
        {
            silo.AddCasPaxosAdoNetSlot(StorageHost.Name, Point(database));
            silo.AddCasPaxos(options => options.Slots.Add(
                new CasPaxosSlotOptions { GrainStorage = StorageHost.Name, Incarnation = Guid.NewGuid() }));
        });
        await using var cluster = builder.Build();

        var failure = await Assert.ThrowsAnyAsync<Exception>(() => cluster.DeployAsync());

        Assert.Contains("unique key", failure.ToString(), StringComparison.Ordinal);
    }

    private static Action<AdoNetGrainStorageOptions> Point(string database) => options =>
    {
        options.Invariant = "Npgsql";
        options.ConnectionString = database;
    };

    private IServiceProvider Host(string database) =>
        Host(silo => silo.AddCasPaxosAdoNetSlot(StorageHost.Name, Point(database)));

    private IServiceProvider Host(Action<ISiloBuilder> configure)
    {
        _hosts.Add(StorageHost.Build(configure));
        return _hosts[^1].Services;
    }
}
