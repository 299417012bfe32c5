using System.Globalization;
using System.Text;
using CasPaxos.Registers;

namespace CasPaxos.Testing.Load;

/// <summary>
/// Workers that read and change registers in every way there is, each value unique, and record what they are told. The
/// first tenth of the registers are counters; the others hold text.
/// </summary>
/// <param name="clients">Workers share them out; a retry goes to the next one.</param>
/// <param name="registers">How many registers.</param>
/// <param name="workers">How many operations at a time.</param>
/// <param name="seed">What the workers choose depends on this alone.</param>
/// <param name="prefix">
/// What the keys begin with; another one for every load on the same servers, since the checker begins with no register.
/// </param>
/// <param name="firstWorker">
/// The number of the first worker. Loads on the same registers need workers of their own: they name the values.
/// </param>
public sealed class MixedLoad(
    IReadOnlyList<IRegisterClient> clients,
    int registers,
    int workers,
    int seed,
    string prefix = "",
    int firstWorker = 0)
{
    private const int AppendedMax = 200;

    /// <summary>What came of it.</summary>
    public LoadMeter Meter { get; } = new();

    /// <summary>Runs until told to stop; every operation begun is ended before it returns.</summary>
    public Task RunAsync(CancellationToken stop) =>
        Task.WhenAll(Enumerable.Range(firstWorker, workers)
            .Select(worker => Task.Run(() => WorkAsync(worker, stop), stop)));

    /// <summary>Reads every register once and records it: whatever was acknowledged must be there.</summary>
    public async Task ReadAllAsync()
    {
        for (var register = 0; register < registers; register++)
        {
            var read = new Change.Read();
            var key = KeyOf(register);
            var start = Meter.Begin(key.Text);
            Meter.End("reader", key.Text, read, await clients[register % clients.Count].ExecuteAsync(key, read), start);
        }
    }

    private async Task WorkAsync(int worker, CancellationToken stop)
    {
        var random = new Random((seed * 1000) + worker);
        var seen = new Dictionary<int, Snapshot>();
        for (var number = 0; !stop.IsCancellationRequested; number++)
        {
            var register = random.Next(registers);
            var key = KeyOf(register);
            var value = string.Create(CultureInfo.InvariantCulture, $"{worker}.{number};");
            var change = IsCounter(register)
                ? CounterChange(random)
                : TextChange(random, seen.GetValueOrDefault(register), Encoding.UTF8.GetBytes(value));

            var start = Meter.Begin(key.Text);
            var outcome = await ExecuteAsync(worker, key, change);
            Meter.End($"worker {worker}", key.Text, change, outcome, start);
            seen[register] = outcome switch
            {
                Outcome.Applied applied => applied.Current,
                Outcome.Refused refused => refused.Current,
                _ => default,
            };
        }
    }

    private bool IsCounter(int register) => register < registers / 10;

    private RegisterKey KeyOf(int register) => new(string.Create(
        CultureInfo.InvariantCulture, $"{prefix}{(IsCounter(register) ? "counter" : "text")}/{register:000}"));

    /// <summary>An operation of unknown outcome is tried once more, elsewhere, to learn the truth.</summary>
    private async Task<Outcome> ExecuteAsync(int worker, RegisterKey key, Change change)
    {
        var outcome = await clients[worker % clients.Count].ExecuteAsync(key, change);
        return outcome is Outcome.Unknown unknown
            ? await clients[(worker + 1) % clients.Count].RetryAsync(key, change, unknown)
            : outcome;
    }

    private static Change CounterChange(Random random) =>
        random.Next(4) == 0 ? new Change.Read() : new Change.Increment(random.Next(1, 100));

    private static Change TextChange(Random random, Snapshot seen, byte[] value) => random.Next(10) switch
    {
        0 or 1 or 2 => new Change.Read(),
        3 => new Change.Create(value),
        4 => new Change.Delete(
            random.Next(2) == 0 && seen.Exists ? seen.ETag : null, DateTimeOffset.UtcNow.ToUnixTimeMilliseconds()),
        5 or 6 => new Change.CompareAndSwap(seen.ETag, value),
        7 when seen.Payload.Length < AppendedMax => new Change.Append(value),
        _ => new Change.Put(value),
    };
}
