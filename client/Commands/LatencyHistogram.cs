namespace CasPaxos.Client;

/// <summary>
/// Counts of latencies in buckets that are 2 % wide: quantiles of any number of them in constant room.
/// </summary>
internal sealed class LatencyHistogram
{
    private const double Width = 1.02;
    private static readonly double LogWidth = Math.Log(Width);

    /// <summary>From 1 µs to about 10 min.</summary>
    private readonly long[] _counts = new long[1024];

    private long _most; // Microseconds.

    /// <summary>How many were added.</summary>
    public long Count => _counts.Sum();

    /// <summary>The longest.</summary>
    public TimeSpan Most => TimeSpan.FromMicroseconds(Volatile.Read(ref _most));

    /// <summary>Safe for concurrent use.</summary>
    public void Add(TimeSpan latency)
    {
        var microseconds = Math.Max(1, (long)latency.TotalMicroseconds);
        var bucket = Math.Min(_counts.Length - 1, (int)(Math.Log(microseconds) / LogWidth));
        Interlocked.Increment(ref _counts[bucket]);
        long most;
        while (microseconds > (most = Volatile.Read(ref _most)))
        {
            Interlocked.CompareExchange(ref _most, microseconds, most);
        }
    }

    /// <summary>The latency that a share of all does not exceed, to 2 %; zero if there is none.</summary>
    public TimeSpan Quantile(double share)
    {
        var rank = (long)Math.Ceiling(share * Count);
        long seen = 0;
        for (var bucket = 0; bucket < _counts.Length; bucket++)
        {
            seen += _counts[bucket];
            if (seen >= rank && seen > 0)
            {
                var upper = TimeSpan.FromMicroseconds(Math.Pow(Width, bucket + 1));
                return upper < Most ? upper : Most;
            }
        }

        return TimeSpan.Zero;
    }
}
