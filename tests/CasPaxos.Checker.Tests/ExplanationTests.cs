namespace CasPaxos.Checker.Tests;

public sealed class ExplanationTests
{
    private static readonly HistoryOperation First = Op.By(1, 0, 10).Create("a").Told("x", 1, "a");
    private static readonly HistoryOperation Second = Op.By(2, 20, 30).Cas("x", 1, "b").Told("x", 2, "b");
    private static readonly HistoryOperation Stale = Op.By(3, 40, 50).Read().Told("x", 1, "a");

    [Fact]
    public void A_violation_names_its_key_its_window_and_what_is_needed_to_see_it()
    {
        var violation = Verdict.IsWrong(
            First,
            Op.By(4, 12, 15).Read().Told("x", 1, "a"),
            Second,
            Op.By(4, 32, 35).Put("z").Unavailable(),
            Stale,
            Op.By(4, 60, 70).Put("c").Told("x", 3, "c"),
            Op.By(5, 5, 6).On("other").Read().ToldAbsent());

        Assert.Equal("k", violation.Key);
        Assert.Equal([First, Second, Stale], violation.Operations);
        Assert.Equal((0, 50), (violation.WindowStart, violation.WindowEnd));
    }

    [Fact]
    public void A_violation_tells_in_words_where_every_order_gets_stuck()
    {
        var violation = Verdict.IsWrong(First, Second, Stale);

        const string expected = """
            Register 'k' is not linearizable; 3 of its 3 operations show it.
              #1 client 1 [0, 10] ns create "a" -> applied 1-x "a"
              #2 client 2 [20, 30] ns cas 1-x to "b" -> applied 2-x "b"
              #3 client 3 [40, 50] ns read -> applied 1-x "a"
            The longest order found is #1, #2; then there is 2-x "b", and stuck are:
              #3 read, applied 1-x "a": was told another payload than it would leave or find there

            """;
        Assert.Equal(expected.ReplaceLineEndings("\n"), violation.Explanation);
    }

    [Fact]
    public void An_answer_that_is_not_needed_yet_counts_as_open()
    {
        // The stale read shows it alone; what the overlapping put was told later is not needed.
        var overlapping = Op.By(4, 35, 90).Put("c").Told("x", 3, "c");

        var violation = Verdict.IsWrong(First, Second, overlapping, Stale);

        Assert.Equal(50, violation.WindowEnd);
        Assert.DoesNotContain(overlapping, violation.Operations);
    }

    [Fact]
    public void A_long_history_is_cut_where_the_register_can_only_have_been_one_thing()
    {
        var history = new List<HistoryOperation> { First };
        for (var version = 2; version <= 100; version++)
        {
            var start = version * 100;
            history.Add(Op.By(1, start, start + 10).Put($"v{version}").Told("x", version, $"v{version}"));
        }

        history.Add(Op.By(2, 20_000, 20_010).Read().Told("x", 99, "v99"));

        var violation = Verdict.IsWrong([.. history]);

        Assert.Equal(4, violation.Operations.Count);
        Assert.Contains(
            "97 operations leave only one possibility: 97-x \"v97\"", violation.Explanation, StringComparison.Ordinal);
    }

    [Fact]
    public void An_operation_of_unknown_outcome_that_can_be_the_cause_stays_in_the_explanation()
    {
        var unknown = Op.By(2, 20, 30).Put("b").Unknown();
        var unseen = Op.By(3, 20, 30).Put("c").Unknown();
        var read = Op.By(4, 40, 50).Read().Told("x", 2, "b");
        var again = Op.By(4, 60, 70).Read().Told("x", 1, "a");

        var violation = Verdict.IsWrong(First, unknown, unseen, read, again);

        Assert.Equal([First, unknown, read, again], violation.Operations);
    }

    [Fact]
    public void A_spent_budget_is_undecided_and_names_the_key()
    {
        var verdict = LinearizabilityChecker.Check([First, Second], new CheckerLimits(ConfigurationsMax: 1));

        Assert.Equal("k", Assert.IsType<CheckResult.Undecided>(verdict).Key);
    }

    [Fact]
    public void A_violation_of_one_key_wins_over_a_spent_budget_of_another()
    {
        var costly = Enumerable.Range(0, 10).Select(n => Op.By(n, 0, 10).On("costly").Put($"v{n}").Done());
        HistoryOperation[] history = [.. costly, Op.By(1, 0, 10).Read().Told("never written")];

        var verdict = LinearizabilityChecker.Check(history, new CheckerLimits(ConfigurationsMax: 2));

        Assert.Equal("k", Assert.IsType<CheckResult.Violation>(verdict).Key);
    }

    [Fact]
    public void An_explanation_without_a_budget_lists_everything()
    {
        var limits = new CheckerLimits(ExplainConfigurationsMax: 0);
        var unneeded = Op.By(4, 12, 15).Read().Told("x", 1, "a");

        var verdict = LinearizabilityChecker.Check([First, unneeded, Second, Stale], limits);

        Assert.Equal(4, Assert.IsType<CheckResult.Violation>(verdict).Operations.Count);
    }
}
