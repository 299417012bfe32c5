using System.Diagnostics;
using System.Globalization;
using CasPaxos.Checker;
using CasPaxos.Testing.Load;

namespace CasPaxos.Demo;

/// <summary>Something that happens during the load.</summary>
/// <param name="Second">When, from its beginning.</param>
/// <param name="Says">What the reader is told.</param>
/// <param name="DoAsync">What is done; the figures go on meanwhile, and the next event waits for it.</param>
internal sealed record DemoEvent(int Second, string Says, Func<Task> DoAsync);

/// <summary>A load with events, its figures second by second, and the verdict on every answer.</summary>
internal static class DemoRun
{
    private const string Header = "   time     ops/s   median      99 %   failed   longest gap so far";

    /// <summary>Prints a line.</summary>
    public static void Say(string line) => Console.WriteLine(line);

    /// <summary>Runs the load, and lets the events happen.</summary>
    public static async Task LoadAsync(MixedLoad load, int seconds, IReadOnlyList<DemoEvent> events)
    {
        using var stop = new CancellationTokenSource();
        var running = load.RunAsync(stop.Token);
        Say("");
        Say(Header);
        var clock = Stopwatch.StartNew();
        var last = TimeSpan.Zero;
        var intervention = Task.CompletedTask;
        for (var second = 1; second <= seconds; second++)
        {
            foreach (var due in events.Where(each => each.Second == second))
            {
                await intervention;
                Say($"  ----- {due.Says}");
                intervention = due.DoAsync(); // Not awaited here: the figures go on meanwhile.
            }

            var left = TimeSpan.FromSeconds(second) - clock.Elapsed;
            await Task.Delay(left > TimeSpan.Zero ? left : TimeSpan.Zero);
            Say(Line(load.Meter, clock.Elapsed, last));
            last = clock.Elapsed;
        }

        await intervention;
        await stop.CancelAsync();
        await running;
    }

    /// <summary>Says what came of it.</summary>
    /// <returns>Whether nothing failed and the history is linearizable.</returns>
    public static async Task<bool> JudgeAsync(LoadMeter meter, FileInfo? export)
    {
        var figures = meter.Figures;
        var latencies = meter.AllLatencies();
        Say("");
        Say($"Operations      {figures.Succeeded + figures.Failed:N0}, of which {figures.Failed:N0} failed");
        Say($"Latency         {Milliseconds(latencies, 0.5)} median, {Milliseconds(latencies, 0.99)} at 99 %, " +
            $"{Milliseconds(latencies, 1)} at the most");
        Say($"Longest gap     {figures.LongestGap.TotalMilliseconds:N0} ms without a success anywhere");
        Say($"                {figures.LongestKeyGap.TotalMilliseconds:N0} ms without one on a register that was " +
            $"asked ({figures.GapKey})");
        foreach (var failure in meter.Failures.Take(5))
        {
            Say($"Failed          {failure}");
        }

        Say("Checking the whole history for linearizability ...");
        if (export is not null)
        {
            await using var file = export.CreateText();
            History.Write(file, meter.History);
            Say($"                written to {export.Name}");
        }

        var clock = Stopwatch.StartNew();
        var verdict = LinearizabilityChecker.Check(meter.History);
        Say(verdict is CheckResult.Linearizable
            ? $"Verdict         LINEARIZABLE (judged in {clock.Elapsed.TotalSeconds:N1} s)"
            : $"Verdict         NOT SHOWN TO BE LINEARIZABLE\n{verdict}");
        return verdict is CheckResult.Linearizable && figures is { Failed: 0, Succeeded: > 0 };
    }

    private static string Line(LoadMeter meter, TimeSpan elapsed, TimeSpan last)
    {
        var latencies = meter.TakeLatencies();
        var rate = latencies.Length / (elapsed - last).TotalSeconds;
        var figures = meter.Figures;
        var (median, most) = (LoadMeter.Percentile(latencies, 0.5), LoadMeter.Percentile(latencies, 0.99));
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{elapsed.TotalSeconds,5:N0} s {rate,9:N0} {median,5:N1} ms {most,6:N1} ms {figures.Failed,8:N0} " +
            $"{figures.LongestGap.TotalMilliseconds,12:N0} ms");
    }

    private static string Milliseconds(long[] sorted, double share) =>
        string.Create(CultureInfo.InvariantCulture, $"{LoadMeter.Percentile(sorted, share):N1} ms");
}
