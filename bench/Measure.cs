using System.Diagnostics;

namespace CasPaxos.Bench;

/// <summary>What one load came to.</summary>
/// <param name="OpsPerSecond">Operations finished in the measured time.</param>
/// <param name="P50">Median latency, in milliseconds; null if it was not measured.</param>
/// <param name="P99">99th percentile, in milliseconds; null if it was not measured.</param>
internal readonly record struct Rate(double OpsPerSecond, double? P50, double? P99);

internal static class Measure
{
    /// <summary>
    /// Runs workers that each do one operation after the other; the first fifth of the time warms up.
    /// </summary>
    public static async Task<Rate> RunAsync(int workers, TimeSpan duration, Func<int, Random, Task> operation)
    {
        var begin = Stopwatch.GetTimestamp();
        var measureFrom = begin + (long)(duration.TotalSeconds * 0.2 * Stopwatch.Frequency);
        var end = begin + (long)(duration.TotalSeconds * 1.2 * Stopwatch.Frequency);
        var latencies = await Task.WhenAll(Enumerable.Range(0, workers).Select(worker => Task.Run(async () =>
        {
            var random = new Random(worker);
            var own = new List<long>();
            while (Stopwatch.GetTimestamp() is var start && start < end)
            {
                await operation(worker, random);
                if (start >= measureFrom)
                {
                    own.Add(Stopwatch.GetTimestamp() - start);
                }
            }

            return own;
        })));
        var measured = Stopwatch.GetElapsedTime(measureFrom).TotalSeconds;
        long[] sorted = [.. latencies.SelectMany(own => own).Order()];
        return new Rate(sorted.Length / measured, At(sorted, 0.5), At(sorted, 0.99));
    }

    private static double At(long[] sorted, double share) => sorted.Length == 0
        ? 0
        : sorted[Math.Min(sorted.Length - 1, (int)(sorted.Length * share))] * 1000.0 / Stopwatch.Frequency;
}
