using System.Diagnostics;
using System.Globalization;
using CasPaxos.Checker;

namespace CasPaxos.Simulation;

/// <summary>Runs seeds and prints what came of them.</summary>
internal static class CampaignReport
{
    private const int ExplainedMax = 3;

    /// <summary>Runs seeds; 1 if any of them is a violation.</summary>
    public static int Run(long first, long count, FileInfo? export, TextWriter output)
    {
        var violations = new List<SeedResult>();
        var clock = Stopwatch.StartNew();
        using var file = export?.CreateText();
        var statistics = Campaign.Run(
            first,
            count,
            violated: result =>
            {
                lock (violations)
                {
                    violations.Add(result);
                }
            },
            finished: file is null ? null : result => Write(file, result));
        Print(output, statistics, violations.Count, clock.Elapsed);
        violations.Sort(static (left, right) => left.Seed.CompareTo(right.Seed));
        for (var i = 0; i < violations.Count; i++)
        {
            var seed = violations[i].Seed;
            output.WriteLine();
            output.WriteLine(Invariant($"VIOLATION in seed {seed} ({violations[i].CaughtBy}). Replay it with:"));
            output.WriteLine(
                Invariant($"  dotnet run -c Release --project tests/CasPaxos.Simulation -- --seed {seed} --trace"));
            if (i < ExplainedMax)
            {
                output.Write(SeedRunner.Explain(seed));
            }
        }

        return violations.Count > 0 ? 1 : 0;
    }

    /// <summary>Every seed is a world of its own: its registers get names of their own.</summary>
    private static void Write(StreamWriter file, SeedResult result)
    {
        foreach (var operation in result.History)
        {
            var key = Invariant($"{result.Seed}/{operation.Key}");
            file.Write(History.Format(operation with { Key = key }));
            file.Write('\n');
        }
    }

    private static void Print(TextWriter output, Statistics statistics, int violations, TimeSpan elapsed)
    {
        var rate = statistics[Count.Seeds] / elapsed.TotalSeconds;
        output.Write(Invariant($"{statistics[Count.Seeds]:N0} seeds in {elapsed.TotalSeconds:F1} s, "));
        output.Write(Invariant($"{rate:F0} seeds a second, {statistics[Count.Operations]:N0} operations, "));
        output.WriteLine(Invariant($"{statistics[Count.Events]:N0} events, {violations} violations"));
        Section(output, "faults injected", statistics, Count.RequestsDropped, Count.Reconfigurations);
        Section(output, "outcomes", statistics, Count.Applied, Count.Faulted);
        Section(output, "paths taken", statistics, Count.Retries, Count.RequestsFenced);
    }

    private static void Section(TextWriter output, string title, Statistics statistics, Count from, Count to)
    {
        output.WriteLine();
        output.WriteLine(title);
        for (var count = from; count <= to; count++)
        {
            output.WriteLine(Invariant($"  {InWords(count),-34}{statistics[count],14:N0}"));
        }
    }

    private static string InWords(Count count) => string.Concat(
        count.ToString().Select((letter, place) =>
            place > 0 && char.IsUpper(letter) ? $" {char.ToLowerInvariant(letter)}" : $"{letter}"));

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
