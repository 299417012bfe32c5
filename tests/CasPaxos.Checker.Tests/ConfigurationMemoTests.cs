namespace CasPaxos.Checker.Tests;

/// <summary>Which configurations a search need not go on from.</summary>
public sealed class ConfigurationMemoTests
{
    private static readonly UInt128 Placed = ConfigurationMemo.BitsOf(3) + ConfigurationMemo.BitsOf(5);
    private static readonly RegisterState State = RegisterState.Initial with { Version = 4 };

    private readonly ConfigurationMemo _memo = new(classes: 2);

    [Fact]
    public void A_configuration_is_known_after_it_was_visited()
    {
        Assert.True(_memo.Add(Placed, used: 0, State));

        Assert.False(_memo.Add(Placed, used: 0, State));
        Assert.True(_memo.Add(Placed, used: 0, RegisterState.Initial));
        Assert.True(_memo.Add(ConfigurationMemo.BitsOf(3), used: 0, State));
    }

    [Fact]
    public void One_that_used_more_unknown_operations_is_known_and_one_that_used_fewer_or_others_is_not()
    {
        var first = _memo.UseOneMore(0, ofClass: 0);
        var second = _memo.UseOneMore(0, ofClass: 1);
        var both = _memo.UseOneMore(first, ofClass: 1);
        var bothAndMore = _memo.UseOneMore(both, ofClass: 0);

        Assert.True(_memo.Add(Placed, both, State));
        Assert.False(_memo.Add(Placed, bothAndMore, State));
        Assert.True(_memo.Add(Placed, first, State));
        Assert.True(_memo.Add(Placed, second, State));
    }

    [Fact]
    public void The_order_in_which_unknown_operations_were_used_makes_no_difference()
    {
        var oneWay = _memo.UseOneMore(_memo.UseOneMore(0, ofClass: 0), ofClass: 1);
        var otherWay = _memo.UseOneMore(_memo.UseOneMore(0, ofClass: 1), ofClass: 0);

        Assert.Equal(oneWay, otherWay);
        Assert.Equal((1, 1), (_memo.Used(oneWay, ofClass: 0), _memo.Used(oneWay, ofClass: 1)));
    }
}
