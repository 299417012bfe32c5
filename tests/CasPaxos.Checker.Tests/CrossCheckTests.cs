namespace CasPaxos.Checker.Tests;

/// <summary>The checker against <see cref="BruteForce"/>, on histories that are small enough (case 60).</summary>
public sealed class CrossCheckTests
{
    [Theory]
    [InlineData(7)]
    [InlineData(8)]
    public void The_checker_agrees_with_itself_without_foresight(int seed)
    {
        var wrong = 0;
        for (var round = 0; round < 300; round++)
        {
            var random = new Random((seed * 1_000_000) + round);
            var options = new RandomHistoryOptions(20, Clients: 3, UnknownPercent: 10, ETags: round % 2 == 0);
            var history = Mutation.Of(RandomHistory.Generate(options, random), random, times: round % 3);

            var plain = new KeySearch(KeyHistory.Build(history, tellsApart: true), foresight: false).Run(1_000_000);
            var verdict = LinearizabilityChecker.Decide(KeyHistory.Build(history), 1_000_000, out _);

            Assert.True(plain == verdict, $"Seed {seed}, round {round}: {plain} without foresight, {verdict} with it.");
            wrong += verdict == SearchEnd.Exhausted ? 1 : 0;
        }

        Assert.InRange(wrong, 50, 250);
    }

    [Theory]
    [InlineData(1, true, true, "rrrrppccsssddaia")]
    [InlineData(2, true, false, "rrpcsdia")]
    [InlineData(3, false, true, "rrrppcddaa")]
    [InlineData(4, false, false, "rrpcdiia")]
    [InlineData(5, true, true, "rrcsddp")]
    [InlineData(6, false, true, "rrii")]
    public void The_checker_and_brute_force_agree_on_small_histories(
        int seed, bool etags, bool uniquePayloads, string kinds)
    {
        var right = 0;
        var wrong = 0;
        for (var round = 0; round < 1500; round++)
        {
            var random = new Random((seed * 1_000_000) + round);
            var options = new RandomHistoryOptions(
                Operations: random.Next(2, 8),
                Clients: 3,
                UnknownPercent: 20,
                ETags: etags,
                Kinds: kinds,
                UniquePayloads: uniquePayloads);
            var history = RandomHistory.Generate(options, random);
            if (round % 5 > 0)
            {
                history = Mutation.Of(history, random, times: round % 5);
            }

            var expected = BruteForce.IsLinearizable(history);
            var verdict = LinearizabilityChecker.Check(history);

            Assert.True(
                expected == verdict is CheckResult.Linearizable,
                $"Seed {seed}, round {round}: brute force says {expected}, the checker {verdict}\n"
                + string.Join('\n', history.Select(History.Format)));
            Assert.True(expected || round % 5 > 0, $"Seed {seed}, round {round}: an executed history must be right.");
            (right, wrong) = expected ? (right + 1, wrong) : (right, wrong + 1);
        }

        // A comparison on right histories alone, or on wrong ones alone, would show nothing.
        Assert.InRange(right, 300, 1400);
        Assert.InRange(wrong, 100, 1200);
    }
}
