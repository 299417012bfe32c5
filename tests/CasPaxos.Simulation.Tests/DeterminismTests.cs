using CasPaxos.Checker;

namespace CasPaxos.Simulation.Tests;

/// <summary>Acceptance case 59: a seed is a run, to the byte.</summary>
public sealed class DeterminismTests
{
    // Computed by another program from the published definitions of splitmix64 and xoshiro256**.
    private const string Expected = "422ea740d0977210 e062b061b42e2928 b7410893c51f075abdc23cedf84e3301";

    [Fact]
    public void A_seed_makes_the_same_trace_and_the_same_history_every_time()
    {
        for (var seed = 1L; seed <= 40; seed++)
        {
            var once = SeedRunner.Run(seed, traced: true);

            var again = SeedRunner.Run(seed, traced: true);

            Assert.Equal(Text(once), Text(again));
        }
    }

    [Fact]
    public void A_trace_changes_nothing()
    {
        for (var seed = 1L; seed <= 40; seed++)
        {
            var traced = SeedRunner.Run(seed, traced: true);

            var silent = SeedRunner.Run(seed);

            Assert.Empty(silent.Trace);
            Assert.Equal(traced.Statistics[Count.Events], silent.Statistics[Count.Events]);
            Assert.Equal(traced.History.Select(History.Format), silent.History.Select(History.Format));
        }
    }

    [Fact]
    public void Seeds_that_run_side_by_side_do_not_disturb_each_other()
    {
        var alone = new Statistics();
        for (var seed = 1L; seed <= 60; seed++)
        {
            alone.Add(SeedRunner.Run(seed).Statistics);
        }

        var together = Campaign.Run(1, 60, violated: _ => { });

        Assert.All(Enum.GetValues<Count>(), count => Assert.Equal(alone[count], together[count]));
    }

    [Fact]
    public void Different_seeds_make_different_traces()
    {
        var traces = Enumerable.Range(1, 40).Select(seed => Text(SeedRunner.Run(seed, traced: true))).ToHashSet();

        Assert.Equal(40, traces.Count);
    }

    [Fact]
    public void The_random_numbers_of_a_seed_are_the_same_on_every_machine()
    {
        var random = new SimulationRandom(1);

        var bits = $"{random.NextBits():x16} {random.NextBits():x16} {random.NextGuid():N}";

        Assert.Equal(Expected, bits);
    }

    private static string Text(SeedResult result) =>
        string.Join('\n', result.Trace.Select(line => $"{line.Register} {line}"))
        + string.Join('\n', result.History.Select(History.Format));
}
