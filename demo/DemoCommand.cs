using System.CommandLine;

namespace CasPaxos.Demo;

/// <summary>What the demonstration can be told.</summary>
internal sealed record DemoSettings(int Seconds, int Registers, int Workers, int Seed, FileInfo? Export);

/// <summary>The command line of the demonstration.</summary>
internal static class DemoCommand
{
    private const int SecondsDefault = 40;
    private const int SecondsMin = 20; // Five parts with an event between them, each long enough to be seen.

    /// <summary>Exit status 0 only if the demonstration succeeds.</summary>
    public static Task<int> RunAsync(string[] arguments)
    {
        var seconds = new Option<int>("--seconds")
        {
            Description = $"How long the load runs; at least {SecondsMin}.",
            DefaultValueFactory = _ => SecondsDefault,
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
        var root = new RootCommand(
            "Registers of a service of three silos over three PostgreSQL servers under load, while one silo is " +
            "killed with -9 and comes back, and then one server. Exit status 0 only if nothing failed and the whole " +
            "history is linearizable.")
        {
            seconds, registers, workers, seed, export,
        };
        root.SetAction(async parsed =>
        {
            var settings = new DemoSettings(
                Math.Max(SecondsMin, parsed.GetValue(seconds)),
                Math.Max(10, parsed.GetValue(registers)),
                Math.Max(1, parsed.GetValue(workers)),
                parsed.GetValue(seed),
                parsed.GetValue(export));
            return await ServiceDemo.RunAsync(settings) ? 0 : 1;
        });
        return root.Parse(arguments).InvokeAsync();
    }
}
