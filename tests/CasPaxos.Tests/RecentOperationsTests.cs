using FsCheck;
using FsCheck.Fluent;
using static CasPaxos.Tests.Make;

namespace CasPaxos.Tests;

public sealed class RecentOperationsTests
{
    private static readonly Arbitrary<int[]> Rounds = Gen
        .OneOf(Gen.Choose(1, 3), Gen.Choose(1, 64))
        .ListOf()
        .Select(rounds => rounds.Take(40).ToArray())
        .ToArbitrary();

    [Fact]
    public void The_latest_rounds_and_the_latest_ids_are_always_kept() =>
        Prop.ForAll(Rounds, rounds =>
        {
            var recent = After(rounds);
            var total = rounds.Sum();
            var latestRounds = rounds.TakeLast(RecentOperations.RoundsMin).Sum();
            var kept = recent.Ids.Length;
            return kept >= latestRounds
                && kept >= Math.Min(total, RecentOperations.IdsMin)
                && recent.Rounds.Sum() == kept
                && recent.Ids.SequenceEqual(Enumerable.Range(total - kept + 1, kept).Select(Op));
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void The_list_does_not_grow_for_ever() =>
        Prop.ForAll(Rounds, rounds =>
        {
            const int Most = (4 * 64) + RecentOperations.IdsMin;
            return After([.. rounds, .. rounds, .. rounds]).Ids.Length <= Most;
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void A_round_that_combines_many_does_not_push_out_the_round_that_it_overtook()
    {
        var recent = After(1, 64);

        Assert.Equal(64, recent.Age(Op(1)));
    }

    [Fact]
    public void The_age_counts_changes_since()
    {
        var recent = After(2, 3);

        Assert.Equal(0, recent.Age(Op(5)));
        Assert.Equal(4, recent.Age(Op(1)));
        Assert.Null(recent.Age(Op(6)));
    }

    [Fact]
    public void Ids_fall_out_round_by_round_when_enough_are_left()
    {
        var recent = After([.. Enumerable.Repeat(1, 17)]);

        Assert.Null(recent.Age(Op(1)));
        Assert.Equal(15, recent.Age(Op(2)));
        Assert.Equal(16, recent.Ids.Length);
    }

    // Rule 12: when the record has moved further than the ids reach, it proves nothing.
    [Theory]
    [InlineData(0, false)]
    [InlineData(3, false)]
    [InlineData(4, true)]
    [InlineData(20, true)]
    [InlineData(21, false)] // Behind where the register stood: not a later state of it.
    public void A_record_shows_all_since_a_position_that_its_ids_reach(long since, bool shows)
    {
        var record = Record("x", version: 20) with { Recent = After([.. Enumerable.Repeat(1, 20)]) };

        Assert.Equal(16, record.Recent.Ids.Length);
        Assert.Equal(shows, record.ShowsAllSince(new ETag(record.CreationId, since)));
    }

    // Rules 12 and 19: the erased tombstone was of version 5, and its ids went with it.
    [Fact]
    public void A_new_creation_after_an_erase_shows_all_since_the_tombstone_and_nothing_older()
    {
        var again = Record("again", version: 7, creation: 51, ids: [11, 12]) with { CreationVersion = 6 };

        Assert.True(again.ShowsAllSince(new ETag(Id(50), 5)));
        Assert.False(again.ShowsAllSince(new ETag(Id(50), 4)));
        Assert.False(again.ShowsAllSince(ETag.Absent));
    }

    // Rule 19: floors differ between databases for a while, so this quorum's may be below the position.
    [Fact]
    public void An_absence_shows_all_since_its_own_version_only()
    {
        var absent = RegisterRecord.Absent(5);

        Assert.True(absent.ShowsAllSince(absent.Position));
        Assert.False(absent.ShowsAllSince(new ETag(Id(50), 4)));
        Assert.False(absent.ShowsAllSince(new ETag(Id(50), 6)));
    }

    // Deleted and created anew without an erase, the record still shows its whole line.
    [Fact]
    public void A_new_creation_on_a_tombstone_shows_what_came_before_it()
    {
        var again = Record("again", version: 3, creation: 51, ids: [11, 12, 13]) with { CreationVersion = 3 };

        Assert.True(again.ShowsAllSince(new ETag(Id(50), 1)));
        Assert.True(again.ShowsAllSince(new ETag(Id(50), 2)));
    }

    private static RecentOperations After(params int[] rounds)
    {
        var recent = RecentOperations.None;
        var ids = 0;
        foreach (var round in rounds)
        {
            recent = recent.Add([.. Enumerable.Range(ids + 1, round).Select(Op)]);
            ids += round;
        }

        return recent;
    }
}
