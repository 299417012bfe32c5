namespace CasPaxos.Orleans;

/// <summary>
/// How long answers take lately, and hence how long to wait for one before the call is made again. A cluster that is
/// slow for everybody is not asked twice for everything: that would make it slower still. Safe for concurrent use.
/// </summary>
/// <remarks>
/// The mean and four times the mean deviation, as TCP sets its retransmission timer (RFC 6298). Which try was answered
/// is known here, so an answer to a call that was repeated counts as well.
/// </remarks>
/// <param name="least">The least that is waited.</param>
/// <param name="time">The clock.</param>
internal sealed class AnswerTimes(TimeSpan least, TimeProvider time)
{
    /// <summary>What is learnt from answers is this many times the least, at the most.</summary>
    private const int Most = 8;

    private readonly Lock _gate = new();
    private double _mean; // In seconds; 0 before the first answer.
    private double _deviation;

    /// <summary>Lets a call's time count, if it is answered.</summary>
    public async Task<T> MeasureAsync<T>(Task<T> call)
    {
        var began = time.GetTimestamp();
        var answer = await call;
        Took(time.GetElapsedTime(began));
        return answer;
    }

    /// <summary>An answer came so long after its question.</summary>
    public void Took(TimeSpan duration)
    {
        var seconds = duration.TotalSeconds;
        lock (_gate)
        {
            _deviation += (Math.Abs(seconds - _mean) - _deviation) / 4;
            _mean += (seconds - _mean) / 8;
        }
    }

    /// <summary>Nearly all answers come within this time; zero if there was none yet.</summary>
    public TimeSpan Long
    {
        get
        {
            lock (_gate)
            {
                return TimeSpan.FromSeconds(_mean + (4 * _deviation));
            }
        }
    }

    /// <summary>How long to wait for an answer when so many tries of the same call are silent already.</summary>
    public TimeSpan ResendAfter(int silent)
    {
        // The first silence says that a silo is gone; only from the second on it says that all are slow.
        var factor = 1 << Math.Clamp(silent - 1, 0, 10);
        var (wanted, shortest) = (Long.TotalSeconds, least.TotalSeconds);
        return TimeSpan.FromSeconds(factor * Math.Clamp(wanted, shortest, shortest * Most));
    }
}
