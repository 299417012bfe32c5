using static CasPaxos.Tests.Make;

namespace CasPaxos.Tests;

/// <summary>
/// Executions from seeds. Every value is unique, so that one glance at the end tells what was applied, how often, and
/// in which order. The simulator does this at length; here it is a first net, and quick.
/// </summary>
public sealed class ScheduleTests
{
    [Theory]
    [InlineData(3, 2, 2)]
    [InlineData(4, 2, 3)]
    [InlineData(4, 3, 2)]
    [InlineData(5, 3, 3)]
    public void What_is_acknowledged_is_there_once_and_what_is_denied_is_not(int slots, int prepare, int accept)
    {
        for (var seed = 0; seed < 150; seed++)
        {
            var settings = ProposerSettings.Default with { DeliveredOnce = false };
            var cluster = new Cluster(slots, prepare, accept) { Settings = settings };
            var schedule = new Schedule(seed, cluster, proposers: 3)
            {
                AbandonPercent = 20,
                RestartPercent = 5,
                Change = number => Append($"<{number}>"),
            };

            schedule.Run(operationsEach: 8, stepsMax: 50_000);

            Check(schedule);
        }
    }

    [Fact]
    public void The_same_seed_makes_the_same_execution_and_another_seed_another()
    {
        Assert.Equal(Trace(7), Trace(7));
        Assert.NotEqual(Trace(7), Trace(8));
    }

    private static void Check(Schedule schedule)
    {
        var text = schedule.Cluster.Read();
        foreach (var (number, outcome) in schedule.Outcomes)
        {
            var times = text.Split($"<{number}>").Length - 1;
            var right = outcome switch
            {
                Outcome.Applied => times == 1,
                Outcome.Unavailable => times == 0,
                _ => times <= 1,
            };
            Assert.True(right, $"{schedule.Replay} {number}, {Show(outcome)}, is there {times} times: {text}");

            // What was seen at the answer is the beginning of what is there at the end: the order never changed.
            if (outcome is Outcome.Applied applied)
            {
                Assert.StartsWith(Text(applied.Current.Payload), text, StringComparison.Ordinal);
            }
        }
    }

    private static string Trace(int seed)
    {
        var schedule = new Schedule(seed, new Cluster(), proposers: 3) { Change = number => Append($"<{number}>") };
        schedule.Run(operationsEach: 5, stepsMax: 50_000);
        return schedule.Cluster.Read() + string.Join(',', schedule.Cluster.Worked.Values);
    }
}
