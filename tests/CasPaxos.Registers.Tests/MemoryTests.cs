using Microsoft.Extensions.Time.Testing;
using static CasPaxos.Registers.Tests.RegisterClientTests;

namespace CasPaxos.Registers.Tests;

/// <summary>What proposers remember is bounded in bytes and in time, and no value is kept twice.</summary>
[Collection(AloneCollection.Name)]
public sealed class MemoryTests
{
    private readonly Cluster _cluster = new();

    [Fact]
    public async Task Large_values_make_the_proposers_be_forgotten_that_nobody_uses()
    {
        const int bytes = 64 * 1024;
        var client = _cluster.Client(new RegisterClientOptions { ProposerBytesMax = 1024 * 1024 });

        for (var round = 0; round < 2; round++)
        {
            for (var i = 0; i < 100; i++)
            {
                Assert.IsType<Outcome.Applied>(await client.PutAsync(Register(i), new byte[bytes]));
            }
        }

        var most = 1024 * 1024 / bytes;
        await Wait.UntilAsync(() => Remembered(client, 100) <= most);
        Assert.InRange(Remembered(client, 100), most / 4, most);
        Assert.Equal(bytes, Assert.IsType<Outcome.Applied>(await client.GetAsync(Register(0))).Current.Payload.Length);
    }

    [Fact]
    public async Task Small_values_are_remembered()
    {
        var client = _cluster.Client();

        await Task.WhenAll(Enumerable.Range(0, 1_000).Select(i => client.PutAsync(Register(i), Bytes("x"))));

        Assert.Equal(1_000, Remembered(client, 1_000));
    }

    [Fact]
    public async Task Proposers_that_nobody_uses_are_forgotten_in_time()
    {
        var time = new FakeTimeProvider();
        var client = new RegisterClient(_cluster.Configuration, _cluster.Acceptors, time: time);
        await client.PutAsync(Register(0), Bytes("x"));
        await client.PutAsync(Register(1), Bytes("x"));

        for (var minutes = 0; minutes < 20; minutes++)
        {
            time.Advance(TimeSpan.FromMinutes(1));
            await client.GetAsync(Register(1));
        }

        Assert.Null(client.Statistics(Register(0)));
        Assert.NotNull(client.Statistics(Register(1)));
        await Wait.UntilAsync(() =>
        {
            time.Advance(TimeSpan.FromMinutes(1));
            return Remembered(client, 2) == 0;
        });
    }

    [Fact]
    public async Task A_value_that_was_written_and_read_is_kept_once()
    {
        const int bytes = 1024 * 1024;
        const int count = 50;
        var client = _cluster.Client();
        var before = GC.GetTotalMemory(forceFullCollection: true);

        for (var i = 0; i < count; i++)
        {
            await client.PutAsync(Register(i), new byte[bytes]);
            await client.GetAsync(Register(i));
        }

        await _cluster.CalledAsync(count * 3 * 3); // The third slot answers behind the quorum.
        var kept = GC.GetTotalMemory(forceFullCollection: true) - before;

        // The acceptors here are in the same memory, and hold what they were sent: the proposers' copy.
        Assert.InRange(kept, count * bytes / 2, count * bytes * 3L / 2); // Kept twice, it would be twice as much.
        Assert.Equal(count, Remembered(client, count));
    }

    private static RegisterKey Register(int number) => new($"register {number}");

    private static int Remembered(RegisterClient client, int registers) =>
        Enumerable.Range(0, registers).Count(i => client.Statistics(Register(i)) is not null);
}

/// <summary>Tests that look at the memory of the process, with no other beside them.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class AloneCollection
{
    public const string Name = "alone";
}
