using System.CommandLine;

namespace CasPaxos.Demo;

/// <summary>What a demonstration can be told.</summary>
internal sealed record DemoSettings(int Seconds, int Registers, int Workers, int Seed, FileInfo? Export);

/// <summary>The command line of a demonstration.</summary>
internal static class DemoCommand
{
    /// <summary>Exit status 0 only if the demonstration succeeds.</summary>
    public static Task<int> RunAsync(
        string[] arguments,
        string description,
        int secondsDefault,
        int secondsMin,
        Func<DemoSettings, Task<bool>> run)
    {
        var seconds = new Option<int>("--seconds")
        {
            Description = $"How long the load runs; at least {secondsMin}.",
            DefaultValueFactory = _ => secondsDefault,
        };
        var registers = new Option<int>("--registers")
        {
            Description = "How many registers the load is spread over; at least 10.",
            DefaultValueFactory = _ => 300,
        };
        var workers = new Option<int>("--workers")
        {
            Description = "How many operations are under way at a time.",
            DefaultValueFactory = _ => 24,
        };
        var seed = new Option<int>("--seed")
        {
            Description = "What the load chooses depends on it.",
            DefaultValueFactory = _ => 1,
        };
        var export = new Option<FileInfo?>("--export")
        {
            Description = "Write the history to this file, as JSON lines.",
        };
        var root = new RootCommand(description) { seconds, registers, workers, seed, export };
        root.SetAction(async parsed =>
        {
            var settings = new DemoSettings(
                Math.Max(secondsMin, parsed.GetValue(seconds)),
                Math.Max(10, parsed.GetValue(registers)),
                Math.Max(1, parsed.GetValue(workers)),
                parsed.GetValue(seed),
                parsed.GetValue(export));
            return await run(settings) ? 0 : 1;
        });
        return root.Parse(arguments).InvokeAsync();
    }
}
