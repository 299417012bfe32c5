using CasPaxos.Testing;

namespace CasPaxos.Postgres.Tests;

/// <summary>One server for all tests that do not harm it; each test has a database of its own there.</summary>
public sealed class SharedServer : IAsyncLifetime
{
    public const string Name = "shared server";

    private PostgresServer? _server;
    private int _databases;

    public PostgresServer Server => _server ?? throw new InvalidOperationException("Call Skip first.");

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
    public async Task<string> NewDatabaseAsync()
    {
        Skip.If(PostgresBinaries.SkipReason is not null, PostgresBinaries.SkipReason);
        return await Server.CreateDatabaseAsync($"test_{Interlocked.Increment(ref _databases)}");
    }

    /// <summary>A database with a one-slot cluster, opened.</summary>
    internal async Task<TestAcceptor> NewAcceptorAsync()
    {
        return await TestAcceptor.CreateAsync(await NewDatabaseAsync());
    }
}

[CollectionDefinition(SharedServer.Name)]
public sealed class SharedServerCollection : ICollectionFixture<SharedServer>;
