namespace CasPaxos.Checker.Tests;

/// <summary>
/// Histories that no register may produce, each beside the same one repaired: a checker that says no to everything
/// fails these tests too.
/// </summary>
public sealed class WrongHistoryTests
{
    private static readonly HistoryOperation CreatedA = Op.By(1, 0, 10).Create("a").Told("x", 1, "a");
    private static readonly HistoryOperation SwappedToB = Op.By(1, 20, 30).Cas("x", 1, "b").Told("x", 2, "b");

    [Fact]
    public void A_read_may_not_be_stale()
    {
        Verdict.IsRight(CreatedA, SwappedToB, Op.By(2, 40, 50).Read().Told("x", 2, "b"));
        Verdict.IsWrong(CreatedA, SwappedToB, Op.By(2, 40, 50).Read().Told("x", 1, "a"));
    }

    [Fact]
    public void A_read_may_not_be_stale_without_etags_either()
    {
        var first = Op.By(1, 0, 10).Put("a").Done();
        var second = Op.By(1, 20, 30).Put("b").Done();

        Verdict.IsRight(first, second, Op.By(2, 40, 50).Read().Told("b"));
        Verdict.IsWrong(first, second, Op.By(2, 40, 50).Read().Told("a"));
    }

    [Fact]
    public void Reads_may_not_go_back_in_time()
    {
        var slow = Op.By(1, 20, 100).Put("b").Told("x", 2, "b");
        var earlier = Op.By(2, 30, 40).Read().Told("x", 1, "a");
        var later = Op.By(2, 50, 60).Read().Told("x", 2, "b");

        Verdict.IsRight(CreatedA, slow, earlier, later);
        Verdict.IsWrong(
            CreatedA, slow, later with { Start = 30, End = 40 }, earlier with { Start = 50, End = 60 });
    }

    [Fact]
    public void An_update_may_not_be_lost()
    {
        Verdict.IsRight(CreatedA, SwappedToB, Op.By(2, 20, 30).Cas("x", 2, "c").Told("x", 3, "c"));
        Verdict.IsWrong(CreatedA, SwappedToB, Op.By(2, 20, 30).Cas("x", 1, "c").Told("x", 2, "c"));
    }

    [Fact]
    public void Two_creates_may_not_both_be_acknowledged()
    {
        Verdict.IsRight(CreatedA, Op.By(2, 0, 10).Create("b").Refused(HistoryRefusal.Exists, "x", 1, "a"));
        Verdict.IsWrong(CreatedA, Op.By(2, 0, 10).Create("b").Told("y", 1, "b"));
        Verdict.IsWrong(Op.By(1, 0, 10).Create("a").Done(), Op.By(2, 0, 10).CasAbsent("b").Done());
    }

    [Fact]
    public void A_refused_operation_may_not_be_applied()
    {
        var refused = Op.By(2, 20, 30).Cas("y", 9, "b").Refused(HistoryRefusal.ETagMismatch, "x", 1, "a");

        Verdict.IsRight(CreatedA, refused, Op.By(1, 40, 50).Read().Told("x", 1, "a"));
        Verdict.IsWrong(CreatedA, refused, Op.By(1, 40, 50).Read().Told("x", 2, "b"));
    }

    [Fact]
    public void An_unavailable_operation_may_not_be_visible()
    {
        var write = Op.By(1, 0, 10).Put("a");
        var read = Op.By(2, 20, 30).Read().Told("x", 1, "a");

        Verdict.IsRight(write.Unknown(), read);
        Verdict.IsWrong(write.Unavailable(), read);
    }

    [Fact]
    public void An_increment_may_not_be_applied_twice()
    {
        Verdict.IsRight(Op.By(1, 0, 10).Increment(3).Unknown(), Op.By(2, 20, 30).Read().Told("3"));
        Verdict.IsWrong(Op.By(1, 0, 10).Increment(3).Unknown(), Op.By(2, 20, 30).Read().Told("6"));
        Verdict.IsWrong(Op.By(1, 0, 10).Increment(3).Done(), Op.By(2, 20, 30).Read().Told("6"));
    }

    [Fact]
    public void A_recovered_retry_may_not_be_applied_twice()
    {
        var retried = Op.By(1, 0, 50).Increment(3).Recovered("x", 1);

        Verdict.IsRight(retried, Op.By(2, 60, 70).Read().Told("x", 1, "3"));
        Verdict.IsWrong(retried, Op.By(2, 60, 70).Read().Told("x", 2, "6"));
    }

    [Fact]
    public void A_recovered_retry_may_not_be_told_what_was_there_before_it()
    {
        var retried = Op.By(2, 20, 30).Cas("x", 1, "b");

        Verdict.IsRight(CreatedA, retried.Recovered("x", 2, new HistorySnapshot.Present(Op.Tag("x", 2), "b")));
        Verdict.IsWrong(CreatedA, retried.Recovered("x", 2, new HistorySnapshot.Present(Op.Tag("x", 1), "a")));
    }

    [Fact]
    public void A_recreation_may_not_repeat_a_creation_id()
    {
        var deleted = Op.By(1, 20, 30).Delete().ToldAbsent();

        Verdict.IsRight(CreatedA, deleted, Op.By(1, 40, 50).Create("b").Told("y", 3, "b"));
        Verdict.IsWrong(CreatedA, deleted, Op.By(1, 40, 50).Create("b").Told("x", 1, "b"));
        Verdict.IsWrong(CreatedA, deleted, Op.By(1, 40, 50).Create("b").Told("x", 3, "b"));
    }

    [Fact]
    public void One_etag_may_not_name_two_states()
    {
        var created = Op.By(1, 0, 10).Create("a").Done();
        var deleted = Op.By(1, 40, 50).Delete().Done();
        var recreated = Op.By(1, 60, 70).Create("b").Done();
        var seen = Op.By(2, 20, 30).Read().Told("x", 1, "a");

        Verdict.IsRight(created, seen, deleted, recreated, Op.By(2, 80, 90).Read().Told("y", 3, "b"));
        Verdict.IsWrong(created, seen, deleted, recreated, Op.By(2, 80, 90).Read().Told("x", 1, "b"));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(0)]
    public void A_change_may_not_skip_or_repeat_a_version(long version)
    {
        Verdict.IsRight(CreatedA, Op.By(1, 20, 30).Put("b").Told("x", 2, "b"));
        Verdict.IsWrong(CreatedA, Op.By(1, 20, 30).Put("b").Told("x", version, "b"));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public void A_recreation_may_not_begin_at_or_before_the_version_of_the_tombstone(long version)
    {
        var deleted = Op.By(1, 20, 30).Delete().ToldAbsent();

        Verdict.IsRight(CreatedA, deleted, Op.By(1, 40, 50).Put("b").Told("y", 3, "b"));
        Verdict.IsWrong(CreatedA, deleted, Op.By(1, 40, 50).Put("b").Told("y", version, "b"));
    }

    [Fact]
    public void A_refusal_may_not_show_what_never_was()
    {
        Verdict.IsRight(CreatedA, Op.By(2, 20, 30).Create("b").Refused(HistoryRefusal.Exists, "x", 1, "a"));
        Verdict.IsWrong(CreatedA, Op.By(2, 20, 30).Create("b").Refused(HistoryRefusal.Exists, "x", 1, "z"));
        Verdict.IsWrong(
            CreatedA, Op.By(2, 20, 30).Create("b").Refused(HistoryRefusal.Exists, HistorySnapshot.Absent.Instance));
    }

    [Fact]
    public void A_refusal_must_be_right()
    {
        var swap = Op.By(2, 20, 30).Cas("x", 1, "b");

        Verdict.IsRight(CreatedA, swap.Told("x", 2, "b"));
        Verdict.IsWrong(CreatedA, swap.Refused(HistoryRefusal.ETagMismatch, "x", 1, "a"));
        Verdict.IsWrong(CreatedA, swap.Refused(HistoryRefusal.ETagMismatch));
        Verdict.IsWrong(Op.By(1, 0, 10).Create("a").Refused(HistoryRefusal.Exists));
        Verdict.IsWrong(CreatedA, Op.By(1, 20, 30).Delete("x", 1).Refused(HistoryRefusal.ETagMismatch));
        Verdict.IsWrong(CreatedA, Op.By(1, 20, 30).Delete().Refused(HistoryRefusal.Absent));
        Verdict.IsWrong(CreatedA, Op.By(1, 20, 30).Put("b").Refused(HistoryRefusal.Unspecified));
    }

    [Fact]
    public void An_increment_may_be_refused_only_for_its_arithmetic()
    {
        var most = Op.By(1, 0, 10).Put("9223372036854775807").Done();
        var increment = Op.By(1, 20, 30).Increment(1);

        Verdict.IsRight(most, increment.Refused(HistoryRefusal.Overflow));
        Verdict.IsWrong(most, increment.Refused(HistoryRefusal.NotANumber));
        Verdict.IsWrong(most, increment.Done());
        Verdict.IsWrong(CreatedA, increment.Refused(HistoryRefusal.Overflow));
        Verdict.IsWrong(Op.By(1, 0, 10).Put("1").Done(), increment.Refused(HistoryRefusal.Unspecified));
    }

    [Fact]
    public void Nothing_takes_effect_before_its_start()
    {
        var read = Op.By(2, 10, 20).Read().Told("x", 1, "a");

        Verdict.IsRight(read, Op.By(1, 15, 40).Put("a").Told("x", 1, "a"));
        Verdict.IsWrong(read, Op.By(1, 30, 40).Put("a").Told("x", 1, "a"));
        Verdict.IsWrong(read, Op.By(1, 30, 40).Put("a").Unknown());
    }

    [Fact]
    public void Nothing_acknowledged_takes_effect_after_its_end()
    {
        var write = Op.By(1, 0, 10).Put("a");
        var absent = Op.By(2, 20, 30).Read().ToldAbsent();
        var seen = Op.By(2, 40, 50).Read().Told("x", 1, "a");

        Verdict.IsRight(write.Unknown(), absent, seen);
        Verdict.IsWrong(write.Told("x", 1, "a"), absent, seen);
    }

    [Fact]
    public void A_deleted_register_may_not_come_back()
    {
        var deleted = Op.By(1, 20, 30).Delete("x", 1).ToldAbsent();

        Verdict.IsRight(CreatedA, deleted, Op.By(2, 40, 50).Read().ToldAbsent());
        Verdict.IsWrong(CreatedA, deleted, Op.By(2, 40, 50).Read().Told("x", 1, "a"));
    }

    [Fact]
    public void A_read_may_not_change_the_etag()
    {
        var read = Op.By(2, 20, 30).Read().Told("x", 1, "a");

        Verdict.IsRight(CreatedA, read, Op.By(1, 40, 50).Cas("x", 1, "b").Told("x", 2, "b"));
        Verdict.IsWrong(CreatedA, read, Op.By(1, 40, 50).Cas("x", 1, "b").Told("x", 3, "b"));
    }
}
