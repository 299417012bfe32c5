using CasPaxos.Checker;
using CasPaxos.Registers;
using CasPaxos.Testing.Load;
using Xunit.Abstractions;

namespace CasPaxos.Orleans.Fault.Tests;

/// <summary>
/// A load on registers that are used all the time and on registers that never were before, while something happens; and
/// what is demanded of it.
/// </summary>
internal sealed class FaultRun
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(1);

    /// <summary>What the longest operation may take while nothing is wrong, on a machine that has room.</summary>
    private static readonly TimeSpan Ordinary = TimeSpan.FromMilliseconds(200);

    private readonly ITestOutputHelper _output;
    private readonly MixedLoad _mixed;
    private readonly FreshLoad _fresh;
    private readonly MixedLoad? _victims;
    private TimeSpan _stalled;
    private LoadGaps _longest = new(TimeSpan.Zero, TimeSpan.Zero, "-"); // Since the scenario began.
    private double _pace = 1; // How many times that the machine took before anything happened.

    /// <param name="output">For the figures.</param>
    /// <param name="clients">Those that must not notice.</param>
    /// <param name="seed">What the workers choose depends on this alone.</param>
    /// <param name="victims">
    /// Clients of the silo in trouble, on the same registers: they may fail, and what they are told counts.
    /// </param>
    public FaultRun(
        ITestOutputHelper output,
        IReadOnlyList<IRegisterClient> clients,
        int seed,
        IReadOnlyList<IRegisterClient>? victims = null)
    {
        var prefix = $"{Guid.NewGuid():n}/"; // The servers are shared with other scenarios.
        _output = output;
        _mixed = new MixedLoad(clients, registers: 60, workers: 8, seed, prefix);
        _fresh = new FreshLoad(clients, workers: 4, seed, prefix);
        _victims = victims is null
            ? null
            : new MixedLoad(victims, registers: 60, workers: 4, seed, prefix, firstWorker: 100);
    }

    /// <summary>Loads while the scenario takes place; ends when that has ended.</summary>
    public async Task DuringAsync(Func<Task> scenario)
    {
        await using var stalls = new MachineStalls();
        using var stop = new CancellationTokenSource();
        var running = Task.WhenAll(
            _mixed.RunAsync(stop.Token),
            _fresh.RunAsync(stop.Token),
            _victims?.RunAsync(stop.Token) ?? Task.CompletedTask);
        try
        {
            await WarmUpAsync();
            await Task.Delay(1000);
            var (mixed, fresh, _) = Report("before");
            var longest = mixed.OfOneKey > fresh.OfOneKey ? mixed.OfOneKey : fresh.OfOneKey;
            _pace = Math.Max(1, longest / Ordinary);
            await scenario();
        }
        finally
        {
            await stop.CancelAsync();
            await running;
        }

        _stalled = stalls.Excess;
    }

    /// <summary>Silos that have just started compile what they run for the first time: that is not measured.</summary>
    private async Task WarmUpAsync()
    {
        const int enough = 500;
        var done = 0;
        for (var turn = 0; turn < 30 && done < enough; turn++)
        {
            await Task.Delay(700);
            done += Report("warming up").Operations;
        }
    }

    /// <summary>The median of the load's operations since the last step, in milliseconds.</summary>
    public double Median { get; private set; }

    /// <summary>One thing that happens, the time to look at what follows, and the figures of both.</summary>
    public async Task StepAsync(string what, Func<Task> action, int milliseconds)
    {
        await action();
        await Task.Delay(milliseconds);
        var (mixed, fresh, _) = Report(what);
        _longest = _longest.With(mixed.Any, mixed.OfOneKey, mixed.Key).With(fresh.Any, fresh.OfOneKey, fresh.Key);
    }

    /// <summary>Reads every register of the load once more: what was acknowledged must be there.</summary>
    public Task ReadAllAsync() => _mixed.ReadAllAsync();

    /// <summary>No operation failed, no gap of a second, and the history is linearizable.</summary>
    public void AssertGood()
    {
        AssertNoFailure();
        var limit = (Limit * _pace) + _stalled;
        Assert.True(_longest.Any < limit, $"{_longest.Any} without any success, of at most {limit}");
        Assert.True(_longest.OfOneKey < limit, $"{_longest.Key}: {_longest.OfOneKey} without a success, of {limit}");
        AssertLinearizable();
    }

    /// <summary>No operation failed, however long it took.</summary>
    public void AssertNoFailure()
    {
        var failures = _mixed.Meter.Failures.Concat(_fresh.Meter.Failures).ToList();
        _output.WriteLine(string.Create(
            System.Globalization.CultureInfo.InvariantCulture,
            $"the machine stalled for {_stalled.TotalMilliseconds:N0} ms, " +
            $"was {_pace:N1} times as slow as one that has room; {failures.Count} operations failed"));
        Assert.True(failures.Count == 0, string.Join('\n', failures.Take(20)));
    }

    /// <summary>The answers of every client, together, are those of registers.</summary>
    public void AssertLinearizable()
    {
        Assert.True(_mixed.Meter.Figures.Succeeded > 50, "the load did next to nothing");
        Assert.True(_fresh.Meter.Figures.Succeeded > 20, "the load on new registers did next to nothing");
        if (_victims is not null)
        {
            var figures = _victims.Meter.Figures;
            _output.WriteLine($"clients of the victim: {figures.Succeeded} succeeded, {figures.Failed} failed");
        }

        IEnumerable<HistoryOperation> history =
            [.. _mixed.Meter.History, .. _fresh.Meter.History, .. _victims?.Meter.History ?? []];
        var verdict = LinearizabilityChecker.Check([.. history.OrderBy(operation => operation.Start)]);
        Assert.True(verdict is CheckResult.Linearizable, verdict.ToString());
    }

    private (LoadGaps Mixed, LoadGaps Fresh, int Operations) Report(string what)
    {
        var (mixed, fresh) = (_mixed.Meter.TakeGaps(), _fresh.Meter.TakeGaps());
        var latencies = _mixed.Meter.TakeLatencies();
        Median = LoadMeter.Percentile(latencies, 0.5);
        var freshLatencies = _fresh.Meter.TakeLatencies();
        _output.WriteLine(string.Create(
            System.Globalization.CultureInfo.InvariantCulture,
            $"{what,-34} {latencies.Length + freshLatencies.Length,6} operations; " +
            $"median {Median:N1} ms, " +
            $"of new registers {LoadMeter.Percentile(freshLatencies, 0.5):N1} ms; longest gap " +
            $"{mixed.Any.TotalMilliseconds:N0} ms, of one register {mixed.OfOneKey.TotalMilliseconds:N0} ms, " +
            $"of new registers {fresh.Any.TotalMilliseconds:N0} ms, of one {fresh.OfOneKey.TotalMilliseconds:N0} ms"));
        return (mixed, fresh, latencies.Length + freshLatencies.Length);
    }
}
