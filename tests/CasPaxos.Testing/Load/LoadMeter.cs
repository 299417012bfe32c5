using System.Diagnostics;
using CasPaxos.Checker;

namespace CasPaxos.Testing.Load;

/// <summary>What a load has come to so far.</summary>
/// <param name="Succeeded">Operations answered: applied, or refused with proof.</param>
/// <param name="Failed">Operations answered as unavailable or still unknown after a retry.</param>
/// <param name="Recovered">Operations that a retry found applied.</param>
/// <param name="LongestGap">The longest time in which no operation of any register succeeded.</param>
/// <param name="LongestKeyGap">
/// The longest time in which a register had operations waiting and none of them succeeded, over all registers.
/// </param>
/// <param name="GapKey">The register of that time.</param>
public readonly record struct LoadFigures(
    long Succeeded, long Failed, long Recovered, TimeSpan LongestGap, TimeSpan LongestKeyGap, string GapKey);

/// <summary>The longest times without a success, of some period.</summary>
/// <param name="Any">In which no operation of any register succeeded.</param>
/// <param name="OfOneKey">In which a register had operations waiting and none of them succeeded.</param>
/// <param name="Key">The register of that time.</param>
public readonly record struct LoadGaps(TimeSpan Any, TimeSpan OfOneKey, string Key)
{
    /// <summary>The longer of each.</summary>
    public LoadGaps With(TimeSpan any, TimeSpan ofOneKey, string key) => new(
        any > Any ? any : Any,
        ofOneKey > OfOneKey ? ofOneKey : OfOneKey,
        ofOneKey > OfOneKey ? key : Key);
}

/// <summary>Records the operations of a load: the whole history, latencies, and gaps without a success.</summary>
public sealed class LoadMeter
{
    private static readonly long Epoch = Stopwatch.GetTimestamp(); // One for all, so that histories can be joined.

    private readonly Lock _gate = new();
    private readonly List<HistoryOperation> _history = [];
    private readonly Dictionary<string, (int Waiting, long Since)> _keys = [];
    private readonly List<long> _latencies = [];
    private readonly List<string> _failures = [];
    private LoadFigures _figures = new(0, 0, 0, TimeSpan.Zero, TimeSpan.Zero, "-");
    private LoadGaps _taken = new(TimeSpan.Zero, TimeSpan.Zero, "-");
    private long _lastSuccess = Now();
    private int _latenciesTaken;
    private int _failuresTaken;

    /// <summary>Everything that was asked and answered.</summary>
    public IReadOnlyList<HistoryOperation> History => _history;

    /// <summary>The operations that failed, and how.</summary>
    public IReadOnlyList<string> Failures
    {
        get
        {
            lock (_gate)
            {
                return [.. _failures];
            }
        }
    }

    /// <summary>The figures now; a gap that lasts is part of them.</summary>
    public LoadFigures Figures
    {
        get
        {
            lock (_gate)
            {
                var all = Lasting(new LoadGaps(_figures.LongestGap, _figures.LongestKeyGap, _figures.GapKey));
                return _figures with { LongestGap = all.Any, LongestKeyGap = all.OfOneKey, GapKey = all.Key };
            }
        }
    }

    /// <summary>
    /// The longest gaps since this was called last, one that lasts among them: what one fault has cost.
    /// </summary>
    public LoadGaps TakeGaps()
    {
        lock (_gate)
        {
            var taken = Lasting(_taken);
            _taken = new LoadGaps(TimeSpan.Zero, TimeSpan.Zero, "-");
            return taken;
        }
    }

    /// <summary>Nanoseconds by the clock that all loads of this process share.</summary>
    public static long Now() => Stopwatch.GetElapsedTime(Epoch).Ticks * 100;

    /// <summary>The latencies since this was called last, in nanoseconds, in order.</summary>
    public long[] TakeLatencies()
    {
        lock (_gate)
        {
            var taken = _latencies[_latenciesTaken..].ToArray();
            _latenciesTaken = _latencies.Count;
            Array.Sort(taken);
            return taken;
        }
    }

    /// <summary>The operations that failed since this was called last, and how.</summary>
    public IReadOnlyList<string> TakeFailures()
    {
        lock (_gate)
        {
            var taken = _failures[_failuresTaken..];
            _failuresTaken = _failures.Count;
            return taken;
        }
    }

    /// <summary>All latencies, in nanoseconds, in order.</summary>
    public long[] AllLatencies()
    {
        lock (_gate)
        {
            return [.. _latencies.Order()];
        }
    }

    /// <summary>The value below which a share of the sorted latencies lies, in milliseconds.</summary>
    public static double Percentile(long[] sorted, double share)
    {
        ArgumentNullException.ThrowIfNull(sorted);
        return sorted.Length == 0 ? 0 : sorted[Math.Min(sorted.Length - 1, (int)(sorted.Length * share))] / 1e6;
    }

    /// <summary>An operation begins.</summary>
    public long Begin(string key)
    {
        var now = Now();
        lock (_gate)
        {
            var state = _keys.GetValueOrDefault(key);
            _keys[key] = (state.Waiting + 1, state.Waiting == 0 ? now : state.Since);
        }

        return now;
    }

    /// <summary>An operation has ended.</summary>
    public void End(string client, string key, Change change, Outcome outcome, long start)
    {
        var end = Now();
        var operation = new HistoryOperation(
            client,
            key,
            Histories.Asked(change),
            Histories.Answered(outcome),
            start,
            outcome is Outcome.Unknown ? HistoryOperation.NeverEnded : end);
        lock (_gate)
        {
            _history.Add(operation);
            _latencies.Add(end - start);
            var (waiting, since) = _keys[key];
            if (outcome is Outcome.Applied or Outcome.Refused)
            {
                Succeeded(key, outcome, end, since);
                since = end;
            }
            else
            {
                _figures = _figures with { Failed = _figures.Failed + 1 };
                _failures.Add($"{key}: {change.GetType().Name} by {client} ended as {outcome}");
            }

            if (waiting > 1)
            {
                _keys[key] = (waiting - 1, since);
            }
            else
            {
                _keys.Remove(key); // There may be millions, over time.
            }
        }
    }

    private void Succeeded(string key, Outcome outcome, long end, long since)
    {
        var gap = Span(end - _lastSuccess);
        var keyGap = Span(end - since);
        _lastSuccess = end;
        _taken = _taken.With(gap, keyGap, key);
        var all = new LoadGaps(_figures.LongestGap, _figures.LongestKeyGap, _figures.GapKey).With(gap, keyGap, key);
        _figures = _figures with
        {
            Succeeded = _figures.Succeeded + 1,
            Recovered = _figures.Recovered + (outcome is Outcome.Applied { Recovered: true } ? 1 : 0),
            LongestGap = all.Any,
            LongestKeyGap = all.OfOneKey,
            GapKey = all.Key,
        };
    }

    /// <summary>The same with the gaps that last: where operations wait, and none has succeeded.</summary>
    private LoadGaps Lasting(LoadGaps gaps)
    {
        var now = Now();
        foreach (var (key, (_, since)) in _keys)
        {
            gaps = gaps.With(Span(now - _lastSuccess), Span(now - since), key);
        }

        return gaps;
    }

    private static TimeSpan Span(long nanoseconds) => TimeSpan.FromTicks(nanoseconds / 100);
}
