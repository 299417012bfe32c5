using static CasPaxos.Tests.Make;

namespace CasPaxos.Tests;

public sealed class ConfigurationTests
{
    // Case 39, T-P6
    [Theory]
    [InlineData(1, 1)]
    [InlineData(2, 2)]
    [InlineData(3, 2)]
    [InlineData(4, 3)]
    [InlineData(5, 3)]
    [InlineData(6, 4)]
    [InlineData(7, 4)]
    [InlineData(8, 5)]
    [InlineData(9, 5)]
    public void A_majority_is_more_than_half(int slots, int majority)
    {
        var configuration = Configuration.Majority(Id(900), 1, Enumerable.Range(1, slots).Select(Id));

        Assert.Equal(majority, configuration.PrepareQuorum);
        Assert.Equal(majority, configuration.AcceptQuorum);
        Assert.Equal(majority, configuration.ReadQuorum);
        Assert.Equal(slots, configuration.Slots);
    }

    // Case 39: all pairs of sizes, for all numbers of slots.
    [Fact]
    public void Quorums_that_need_not_intersect_are_refused()
    {
        for (var slots = 1; slots <= Configuration.SlotsMax; slots++)
        {
            for (var prepare = 0; prepare <= slots + 1; prepare++)
            {
                for (var accept = 0; accept <= slots + 1; accept++)
                {
                    Expect(slots, prepare, accept);
                }
            }
        }
    }

    // Case 41, T-P6
    [Fact]
    public void An_empty_configuration_is_refused()
    {
        Assert.Throws<ArgumentException>(() => Cluster(0, 1, 1));
        Assert.Throws<ArgumentException>(() => Cluster(0, 0, 0));
        Assert.Throws<ArgumentException>(() => Configuration.Majority(Id(900), 1, []));
    }

    [Fact]
    public void More_slots_than_nine_are_refused() => Assert.Throws<ArgumentException>(() => Cluster(10));

    // T-P6: the same acceptor would be counted twice.
    [Fact]
    public void The_same_database_in_two_slots_is_refused()
    {
        Assert.Throws<ArgumentException>(() => Configuration.Majority(Id(900), 1, [Id(1), Id(2), Id(1)]));
        Assert.Throws<ArgumentException>(() => Configuration.Majority(Id(900), 1, [Id(1), Guid.Empty, Id(2)]));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    public void Epochs_begin_with_1(long epoch) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => Cluster(3, epoch: epoch));

    [Theory]
    [InlineData(4, 3, 2, 3)]
    [InlineData(4, 2, 3, 3)]
    [InlineData(5, 1, 5, 5)]
    [InlineData(5, 5, 1, 5)]
    public void Agreement_needs_the_larger_of_both_quorums(int slots, int prepare, int accept, int read) =>
        Assert.Equal(read, Cluster(slots, prepare, accept).ReadQuorum);

    private static void Expect(int slots, int prepare, int accept)
    {
        var sound = prepare >= 1 && prepare <= slots && accept >= 1 && accept <= slots && prepare + accept > slots;
        var refusal = Xunit.Record.Exception(() => Cluster(slots, prepare, accept));

        Assert.True(
            sound ? refusal is null : refusal is ArgumentException,
            $"{slots} slots, {prepare} to prepare, {accept} to accept: {refusal?.Message ?? "taken"}");
    }
}
