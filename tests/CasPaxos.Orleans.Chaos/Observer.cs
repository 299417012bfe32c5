using System.Diagnostics;
using System.Globalization;
using CasPaxos.Testing.Load;

namespace CasPaxos.Orleans.Chaos;

/// <summary>
/// Watches the loads once a second: prints figures every ten, and keeps what has happened since it was last asked. What
/// clients of a silo that is down are told does not count until their last operation of that time has ended.
/// </summary>
internal sealed class Observer : IDisposable
{
    /// <summary>Twice the time that an operation may take: one of unknown outcome is tried once more.</summary>
    private static readonly TimeSpan Aftermath = TimeSpan.FromSeconds(11);

    private static readonly GapsTaken Nothing = new(TimeSpan.Zero, 0, []);

    private readonly Lock _gate = new();
    private readonly SemaphoreSlim _watching = new(1);
    private readonly CancellationTokenSource _stop = new();
    private readonly Dictionary<int, TimeSpan> _excused = [];
    private readonly List<long> _latencies = [];
    private IReadOnlyList<SiloLoad> _loads = [];
    private Stopwatch _clock = new();
    private GapsTaken _line = Nothing;
    private GapsTaken _period = Nothing;
    private TimeSpan _lineBegan;
    private Task _running = Task.CompletedTask;

    /// <summary>Operations answered so far.</summary>
    public long Succeeded { get; private set; }

    /// <summary>Operations that failed and do not count.</summary>
    public long Excused { get; private set; }

    public void Start(IReadOnlyList<SiloLoad> loads, Stopwatch clock)
    {
        (_loads, _clock, _lineBegan) = (loads, clock, clock.Elapsed);
        Collect();
        (_line, _period) = (Nothing, Nothing);
        Console.WriteLine("    time     ops/s   median      99 %   failed   longest gap of these 10 s");
        _running = WatchAsync();
    }

    public async Task StopAsync()
    {
        await _stop.CancelAsync();
        await _running;
        Collect();
    }

    /// <summary>Does something while nobody looks at the loads.</summary>
    public async Task PauseAsync(Func<Task> work)
    {
        await _watching.WaitAsync();
        try
        {
            Collect();
            await work();
        }
        finally
        {
            _watching.Release();
        }
    }

    /// <summary>The longest gap since this was last asked, and what failed.</summary>
    public GapsTaken TakePeriod()
    {
        Collect();
        lock (_gate)
        {
            var taken = _period;
            _period = Nothing;
            return taken;
        }
    }

    /// <summary>From now on the clients of a silo do not count.</summary>
    public void Excuse(int silo)
    {
        lock (_gate)
        {
            _excused[silo] = TimeSpan.MaxValue;
        }
    }

    /// <summary>Soon they count again.</summary>
    public void ExcuseNoMore(int silo)
    {
        lock (_gate)
        {
            if (_excused.ContainsKey(silo))
            {
                _excused[silo] = _clock.Elapsed + Aftermath;
            }
        }
    }

    public void Dispose()
    {
        _stop.Dispose();
        _watching.Dispose();
    }

    private async Task WatchAsync()
    {
        for (var second = 1; !_stop.IsCancellationRequested; second++)
        {
            await Task.Delay(1000, _stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            await _watching.WaitAsync();
            Collect();
            _watching.Release();
            if (second % 10 == 0)
            {
                Print();
            }
        }
    }

    private void Collect()
    {
        lock (_gate)
        {
            for (var silo = 0; silo < _loads.Count; silo++)
            {
                var taken = _loads[silo].Take(out var latencies);
                _latencies.AddRange(latencies);
                Succeeded += latencies.Length - taken.Failed;
                if (_excused.TryGetValue(silo, out var until) && _clock.Elapsed < until)
                {
                    Excused += taken.Failed;
                    continue;
                }

                _excused.Remove(silo);
                _line = _line.With(taken);
                _period = _period.With(taken);
            }
        }
    }

    private void Print()
    {
        lock (_gate)
        {
            long[] latencies = [.. _latencies.Order()];
            var now = _clock.Elapsed;
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{now.TotalSeconds,6:N0} s {latencies.Length / (now - _lineBegan).TotalSeconds,9:N0} " +
                $"{LoadMeter.Percentile(latencies, 0.5),5:N1} ms {LoadMeter.Percentile(latencies, 0.99),6:N1} ms " +
                $"{_line.Failed,8:N0} {_line.Longest.TotalMilliseconds,12:N0} ms"));
            _latencies.Clear();
            _line = Nothing;
            _lineBegan = now;
        }
    }
}
