namespace CasPaxos.Registers;

/// <summary>
/// How many attempts may be under way: as many as end soon. More would only wait at the acceptors, until they are taken
/// for dead, tried again, and the acceptors do nothing in time any more. Rises while attempts are quick, and falls when
/// they are slow for what these acceptors can do (AIMD, as TCP's congestion window).
/// </summary>
/// <remarks>Not safe for concurrent use.</remarks>
/// <param name="most">No limit is higher.</param>
/// <param name="time">The clock.</param>
internal sealed class AttemptLimit(int most, TimeProvider time)
{
    private const int Least = 64;
    private const int First = 128;
    private const double Decrease = 0.8;

    /// <summary>What is quicker is quick, however much quicker others were.</summary>
    private static readonly TimeSpan QuickMin = TimeSpan.FromMilliseconds(250);

    /// <summary>
    /// An attempt that takes more than so many times the quickest one has waited for others. It may have two phases,
    /// each with a commit, and the quickest one without.
    /// </summary>
    private const int SlowFactor = 3;

    /// <summary>The quickest attempt counts for one to two such periods.</summary>
    private static readonly TimeSpan Period = TimeSpan.FromSeconds(10);

    private double _limit = Math.Min(First, most);
    private TimeSpan _quickest = TimeSpan.MaxValue;
    private TimeSpan _quickestBefore = TimeSpan.MaxValue;
    private long _periodBegan = time.GetTimestamp();
    private long _loweredAt;

    /// <summary>The limit; 1 or more.</summary>
    public int Current => (int)_limit;

    /// <summary>How long attempts have taken lately, on average.</summary>
    public TimeSpan Mean { get; private set; }

    /// <summary>What takes longer is slow.</summary>
    private TimeSpan Slow
    {
        get
        {
            var quickest = _quickest < _quickestBefore ? _quickest : _quickestBefore;
            return quickest < QuickMin / SlowFactor ? QuickMin : quickest * SlowFactor;
        }
    }

    /// <summary>An attempt has ended.</summary>
    /// <param name="began">When it began.</param>
    /// <param name="inside">How many were under way, it included.</param>
    public void Ended(long began, int inside)
    {
        var now = time.GetTimestamp();
        var took = time.GetElapsedTime(began, now);
        Mean += (took - Mean) / 64;
        if (time.GetElapsedTime(_periodBegan, now) > Period)
        {
            (_quickestBefore, _quickest, _periodBegan) = (_quickest, TimeSpan.MaxValue, now);
        }

        _quickest = took < _quickest ? took : _quickest;
        var slow = Slow;
        if (took > slow)
        {
            // Once for all that began before: what comes of it is not seen in them.
            if (began >= _loweredAt)
            {
                _limit = Math.Max(Math.Min(Least, most), _limit * Decrease);
                _loweredAt = now;
            }
        }
        else if (inside >= Current)
        {
            // Where the limit was not reached, that attempts are quick says nothing of more of them.
            _limit = Math.Min(most, _limit + (took < slow / 2 ? 1 : 1 / _limit));
        }
    }
}
