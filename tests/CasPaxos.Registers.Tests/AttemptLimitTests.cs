using Microsoft.Extensions.Time.Testing;

namespace CasPaxos.Registers.Tests;

/// <summary>As many attempts are let in as end soon (rule 24).</summary>
public sealed class AttemptLimitTests
{
    private const int Most = 1_000;

    private static readonly TimeSpan Quick = TimeSpan.FromMilliseconds(10);
    private static readonly TimeSpan Slow = TimeSpan.FromMilliseconds(400);

    private readonly FakeTimeProvider _time = new();
    private readonly AttemptLimit _limit;

    public AttemptLimitTests() => _limit = new AttemptLimit(Most, _time);

    [Fact]
    public void Quick_attempts_raise_it_to_what_the_options_allow()
    {
        for (var i = 0; i < 2 * Most; i++)
        {
            End(Quick);
        }

        Assert.Equal(Most, _limit.Current);
    }

    [Fact]
    public void It_is_not_raised_where_it_was_not_reached()
    {
        var before = _limit.Current;
        for (var i = 0; i < Most; i++)
        {
            End(Quick, inside: before / 2);
        }

        Assert.Equal(before, _limit.Current);
    }

    [Fact]
    public void Slow_attempts_lower_it_but_not_to_nothing()
    {
        End(Quick, inside: 1);
        for (var i = 0; i < 20; i++)
        {
            End(Slow);
        }

        Assert.Equal(64, _limit.Current);
        End(Quick);
        Assert.Equal(65, _limit.Current);
    }

    [Fact]
    public void Attempts_that_were_slow_together_lower_it_once()
    {
        End(Quick, inside: 1);
        var before = _limit.Current;
        var began = _time.GetTimestamp();
        _time.Advance(Slow);

        for (var i = 0; i < 100; i++)
        {
            _limit.Ended(began, before);
        }

        Assert.InRange(_limit.Current, before / 2, before - 1);
    }

    // Far apart, every attempt takes so long: that is no sign of too many.
    [Fact]
    public void What_takes_long_for_all_is_not_slow()
    {
        for (var i = 0; i < 2 * Most; i++)
        {
            End(Slow);
        }

        Assert.InRange(_limit.Current, Most / 8, Most);
        End(3 * Slow + Quick);
        Assert.InRange(_limit.Current, 64, 0.9 * Most);
    }

    [Fact]
    public void It_is_never_above_what_the_options_allow()
    {
        var limit = new AttemptLimit(1, _time);
        var began = _time.GetTimestamp();
        _time.Advance(Quick);
        limit.Ended(began, 1);
        Assert.Equal(1, limit.Current);
        _time.Advance(Slow);
        limit.Ended(began, 1);
        Assert.Equal(1, limit.Current);
    }

    private void End(TimeSpan after, int inside = Most)
    {
        var began = _time.GetTimestamp();
        _time.Advance(after);
        _limit.Ended(began, inside);
    }
}
