using System.Diagnostics;

namespace CasPaxos.Testing;

/// <summary>Waits for what comes about by itself. A busy machine is no failure: the limit is three minutes.</summary>
public static class Eventually
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(3);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(50);

    /// <summary>Looks until the condition holds.</summary>
    /// <exception cref="TimeoutException">It never did.</exception>
    public static Task HoldsAsync(Func<Task<bool>> holds) => ReachedAsync(holds, static held => held);

    /// <summary>Looks until what is seen is what is waited for.</summary>
    /// <returns>What was seen.</returns>
    /// <exception cref="TimeoutException">It never was; says what was seen last.</exception>
    public static async Task<T> ReachedAsync<T>(Func<Task<T>> look, Func<T, bool> reached)
    {
        ArgumentNullException.ThrowIfNull(look);
        ArgumentNullException.ThrowIfNull(reached);
        var clock = Stopwatch.StartNew();
        while (true)
        {
            var seen = await look();
            if (reached(seen))
            {
                return seen;
            }

            if (clock.Elapsed >= Limit)
            {
                throw new TimeoutException($"It did not come about within {Limit.TotalMinutes} minutes: {seen}");
            }

            await Task.Delay(Pause);
        }
    }
}
