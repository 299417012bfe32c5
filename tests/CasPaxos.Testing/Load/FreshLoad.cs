using System.Globalization;
using System.Text;
using CasPaxos.Registers;

namespace CasPaxos.Testing.Load;

/// <summary>
/// Workers that use each register for a moment and never again: created by one client, changed and read by the others.
/// No register is warm anywhere, so whatever a cold one has to wait for is seen.
/// </summary>
/// <param name="clients">A register's operations go to one after the other.</param>
/// <param name="workers">How many operations at a time.</param>
/// <param name="seed">What the workers choose depends on this alone.</param>
/// <param name="prefix">What the keys begin with; another one for every load on the same servers.</param>
public sealed class FreshLoad(IReadOnlyList<IRegisterClient> clients, int workers, int seed, string prefix = "")
{
    /// <summary>What came of it.</summary>
    public LoadMeter Meter { get; } = new();

    /// <summary>Runs until told to stop; every operation begun is ended before it returns.</summary>
    public Task RunAsync(CancellationToken stop) =>
        Task.WhenAll(Enumerable.Range(0, workers).Select(worker => Task.Run(() => WorkAsync(worker, stop), stop)));

    private async Task WorkAsync(int worker, CancellationToken stop)
    {
        var random = new Random((seed * 1000) + worker);
        for (var number = 0; !stop.IsCancellationRequested; number++)
        {
            var key = new RegisterKey(string.Create(
                CultureInfo.InvariantCulture, $"{prefix}fresh/{worker}/{number}"));
            var client = random.Next(clients.Count);
            foreach (var change in Life(random, Encoding.UTF8.GetBytes($"{worker}.{number}")))
            {
                await ExecuteAsync(worker, client++ % clients.Count, key, change);
            }
        }
    }

    private async Task ExecuteAsync(int worker, int client, RegisterKey key, Change change)
    {
        var start = Meter.Begin(key.Text);
        var outcome = await clients[client].ExecuteAsync(key, change);
        if (outcome is Outcome.Unknown unknown)
        {
            outcome = await clients[(client + 1) % clients.Count].RetryAsync(key, change, unknown);
        }

        Meter.End($"fresh {worker}", key.Text, change, outcome, start);
    }

    /// <summary>All that ever happens to one register, each value unique.</summary>
    private static Change[] Life(Random random, byte[] value) => random.Next(4) switch
    {
        0 => [new Change.Put(value), new Change.Read()],
        1 => [new Change.Create(value), new Change.Append("+"u8.ToArray())],
        2 => [new Change.Read(), new Change.Create(value), new Change.Read()],
        _ => [new Change.Create(value), new Change.Delete(null, DateTimeOffset.UtcNow.ToUnixTimeMilliseconds())],
    };
}
