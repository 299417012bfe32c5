using CasPaxos.Checker;

namespace CasPaxos.Simulation.Tests;

public sealed class CommandTests
{
    [Fact]
    public void Seeds_without_a_violation_exit_with_0_and_print_what_was_run()
    {
        var (exit, output) = Run("--seeds", "20", "--first", "5");

        Assert.Equal(0, exit);
        Assert.StartsWith("20 seeds in ", output, StringComparison.Ordinal);
        Assert.Contains("faults injected", output, StringComparison.Ordinal);
        Assert.Contains(" 0 violations", output, StringComparison.Ordinal);
    }

    [Fact]
    public void A_replay_prints_the_trace_and_exits_with_0()
    {
        var (exit, output) = Run("--seed", "7", "--trace");

        Assert.Equal(0, exit);
        Assert.Contains("scenario: slots", output, StringComparison.Ordinal);
        Assert.Contains(SeedRunner.NoViolation, output, StringComparison.Ordinal);
    }

    [Fact]
    public void A_mutant_that_is_caught_exits_with_0_and_its_replay_with_1()
    {
        var (caught, table) = Run("--mutant", "promise-hides-value");
        var seed = table.Split('\n')[1].Split(' ', StringSplitOptions.RemoveEmptyEntries)[1];
        var (replayed, words) = Run("--mutant", "promise-hides-value", "--seed", seed);

        Assert.Equal(0, caught);
        Assert.Contains("1 caught, 0 survived", table, StringComparison.Ordinal);
        Assert.True(replayed == 1, words);
    }

    [Theory]
    [InlineData("--seeds", "0")]
    [InlineData("--mutant", "no-such-mutant")]
    [InlineData("--no-such-option", "1")]
    public void What_is_not_understood_exits_with_1(string option, string value)
    {
        var (exit, _) = Run(option, value);

        Assert.NotEqual(0, exit);
    }

    [Fact]
    public void Help_names_every_option()
    {
        var (exit, output) = Run("--help");

        Assert.Equal(0, exit);
        Assert.All(
            ["--seeds", "--first", "--seed", "--trace", "--mutants", "--mutant", "--export"],
            option => Assert.Contains(option, output, StringComparison.Ordinal));
    }

    [Fact]
    public void An_exported_history_is_read_and_judged_by_the_checker()
    {
        var path = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());
        try
        {
            var (exit, _) = Run("--seeds", "20", "--export", path);

            using var reader = new StreamReader(path);
            var history = History.Read(reader);

            Assert.Equal(0, exit);
            Assert.True(history.Count > 400);
            Assert.IsType<CheckResult.Linearizable>(LinearizabilityChecker.Check(history));
        }
        finally
        {
            File.Delete(path);
        }
    }

    private static (int Exit, string Output) Run(params string[] arguments)
    {
        using var output = new StringWriter();
        var exit = SimulationCommand.Create().Parse(arguments).Invoke(new() { Output = output, Error = output });
        return (exit, output.ToString());
    }
}
