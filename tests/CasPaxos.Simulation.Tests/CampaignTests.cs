namespace CasPaxos.Simulation.Tests;

public sealed class CampaignTests
{
    private static readonly Lazy<(Statistics Statistics, List<SeedResult> Violations)> Shared = new(() =>
    {
        var violations = new List<SeedResult>();
        var statistics = Campaign.Run(1, 1000, result =>
        {
            lock (violations)
            {
                violations.Add(result);
            }
        });
        return (statistics, violations);
    });

    /// <summary>Acceptance cases 56 to 60 and 62, on a sample; the whole is run by the command.</summary>
    [Fact]
    public void A_thousand_seeds_are_linearizable_and_break_no_invariant()
    {
        var violations = Shared.Value.Violations;

        Assert.True(violations.Count == 0, violations.Count == 0 ? "" : SeedRunner.Explain(violations[0].Seed));
    }

    /// <summary>A campaign that misses a path says nothing about it.</summary>
    [Fact]
    public void Every_fault_every_outcome_and_every_rare_path_occurs()
    {
        var missing = Enum.GetValues<Count>().Where(count => Shared.Value.Statistics[count] == 0);

        Assert.Empty(missing);
    }

    [Fact]
    public void Most_operations_succeed_so_that_histories_say_something()
    {
        var statistics = Shared.Value.Statistics;

        Assert.True(statistics[Count.Applied] > statistics[Count.Operations] / 3);
        Assert.True(statistics[Count.Unknown] < statistics[Count.Operations] / 10);
    }

    [Fact]
    public void Some_seeds_have_no_fault_at_all_and_answer_everything()
    {
        var calm = 0;
        for (var seed = 1L; seed <= 300; seed++)
        {
            var statistics = SeedRunner.Run(seed).Statistics;
            var faults = 0L;
            for (var count = Count.RequestsDropped; count <= Count.Reconfigurations; count++)
            {
                faults += statistics[count];
            }

            calm += faults == 0 ? 1 : 0;
        }

        Assert.InRange(calm, 5, 150);
    }
}
