using System.Diagnostics;
using System.Text;
using CasPaxos.Registers;
using CasPaxos.Testing;
using Orleans.TestingHost;

namespace CasPaxos.Orleans.Tests;

/// <summary>Silos whose three slots are Orleans' own ADO.NET grain storages on three PostgreSQL servers.</summary>
public sealed class StorageClusterTests : IAsyncLifetime
{
    private static readonly Guid[] Incarnations = [.. Enumerable.Range(0, 3).Select(_ => Guid.NewGuid())];

    private PostgresServer[] _servers = [];
    private InProcessTestCluster? _cluster;

    private IRegisterClient Registers => _cluster!.Client.GetRegisterClient();

    public async Task InitializeAsync()
    {
        if (PostgresBinaries.SkipReason is not null)
        {
            return;
        }

        _servers = await Task.WhenAll(Enumerable.Range(0, 3).Select(
            _ => PostgresServer.StartAsync(new PostgresServerOptions { InMemory = true })));
        foreach (var server in _servers)
        {
            await StorageServer.RunAsync(server.ConnectionString(), StorageServer.Script());
        }

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
    public async Task Registers_work_and_go_on_when_a_server_is_killed_and_a_silo_even_starts_without_it()
    {
        StorageServer.Need();
        await UseAsync("before");
        await Registers.PutAsync(new RegisterKey("kept"), Bytes("1"));

        await _servers[0].KillAsync();
        var slowest = TimeSpan.Zero;
        for (var i = 0; i < 10; i++)
        {
            var watch = Stopwatch.StartNew();
            await UseAsync($"without/{i}");
            slowest = watch.Elapsed > slowest ? watch.Elapsed : slowest;
        }

        var kept = await AppliedAsync(Registers.IncrementAsync(new RegisterKey("kept"), 1));
        await _cluster!.StartAdditionalSiloAsync();
        await UseAsync("with another silo");
        await _servers[0].RestartAsync();
        await Eventually.HoldsAsync(async () =>
            (await ((GrainRegisterClient)Registers).StatusAsync()).Slots.All(slot => slot.Serves));
        await _servers[1].KillAsync();
        var later = await AppliedAsync(Registers.IncrementAsync(new RegisterKey("kept"), 1));

        Assert.Equal("2", Text(kept));
        Assert.Equal("3", Text(later));
        Assert.True(slowest < TimeSpan.FromSeconds(5), $"The slowest round of operations took {slowest}.");
    }

    private void Configure(ISiloBuilder silo, int number)
    {
        foreach (var (server, slot) in _servers.Select((server, slot) => (server, slot)))
        {
            silo.AddCasPaxosAdoNetSlot($"slot{slot}", options =>
            {
                options.Invariant = "Npgsql";
                options.ConnectionString = server.ConnectionString();
            });
        }

        silo.AddCasPaxos(options =>
        {
            for (var slot = 0; slot < Incarnations.Length; slot++)
            {
                options.Slots.Add(new CasPaxosSlotOptions
                {
                    GrainStorage = $"slot{slot}",
                    Incarnation = Incarnations[slot],
                });
            }

            options.Slot = number < Incarnations.Length ? number : null;
        });
    }

    /// <summary>Create, read, swap, count and delete.</summary>
    private async Task UseAsync(string name)
    {
        var key = new RegisterKey(name);
        var created = await AppliedAsync(Registers.CreateAsync(key, Bytes("41")));
        var swapped = await AppliedAsync(Registers.CompareAndSwapAsync(key, created.ETag, Bytes("5")));
        var stale = await Registers.CompareAndSwapAsync(key, created.ETag, Bytes("x"));
        var counted = await AppliedAsync(Registers.IncrementAsync(key, 2));
        var read = await AppliedAsync(Registers.GetAsync(key));
        var deleted = await AppliedAsync(Registers.DeleteAsync(key));

        Assert.IsType<Outcome.Refused>(stale);
        Assert.Equal("5", Text(swapped));
        Assert.Equal("7", Text(counted));
        Assert.Equal(counted.ETag, read.ETag);
        Assert.False(deleted.Exists);
    }

    private static async Task<Snapshot> AppliedAsync(Task<Outcome> operation) =>
        Assert.IsType<Outcome.Applied>(await operation).Current;

    private static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);

    private static string Text(Snapshot snapshot) => Encoding.UTF8.GetString(snapshot.Payload.Span);
}
