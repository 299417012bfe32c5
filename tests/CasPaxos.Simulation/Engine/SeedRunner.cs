using System.Globalization;
using System.Text;
using CasPaxos.Checker;

namespace CasPaxos.Simulation;

/// <summary>What one seed came to.</summary>
internal sealed record SeedResult(
    long Seed,
    Statistics Statistics,
    IReadOnlyList<HistoryOperation> History,
    IReadOnlyList<TraceLine> Trace,
    Breach? Breach,
    CheckResult Verdict)
{
    public bool IsViolation => Breach is not null || Verdict is not CheckResult.Linearizable;

    /// <summary>How it was caught: by the checker where that sees it, otherwise by an invariant.</summary>
    public string CaughtBy => Verdict switch
    {
        CheckResult.Violation => "checker",
        CheckResult.Undecided => "checker undecided",
        _ => Breach is null ? "" : $"invariant: {Breach.Rule}",
    };
}

/// <summary>Runs seeds.</summary>
internal static class SeedRunner
{
    /// <summary>What is told of a seed without one.</summary>
    public const string NoViolation = "no violation";

    public static SeedResult Run(long seed, bool traced = false)
    {
        var world = new World(seed, traced);
        try
        {
            world.Run();
        }
        catch (Exception exception) when (exception is not OutOfMemoryException)
        {
            world.Invariants.Violate(-1, "exception", exception.ToString());
        }

        world.Statistics.Add(Count.Seeds);
        world.Statistics.Add(Count.Events, world.Events.Executed);
        var verdict = LinearizabilityChecker.Check(world.Recorder.History);
        return new SeedResult(
            seed, world.Statistics, world.Recorder.History, world.Trace.Lines, world.Invariants.Breach, verdict);
    }

    /// <summary>What is wrong with a seed, and the messages around it: runs it again, with a trace.</summary>
    public static string Explain(long seed, int linesMax = 120)
    {
        var result = Run(seed, traced: true);
        var text = new StringBuilder();
        text.AppendLine(CultureInfo.InvariantCulture, $"seed {seed}: {result.Trace[0].Text}");
        var (key, first, last) = ("", 0L, long.MaxValue);
        if (result.Verdict is CheckResult.Violation violation)
        {
            text.AppendLine("The checker:").AppendLine(violation.Explanation);
            (key, first, last) = (violation.Key, violation.WindowStart / 100, violation.WindowEnd / 100);
        }
        else if (result.Verdict is CheckResult.Undecided undecided)
        {
            text.AppendLine(CultureInfo.InvariantCulture, $"The checker gave up: {undecided.Why}");
        }

        if (result.Breach is { } breach)
        {
            text.AppendLine(CultureInfo.InvariantCulture, $"Invariant broken, {breach.Rule}: {breach.Text}");
            key = key.Length > 0 || breach.Register < 0 ? key : HistoryRecorder.KeyOf(breach.Register);
            last = last == long.MaxValue ? breach.Time : last;
        }

        if (!result.IsViolation)
        {
            text.AppendLine(CultureInfo.InvariantCulture, $"seed {seed}: {NoViolation}");
        }

        AppendSlice(text, result.Trace, key, first, last, linesMax);
        return text.ToString();
    }

    private static void AppendSlice(
        StringBuilder text, IReadOnlyList<TraceLine> trace, string key, long first, long last, int linesMax)
    {
        var slice = new List<string>();
        foreach (var line in trace)
        {
            var isAbout = line.Register < 0 || key.Length == 0 || HistoryRecorder.KeyOf(line.Register) == key;
            if (isAbout && line.Time >= first && line.Time <= last)
            {
                slice.Add(line.ToString());
            }
        }

        var skipped = Math.Max(0, slice.Count - linesMax);
        text.AppendLine(
            CultureInfo.InvariantCulture, $"The messages around it (milliseconds; {skipped} lines before these):");
        for (var i = skipped; i < slice.Count; i++)
        {
            text.AppendLine(slice[i]);
        }
    }
}
