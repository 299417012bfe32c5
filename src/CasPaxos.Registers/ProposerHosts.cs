using System.Collections.Concurrent;

namespace CasPaxos.Registers;

/// <summary>
/// The proposers that are remembered, by register. They are soft state: one that is forgotten costs the next operation
/// a round trip. So there are only so many, of only so many bytes, and none that nobody uses.
/// </summary>
internal sealed class ProposerHosts
{
    private readonly ConcurrentDictionary<RegisterKey, ProposerHost> _hosts = new();
    private readonly Func<RegisterKey, ProposerHost> _make;
    private readonly RegisterClientOptions _options;
    private readonly TimeProvider _time;
    private readonly ITimer _timer;
    private long _bytes;
    private long _sweptAt;
    private int _made;
    private int _sweeping;
    private int _ticking;

    /// <summary>Remembers none yet.</summary>
    /// <param name="make">Makes one for a register.</param>
    /// <param name="options">How many, of how many bytes, and for how long.</param>
    /// <param name="time">The clock.</param>
    public ProposerHosts(Func<RegisterKey, ProposerHost> make, RegisterClientOptions options, TimeProvider time)
    {
        (_make, _options, _time) = (make, options, time);
        _timer = time.CreateTimer(
            static hosts => ((ProposerHosts)hosts!).Tick(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>A register's, if it is remembered. Does not count as use.</summary>
    public ProposerHost? Find(RegisterKey key) => _hosts.GetValueOrDefault(key);

    /// <summary>A register's, made if need be.</summary>
    public ProposerHost Use(RegisterKey key)
    {
        var host = _hosts.GetOrAdd(key, static (key, self) => self.Make(key), this);
        host.UsedAt = _time.GetTimestamp();
        if (Volatile.Read(ref _ticking) == 0)
        {
            StartTicking(); // Behind the addition: the timer stops when it finds none.
        }

        return host;
    }

    /// <summary>Forgets one that is retired.</summary>
    public void Forget(RegisterKey key, ProposerHost host) => _hosts.TryRemove(KeyValuePair.Create(key, host));

    /// <summary>One of them takes so many bytes more, or fewer.</summary>
    public void BytesChanged(long bytes)
    {
        if (Interlocked.Add(ref _bytes, bytes) > _options.ProposerBytesMax && bytes > 0)
        {
            SweepSoon();
        }
    }

    private ProposerHost Make(RegisterKey key)
    {
        // Counting takes all locks of the dictionary, so it is not done for each.
        if (Interlocked.Increment(ref _made) % (1 + (_options.ProposersMax / 4)) == 0
            && _hosts.Count >= _options.ProposersMax)
        {
            SweepSoon();
        }

        return _make(key);
    }

    private void SweepSoon()
    {
        if (Interlocked.Exchange(ref _sweeping, 1) == 0)
        {
            _ = Task.Run(Sweep);
        }
    }

    /// <summary>
    /// Retires idle hosts until there is a quarter to spare: those not used since the last sweep first, then any.
    /// </summary>
    private void Sweep()
    {
        var surplus = _hosts.Count - (_options.ProposersMax * 3 / 4);
        var bytesMax = _options.ProposerBytesMax * 3 / 4;
        var (lastSweep, now) = (_sweptAt, _time.GetTimestamp());
        for (var round = 0; round < 2; round++)
        {
            foreach (var (key, host) in _hosts)
            {
                if (surplus <= 0 && Interlocked.Read(ref _bytes) <= bytesMax)
                {
                    break;
                }

                if (host.IsIdle && (round > 0 || host.UsedAt < lastSweep) && host.TryRetire())
                {
                    Forget(key, host);
                    surplus--;
                }
            }
        }

        _sweptAt = now;
        Volatile.Write(ref _sweeping, 0);
    }

    /// <summary>Retires those that nobody has used for long. Ends when there are none any more.</summary>
    private void Tick()
    {
        foreach (var (key, host) in _hosts)
        {
            if (_time.GetElapsedTime(host.UsedAt) >= _options.ProposerIdleMax && host.TryRetire())
            {
                Forget(key, host);
            }
        }

        Volatile.Write(ref _ticking, 0);
        if (!_hosts.IsEmpty)
        {
            StartTicking();
        }
    }

    private void StartTicking()
    {
        if (Interlocked.Exchange(ref _ticking, 1) == 0)
        {
            _timer.Change(_options.ProposerIdleMax / 2, Timeout.InfiniteTimeSpan);
        }
    }
}
