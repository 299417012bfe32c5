using CasPaxos.Postgres;
using CasPaxos.Registers;
using CasPaxos.Testing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Orleans.Storage;
using Orleans.TestingHost;

namespace CasPaxos.Orleans.Tests;

/// <summary>One server for the storage tests that do not harm it.</summary>
public sealed class StorageServer : IAsyncLifetime
{
    public const string Collection = "storage server";

    private PostgresServer? _server;
    private int _databases;

    public PostgresServer Server => _server ?? throw new InvalidOperationException("Call Need first.");

    public static void Need() => Skip.If(PostgresBinaries.SkipReason is not null, PostgresBinaries.SkipReason);

    public async Task InitializeAsync()
    {
        if (PostgresBinaries.SkipReason is null)
        {
            _server = await PostgresServer.StartAsync(new PostgresServerOptions { InMemory = true });
        }
    }

    public async Task DisposeAsync()
    {
        if (_server is not null)
        {
            await _server.DisposeAsync();
        }
    }

    /// <summary>An empty database.</summary>
    public Task<string> NewDatabaseAsync() =>
        Server.CreateDatabaseAsync($"storage_{Interlocked.Increment(ref _databases)}");

    /// <summary>A database with our tables for grain state.</summary>
    public async Task<string> NewStorageDatabaseAsync()
    {
        var connectionString = await NewDatabaseAsync();
        await RunAsync(connectionString, Script());
        return connectionString;
    }

    /// <summary>The script that ships.</summary>
    public static string Script() =>
        File.ReadAllText(Checkout.PathOf("sql", "orleans-storage", "postgresql.sql"));

    public static async Task RunAsync(string connectionString, string sql)
    {
        await using var source = Npgsql.NpgsqlDataSource.Create(connectionString);
        await using var command = source.CreateCommand(sql);
        await command.ExecuteNonQueryAsync();
    }
}

[CollectionDefinition(StorageServer.Collection)]
public sealed class StorageServerCollection : ICollectionFixture<StorageServer>;

/// <summary>The suite over PostgreSQL slots.</summary>
[Collection(StorageServer.Collection)]
public sealed class StoragePostgresTests(StorageServer shared) : StorageSuite, IAsyncLifetime
{
    private readonly List<PostgresCluster> _open = [];

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync()
    {
        foreach (var cluster in _open)
        {
            await cluster.DisposeAsync();
        }
    }

    protected override async Task<StoreUnderTest> NewAsync()
    {
        StorageServer.Need();
        var connectionString = await shared.NewDatabaseAsync();
        await PostgresCluster.InitializeAsync([connectionString]);
        return new StoreUnderTest(await OpenAsync(connectionString), await OpenAsync(connectionString));
    }

    private async Task<IAcceptor> OpenAsync(string connectionString)
    {
        var options = new PostgresAcceptorOptions
        {
            StatementTimeout = StorageHost.Patience,
            ConnectTimeout = StorageHost.Patience,
        };
        _open.Add(await PostgresCluster.OpenAsync([connectionString], options));
        return _open[^1].Acceptors[0];
    }
}

/// <summary>The suite over Orleans' ADO.NET storage on PostgreSQL, with our script.</summary>
[Collection(StorageServer.Collection)]
public sealed class StorageAdoNetSuiteTests(StorageServer shared) : StorageSuite, IAsyncLifetime
{
    private readonly List<IHost> _hosts = [];

    public Task InitializeAsync() => Task.CompletedTask;

    public Task DisposeAsync()
    {
        _hosts.ForEach(host => host.Dispose());
        return Task.CompletedTask;
    }

    protected override async Task<StoreUnderTest> NewAsync()
    {
        StorageServer.Need();
        var connectionString = await shared.NewStorageDatabaseAsync();
        var options = StorageHost.Options(StorageHost.Name);
        await StorageHost.InitializeAsync(Host(connectionString), options);
        return new StoreUnderTest(
            await StorageHost.OpenAcceptorAsync(Host(connectionString), options),
            await StorageHost.OpenAcceptorAsync(Host(connectionString), options));
    }

    // Each has a provider of its own, as each silo does.
    private IServiceProvider Host(string connectionString)
    {
        _hosts.Add(StorageHost.Build(silo => silo.AddCasPaxosAdoNetSlot(StorageHost.Name, options =>
        {
            options.Invariant = "Npgsql";
            options.ConnectionString = connectionString;
        })));
        return _hosts[^1].Services;
    }
}

/// <summary>The suite over Orleans' memory storage: another provider, with another kind of ETag.</summary>
public sealed class StorageMemorySuiteTests(StorageMemorySilo silo) : StorageSuite, IClassFixture<StorageMemorySilo>
{
    protected override async Task<StoreUnderTest> NewAsync()
    {
        var options = StorageHost.Options(StorageHost.Name);
        var services = StorageHost.Services((StorageHost.Name, silo.Storage));
        await StorageHost.InitializeAsync(services, options);
        return new StoreUnderTest(
            await StorageHost.OpenAcceptorAsync(services, options),
            await StorageHost.OpenAcceptorAsync(services, options));
    }
}

/// <summary>A silo with memory storage.</summary>
public sealed class StorageMemorySilo : IAsyncLifetime
{
    private InProcessTestCluster? _cluster;

    public IGrainStorage Storage => new WithoutLifecycle(
        _cluster!.Silos[0].ServiceProvider.GetRequiredKeyedService<IGrainStorage>(StorageHost.Name));

    public async Task InitializeAsync()
    {
        var builder = new InProcessTestClusterBuilder(1);
        builder.ConfigureSilo((_, silo) => silo.AddMemoryGrainStorage(StorageHost.Name));
        _cluster = builder.Build();
        await _cluster.DeployAsync();
    }

    public async Task DisposeAsync()
    {
        if (_cluster is not null)
        {
            await _cluster.DisposeAsync();
        }
    }

    /// <summary>It was started with its silo already.</summary>
    private sealed class WithoutLifecycle(IGrainStorage storage) : IGrainStorage
    {
        public Task ReadStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState) =>
            storage.ReadStateAsync(stateName, grainId, grainState);

        public Task WriteStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState) =>
            storage.WriteStateAsync(stateName, grainId, grainState);

        public Task ClearStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState) =>
            storage.ClearStateAsync(stateName, grainId, grainState);
    }
}
