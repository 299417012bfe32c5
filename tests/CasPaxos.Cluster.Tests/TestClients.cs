using CasPaxos.Checker;
using CasPaxos.Postgres;
using CasPaxos.Registers;
using CasPaxos.Testing;
using CasPaxos.Testing.Load;

namespace CasPaxos.Cluster.Tests;

/// <summary>Clients with connections of their own, as if each were a process.</summary>
internal sealed class TestClients : IAsyncDisposable
{
    private readonly List<PostgresCluster> _opened = [];

    private TestClients(RecordedHistory history) => History = history;

    public List<RegisterClient> Clients { get; } = [];

    /// <summary>The same clients, with everything that they are asked in <see cref="History"/>.</summary>
    public List<IRegisterClient> Recorded { get; } = [];

    public RecordedHistory History { get; }

    /// <param name="cluster">The servers.</param>
    /// <param name="count">How many clients.</param>
    /// <param name="options">Limits; null for the defaults.</param>
    /// <param name="history">That of other clients of the same registers; null for one of its own.</param>
    public static async Task<TestClients> OpenAsync(
        PostgresTestCluster cluster, int count, RegisterClientOptions? options = null, RecordedHistory? history = null)
    {
        var clients = new TestClients(history ?? new RecordedHistory());
        for (var i = 0; i < count; i++)
        {
            var opened = await PostgresCluster.OpenAsync(cluster.ConnectionStrings);
            clients._opened.Add(opened);
            var client = new RegisterClient(opened.Configuration, opened.Acceptors, catalog: null, options);
            clients.Clients.Add(client);
            clients.Recorded.Add(clients.History.Of(client, $"client {i}"));
        }

        return clients;
    }

    /// <summary>The answers of all recorded clients, together, are those of registers.</summary>
    public void AssertLinearizable()
    {
        var verdict = History.Check();
        Assert.True(verdict is CheckResult.Linearizable, verdict.ToString());
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var opened in _opened)
        {
            await opened.DisposeAsync();
        }
    }
}
