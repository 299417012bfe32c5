using CasPaxos.Checker;
using CasPaxos.Registers;
using CasPaxos.Testing.Load;

namespace CasPaxos.Orleans.Chaos;

/// <summary>
/// What the clients of one silo ask, on registers that the clients of the others ask too and on new ones; one window of
/// time after the other, so that memory stays bounded.
/// </summary>
internal sealed class SiloLoad(int silo, IReadOnlyList<IRegisterClient> own, int workers, int seed)
{
    private const int Registers = 60;

    private IReadOnlyList<LoadMeter> _meters = [];
    private Func<Task> _endAsync = () => Task.CompletedTask;

    /// <summary>The longest gaps since they were last taken, and what failed.</summary>
    public GapsTaken Take(out long[] latencies)
    {
        var taken = _meters.Aggregate(
            new GapsTaken(TimeSpan.Zero, 0, []), (sum, meter) => sum.With(meter.TakeGaps()));
        latencies = [.. _meters.SelectMany(meter => meter.TakeLatencies())];
        List<string> failures = [.. _meters.SelectMany(meter => meter.TakeFailures())];
        return taken with { Failed = failures.Count, Failures = failures };
    }

    /// <summary>Begins a window on registers of its own.</summary>
    public void Begin(string prefix)
    {
        var mixed = new MixedLoad(own, Registers, workers, seed + silo, prefix, firstWorker: silo * 100);
        var fresh = new FreshLoad(own, Math.Max(1, workers / 2), seed + silo, $"{prefix}{silo}/");
        var stop = new CancellationTokenSource();
        var running = Task.WhenAll(mixed.RunAsync(stop.Token), fresh.RunAsync(stop.Token));
        _meters = [mixed.Meter, fresh.Meter];
        _endAsync = async () =>
        {
            await stop.CancelAsync();
            await running;
            stop.Dispose();
        };
    }

    /// <summary>Ends the window: everything that was begun is answered.</summary>
    /// <returns>Its history.</returns>
    public async Task<IEnumerable<HistoryOperation>> EndAsync()
    {
        await _endAsync();
        return _meters.SelectMany(meter => meter.History);
    }
}

/// <summary>The longest gap of some time, and what failed in it.</summary>
internal sealed record GapsTaken(TimeSpan Longest, long Failed, IReadOnlyList<string> Failures)
{
    /// <summary>The longer gap.</summary>
    public GapsTaken With(LoadGaps gaps) => this with
    {
        Longest = new[] { Longest, gaps.Any, gaps.OfOneKey }.Max(),
    };

    /// <summary>Both together.</summary>
    public GapsTaken With(GapsTaken other) => new(
        Longest > other.Longest ? Longest : other.Longest,
        Failed + other.Failed,
        [.. Failures.Concat(other.Failures).Take(20)]);
}
