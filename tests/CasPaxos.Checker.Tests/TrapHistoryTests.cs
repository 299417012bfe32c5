namespace CasPaxos.Checker.Tests;

/// <summary>
/// What clients saw of the bugs that published implementations have (protocol-traps.md, section 8), and what they would
/// have seen without the bug (acceptance case 60).
/// </summary>
public sealed class TrapHistoryTests
{
    [Fact]
    public void A1_two_values_under_one_ballot_lose_the_acknowledged_one()
    {
        var uncertain = Op.By(1, 0, 10).Put("v1").Unknown();
        var acknowledged = Op.By(1, 20, 30).Put("v2").Done();
        var old = Op.By(2, 40, 50).Read().Told("v1");

        // v1 itself may still arrive after v2; that v2 was never there, and v1 then goes again, may not be.
        Verdict.IsRight(uncertain, acknowledged, Op.By(2, 40, 50).Read().Told("v2"), old with { Start = 60, End = 70 });
        Verdict.IsWrong(uncertain, acknowledged, old, Op.By(3, 60, 70).Read().Told("v2"));
        Verdict.IsWrong(
            uncertain,
            Op.By(1, 20, 30).Put("v2").Told("x", 1, "v2"),
            Op.By(2, 40, 50).Read().Told("y", 1, "v1"));
    }

    [Fact]
    public void A2_one_round_trip_without_a_promise_loses_the_append_of_another()
    {
        var first = Op.By(1, 0, 10).Append("a").Told("a");
        var second = Op.By(2, 20, 30).Append("b").Told("ab");

        Verdict.IsRight(first, second, Op.By(1, 40, 50).Append("c").Told("abc"), Op.By(2, 60, 70).Read().Told("abc"));
        Verdict.IsWrong(first, second, Op.By(1, 40, 50).Append("c").Told("ac"), Op.By(2, 60, 70).Read().Told("ac"));
        Verdict.IsWrong(
            Op.By(1, 0, 10).Append("a").Done(),
            Op.By(2, 20, 30).Append("b").Done(),
            Op.By(1, 40, 50).Append("c").Done(),
            Op.By(2, 60, 70).Read().Told("ac"));
    }

    [Fact]
    public void A3_a_read_of_a_minority_value_lets_the_next_read_go_back_in_time()
    {
        var committed = Op.By(1, 0, 10).Put("v1").Done();
        var uncertain = Op.By(1, 20, 30).Put("v2").Unknown();
        var seesNew = Op.By(2, 40, 50).Read().Told("v2");

        Verdict.IsRight(committed, uncertain, seesNew, Op.By(3, 60, 70).Read().Told("v2"));
        Verdict.IsWrong(committed, uncertain, seesNew, Op.By(3, 60, 70).Read().Told("v1"));
    }

    [Fact]
    public void A4_a_leader_that_reads_its_own_memory_reads_stale()
    {
        var first = Op.By(1, 0, 10).Put("v1").Told("x", 1, "v1");
        var second = Op.By(2, 20, 30).Put("v2").Told("x", 2, "v2");

        Verdict.IsRight(first, second, Op.By(1, 40, 50).Read().Told("x", 2, "v2"));
        Verdict.IsWrong(first, second, Op.By(1, 40, 50).Read().Told("x", 1, "v1"));
    }

    [Fact]
    public void A5_a_restarted_proposer_that_reuses_its_ballot_loses_the_acknowledged_value()
    {
        var lost = Op.By(1, 0, 10).Create("v1").Unknown();
        var acknowledged = Op.By(1, 20, 30).Create("v2").Done();

        // Two creates of one register: if the second was acknowledged, the first can never take effect.
        Verdict.IsRight(lost, acknowledged, Op.By(2, 40, 50).Read().Told("v2"));
        Verdict.IsWrong(lost, acknowledged, Op.By(2, 40, 50).Read().Told("v1"));
    }

    [Fact]
    public void A6_equal_values_that_merge_lose_an_increment()
    {
        var first = Op.By(1, 0, 10).Increment(1).Told("1");

        Verdict.IsRight(first, Op.By(2, 20, 30).Increment(1).Told("2"));
        Verdict.IsWrong(first, Op.By(2, 20, 30).Increment(1).Told("1"));
        Verdict.IsWrong(
            Op.By(1, 0, 10).Increment(1).Done(),
            Op.By(2, 20, 30).Increment(1).Done(),
            Op.By(3, 40, 50).Read().Told("1"));
    }

    [Fact]
    public void A7_a_promise_erased_with_the_register_lets_two_creations_succeed()
    {
        var created = Op.By(1, 0, 10).Create("old").Told("w", 1, "old");
        var deleted = Op.By(1, 20, 30).Delete().ToldAbsent();
        var lost = Op.By(1, 40, 60).CasAbsent("X").Told("x", 3, "X");

        Verdict.IsRight(created, deleted, lost, Op.By(2, 40, 60).CasAbsent("Y").Refused(HistoryRefusal.ETagMismatch));
        Verdict.IsWrong(created, deleted, lost, Op.By(2, 40, 60).CasAbsent("Y").Told("y", 3, "Y"));
    }

    [Fact]
    public void A8_a_first_write_that_is_not_exclusive_gives_version_1_to_two_writers()
    {
        var one = Op.By(1, 0, 10).Create("a").Told("x", 1, "a");

        Verdict.IsRight(one, Op.By(2, 0, 10).Create("b").Refused(HistoryRefusal.Exists));
        Verdict.IsWrong(one, Op.By(2, 0, 10).Create("b").Told("x", 1, "b"));
        Verdict.IsWrong(
            Op.By(1, 0, 10).Put("a").Told("x", 1, "a"), Op.By(2, 0, 10).Put("b").Told("y", 1, "b"));
    }

    [Fact]
    public void A_retry_that_is_executed_again_after_an_unknown_accept_counts_twice()
    {
        var retried = Op.By(1, 0, 40).Increment(1);

        Verdict.IsRight(retried.Recovered("x", 1), Op.By(2, 50, 60).Read().Told("x", 1, "1"));
        Verdict.IsWrong(retried.Told("x", 2, "2"), Op.By(2, 50, 60).Read().Told("x", 2, "2"));
    }

    [Fact]
    public void A_swap_refused_although_its_own_first_try_was_applied_is_wrong()
    {
        var created = Op.By(1, 0, 10).Create("a").Told("x", 1, "a");
        var swap = Op.By(1, 20, 50).Cas("x", 1, "b");

        Verdict.IsRight(created, swap.Recovered("x", 2), Op.By(2, 60, 70).Read().Told("x", 2, "b"));
        Verdict.IsWrong(
            created,
            swap.Refused(HistoryRefusal.ETagMismatch, "x", 2, "b"),
            Op.By(2, 60, 70).Read().Told("x", 2, "b"));
    }

    [Fact]
    public void An_old_etag_that_matches_a_recreated_register_is_wrong()
    {
        var created = Op.By(1, 0, 10).Create("a").Told("x", 1, "a");
        var deleted = Op.By(1, 20, 30).Delete().ToldAbsent();
        var recreated = Op.By(1, 40, 50).Create("b").Told("y", 3, "b");
        var old = Op.By(2, 60, 70).Cas("x", 1, "c");

        Verdict.IsRight(created, deleted, recreated, old.Refused(HistoryRefusal.ETagMismatch, "y", 3, "b"));
        Verdict.IsWrong(created, deleted, recreated, old.Told("y", 4, "c"));
    }
}
