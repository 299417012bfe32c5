using Microsoft.Extensions.Time.Testing;

namespace CasPaxos.Orleans.Tests;

/// <summary>A call that is made again goes where calls are answered.</summary>
public sealed class ServiceWaysTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(400);

    private readonly FakeTimeProvider _time = new();
    private readonly ServiceWays _ways;

    public ServiceWaysTests() => _ways = new ServiceWays(null!, Patience, _time);

    [Fact]
    public void Ways_that_nothing_is_known_of_are_all_tried()
    {
        var picked = Enumerable.Range(0, 10_000).Select(_ => _ways.Pick()).Distinct();

        Assert.Equal(ServiceWays.Count, picked.Count());
    }

    [Fact]
    public void One_that_answered_is_taken_before_one_that_is_not_known()
    {
        _ways.Asked(7);
        _time.Advance(TimeSpan.FromSeconds(1));
        _ways.Answered(7);

        Assert.All(Enumerable.Range(0, 1_000), _ => Assert.Equal(7, _ways.Pick()));
    }

    [Fact]
    public void One_that_keeps_silent_is_passed_by_until_it_may_have_come_back()
    {
        _ways.Asked(7);
        _ways.Answered(7);
        _ways.Asked(7);
        _time.Advance(Patience);

        Assert.All(Enumerable.Range(0, 10_000), _ => Assert.NotEqual(7, _ways.Pick()));

        _time.Advance(TimeSpan.FromSeconds(11));
        Assert.Contains(7, Enumerable.Range(0, 10_000).Select(_ => _ways.Pick()));
    }

    [Fact]
    public void Where_all_keep_silent_one_of_them_is_asked()
    {
        for (var way = 0; way < ServiceWays.Count; way++)
        {
            _ways.Asked(way);
        }

        _time.Advance(Patience);

        Assert.InRange(_ways.Pick(), 0, ServiceWays.Count - 1);
    }
}
