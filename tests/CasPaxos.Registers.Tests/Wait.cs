using System.Diagnostics;

namespace CasPaxos.Registers.Tests;

/// <summary>Waits for what happens behind an operation's back.</summary>
internal static class Wait
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60); // A busy machine is no failure.

    /// <summary>Returns as soon as the condition holds; fails if it does not within a minute.</summary>
    public static async Task UntilAsync(Func<bool> condition)
    {
        var clock = Stopwatch.StartNew();
        while (!condition())
        {
            Assert.True(clock.Elapsed < Limit, "It did not come about within a minute.");
            await Task.Delay(5);
        }
    }
}
