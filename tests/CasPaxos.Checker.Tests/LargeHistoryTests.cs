using System.Diagnostics;
using Xunit.Abstractions;

namespace CasPaxos.Checker.Tests;

/// <summary>Histories as large as a simulator and a cluster under load make them. Times are printed only.</summary>
public sealed class LargeHistoryTests(ITestOutputHelper output)
{
    [Fact]
    public void A_hundred_thousand_executed_operations_are_linearizable_until_one_answer_is_changed()
    {
        var history = Generate(keys: 100, new RandomHistoryOptions(1000, Clients: 16, PausePercent: 0), seed: 7);

        var verdict = Timed(history);
        var changed = ChangeOneRead(history, key: "key61");
        var changedVerdict = Timed(history);

        Assert.IsType<CheckResult.Linearizable>(verdict);
        var violation = Assert.IsType<CheckResult.Violation>(changedVerdict);
        Assert.Equal("key61", violation.Key);
        Assert.Contains(changed, violation.Operations);
        Assert.InRange(violation.Operations.Count, 1, 500);
    }

    [Theory]
    [InlineData(true, 5, "rrrpps")]
    [InlineData(true, 5, "rrrii")]
    [InlineData(false, 5, "rrrrpp")]
    [InlineData(false, 5, "rrrrppd")]
    [InlineData(false, 5, "rrrraaa")]
    [InlineData(false, 5, "rrrii")]
    public void Fifty_unknown_operations_among_a_thousand_leave_no_history_undecided(
        bool etags, int unknownPercent, string kinds)
    {
        var options = new RandomHistoryOptions(1000, 16, unknownPercent, etags, kinds, PausePercent: 0);
        var history = Generate(keys: 3, options, seed: 3);

        var verdict = Timed(history);
        ChangeOneRead(history, key: "key2");
        var changedVerdict = Timed(history);

        Assert.IsType<CheckResult.Linearizable>(verdict);
        Assert.Equal("key2", Assert.IsType<CheckResult.Violation>(changedVerdict).Key);
    }

    [Fact]
    public void Small_histories_are_checked_by_the_thousand()
    {
        var random = new Random(5);
        var options = new RandomHistoryOptions(Operations: 25, Clients: 4);
        List<HistoryOperation>[] histories = [.. Enumerable.Range(0, 1000).Select(_ =>
            Enumerable.Range(0, 4).SelectMany(key => RandomHistory.Generate(options, random, $"key{key}")).ToList())];

        var watch = Stopwatch.StartNew();
        var verdicts = histories.Select(history => LinearizabilityChecker.Check(history)).ToList();

        output.WriteLine($"{watch.Elapsed.TotalMilliseconds / histories.Length:F3} ms for a history of 100 operations");
        Assert.All(verdicts, verdict => Assert.IsType<CheckResult.Linearizable>(verdict));
    }

    private CheckResult Timed(List<HistoryOperation> history)
    {
        var watch = Stopwatch.StartNew();
        var verdict = LinearizabilityChecker.Check(history);
        var took = watch.Elapsed.TotalMilliseconds;
        output.WriteLine($"{history.Count} operations: {took:F0} ms, {verdict.GetType().Name}");
        return verdict;
    }

    /// <summary>Lets one read in the middle of a key's history see what nobody wrote.</summary>
    private static HistoryOperation ChangeOneRead(List<HistoryOperation> history, string key)
    {
        var place = history.FindIndex(operation =>
            operation.Key == key
            && operation is { Action: HistoryAction.Read, Start: > 500 }
            && operation.Outcome is HistoryOutcome.Applied { Current: HistorySnapshot.Present });
        var told = (HistoryOutcome.Applied)history[place].Outcome;
        var present = (HistorySnapshot.Present)told.Current;
        history[place] = history[place] with
        {
            Outcome = told with { Current = present with { Payload = "nobody wrote this" } },
        };
        return history[place];
    }

    private static List<HistoryOperation> Generate(int keys, RandomHistoryOptions options, int seed)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, keys).SelectMany(key => RandomHistory.Generate(options, random, $"key{key}"))];
    }
}
