namespace CasPaxos.Checker.Tests;

/// <summary>Sums of acknowledged and unknown increments (acceptance case 62).</summary>
public sealed class CounterCheckerTests
{
    private static readonly HistoryOperation[] History =
    [
        Op.By(1, 0, 10).Increment(5).Told("5"),
        Op.By(2, 0, 10).Increment(2).Unknown(),
        Op.By(2, 20, 30).Increment(-1).Unknown(),
        Op.By(1, 20, 30).Increment(100).Unavailable(),
        Op.By(1, 40, 50).Increment(100).Refused(HistoryRefusal.Overflow),
        Op.By(1, 60, 70).Read().Told("7"),
        Op.By(1, 60, 70).On("other").Put("7").Done(),
    ];

    [Theory]
    [InlineData(3, false)] // An acknowledged increment was lost.
    [InlineData(4, true)]
    [InlineData(7, true)]
    [InlineData(8, false)] // Something was counted twice.
    public void A_counter_stands_between_what_is_acknowledged_and_what_may_have_happened(long final, bool holds)
    {
        var result = CounterChecker.Check(History, "k", final);

        Assert.Equal(new CounterResult(Acknowledged: 5, Lowest: 4, Highest: 7, final), result);
        Assert.Equal(holds, result.Holds);
    }

    [Fact]
    public void A_register_that_was_not_only_counted_is_an_error_of_the_caller() =>
        Assert.Throws<ArgumentException>(() => CounterChecker.Check(History, "other", 7));

    [Fact]
    public void Sums_past_64_bits_do_not_wrap()
    {
        HistoryOperation[] history =
            [Op.By(1, 0, 10).Increment(long.MaxValue).Done(), Op.By(2, 0, 10).Increment(long.MaxValue).Unknown()];

        Assert.True(CounterChecker.Check(history, "k", long.MaxValue).Holds);
        Assert.False(CounterChecker.Check(history, "k", -2).Holds);
    }
}
