namespace CasPaxos.Checker.Tests;

/// <summary>Histories that a correct register can produce (acceptance case 60).</summary>
public sealed class RightHistoryTests
{
    [Fact]
    public void Nothing_at_all_is_right() => Verdict.IsRight();

    [Fact]
    public void One_client_one_step_after_the_other_is_right() =>
        Verdict.IsRight(
            Op.By(1, 0, 5).Read().ToldAbsent(),
            Op.By(1, 10, 15).Create("a").Told("x", 1, "a"),
            Op.By(1, 20, 25).Cas("x", 1, "b").Told("x", 2, "b"),
            Op.By(1, 30, 35).Append("c").Told("x", 3, "bc"),
            Op.By(1, 40, 45).Increment(1).Refused(HistoryRefusal.NotANumber, "x", 3, "bc"),
            Op.By(1, 50, 55).Put("41").Told("x", 4, "41"),
            Op.By(1, 60, 65).Increment(1).Told("x", 5, "42"),
            Op.By(1, 70, 75).Delete("x", 5).ToldAbsent(),
            Op.By(1, 80, 85).Read().ToldAbsent());

    [Fact]
    public void Overlapping_writes_may_take_effect_in_either_order()
    {
        var first = Op.By(1, 0, 20).Put("a").Done();
        var second = Op.By(2, 10, 30).Put("b").Done();

        Verdict.IsRight(first, second, Op.By(3, 40, 50).Read().Told("a"));
        Verdict.IsRight(first, second, Op.By(3, 40, 50).Read().Told("b"));
    }

    [Fact]
    public void An_end_and_a_start_at_the_same_time_are_concurrent() =>
        Verdict.IsRight(Op.By(1, 0, 10).Put("a").Done(), Op.By(2, 10, 20).Read().ToldAbsent());

    [Fact]
    public void An_unknown_write_may_take_effect_during_its_time() =>
        Verdict.IsRight(Op.By(1, 0, 10).Put("a").Unknown(), Op.By(2, 5, 8).Read().Told("x", 1, "a"));

    [Fact]
    public void An_unknown_write_may_take_effect_long_after_its_end() =>
        Verdict.IsRight(
            Op.By(1, 0, 10).Put("a").Unknown(),
            Op.By(2, 20, 30).Put("b").Told("x", 1, "b"),
            Op.By(2, 40, 50).Read().Told("x", 1, "b"),
            Op.By(2, 60, 70).Read().Told("x", 2, "a"));

    [Fact]
    public void An_unknown_write_may_never_take_effect() =>
        Verdict.IsRight(
            Op.By(1, 0, 10).Put("a").Unknown(),
            Op.By(2, 20, 30).Put("b").Told("x", 1, "b"),
            Op.By(2, 40, 50).Cas("x", 1, "c").Told("x", 2, "c"));

    [Fact]
    public void An_unknown_write_that_nobody_saw_may_be_the_version_that_is_missing() =>
        Verdict.IsRight(
            Op.By(1, 0, 10).Put("a").Unknown(),
            Op.By(2, 20, 30).Put("b").Told("x", 2, "b"));

    [Fact]
    public void A_recreation_continues_the_version_of_a_live_tombstone_under_a_new_id() =>
        Verdict.IsRight(
            Op.By(1, 0, 10).Create("a").Told("x", 1, "a"),
            Op.By(1, 20, 30).Delete().ToldAbsent(),
            Op.By(1, 40, 50).Create("b").Told("y", 3, "b"));

    [Fact]
    public void A_recreation_after_the_tombstone_was_erased_may_begin_further_on() =>
        Verdict.IsRight(
            Op.By(1, 0, 10).Create("a").Told("x", 1, "a"),
            Op.By(1, 20, 30).Delete().ToldAbsent(),
            Op.By(1, 40, 50).Create("b").Told("y", 8, "b"));

    [Fact]
    public void A_delete_may_be_told_the_etag_of_its_tombstone() =>
        Verdict.IsRight(
            Op.By(1, 0, 10).Create("a").Told("x", 1, "a"),
            Op.By(1, 20, 30).Delete().Recovered("x", 2, HistorySnapshot.Absent.Instance),
            Op.By(1, 40, 50).Create("b").Told("y", 3, "b"));

    [Fact]
    public void A_recovered_retry_may_be_told_what_others_wrote_since() =>
        Verdict.IsRight(
            Op.By(1, 0, 100).Increment(5).Recovered("x", 1, new HistorySnapshot.Present(Op.Tag("x", 2), "6")),
            Op.By(2, 20, 30).Increment(1).Told("x", 2, "6"));

    [Fact]
    public void An_equal_operation_that_ends_earlier_may_come_after_the_snapshot_of_a_recovered_one() =>
        Verdict.IsRight(
            Op.By(1, 34, 48).Increment(3).Done(),
            Op.By(2, 38, 61).Increment(3).Recovered(new HistorySnapshot.Present(null, "3")));

    [Fact]
    public void Refusals_may_leave_out_what_was_there() =>
        Verdict.IsRight(
            Op.By(1, 0, 10).Create("a").Told("x", 1, "a"),
            Op.By(2, 20, 30).Create("b").Refused(HistoryRefusal.Exists),
            Op.By(2, 40, 50).Cas("x", 7, "b").Refused(HistoryRefusal.ETagMismatch),
            Op.By(2, 60, 70).Delete("y", 1).Refused(HistoryRefusal.Unspecified),
            Op.By(2, 80, 90).Append("b").Refused(HistoryRefusal.TooLarge, "x", 1, "a"));

    [Fact]
    public void Registers_do_not_interact() =>
        Verdict.IsRight(
            Op.By(1, 0, 10).On("a").Create("1").Told("x", 1, "1"),
            Op.By(1, 20, 30).On("b").Create("2").Told("x", 1, "2"),
            Op.By(1, 40, 50).On("a").Read().Told("x", 1, "1"));

    [Fact]
    public void Bytes_that_are_no_text_are_appended_as_bytes() =>
        Verdict.IsRight(
            Op.By(1, 0, 10).Append(PayloadText.FromBytes([0xC3])).Done(),
            Op.By(1, 20, 30).Append(PayloadText.FromBytes([0xA4])).Done(),
            Op.By(1, 40, 50).Read().Told("ä"));

    [Fact]
    public void An_operation_that_ends_before_it_starts_is_an_error_of_the_caller() =>
        Assert.Throws<ArgumentException>(() => LinearizabilityChecker.Check([Op.By(1, 10, 5).Read().ToldAbsent()]));
}
