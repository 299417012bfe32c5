namespace CasPaxos.Checker;

/// <summary>Where a counter may stand, from its increments alone.</summary>
/// <param name="Acknowledged">Sum of the increments that were applied.</param>
/// <param name="Lowest">The same, and every increment of unknown outcome that lowers it.</param>
/// <param name="Highest">The same, and every increment of unknown outcome that raises it.</param>
/// <param name="Final">Where it stands.</param>
public sealed record CounterResult(Int128 Acknowledged, Int128 Lowest, Int128 Highest, long Final)
{
    /// <summary>True if the counter lost no acknowledged increment and gained none that nobody asked for.</summary>
    public bool Holds => Lowest <= Final && Final <= Highest;
}

/// <summary>
/// A second opinion on counters that shares nothing with the search: no order, no states, only sums (acceptance case
/// 62). Weaker than <see cref="LinearizabilityChecker"/>, and too simple to be wrong in the same way.
/// </summary>
public static class CounterChecker
{
    /// <summary>Adds up the increments of one key.</summary>
    /// <param name="history">May hold other keys.</param>
    /// <param name="key">A counter: nothing but increments and reads.</param>
    /// <param name="final">What it held after all answers had come.</param>
    /// <exception cref="ArgumentException">The key was changed by something else than increments.</exception>
    public static CounterResult Check(IEnumerable<HistoryOperation> history, string key, long final)
    {
        ArgumentNullException.ThrowIfNull(history);
        Int128 acknowledged = 0;
        Int128 raising = 0;
        Int128 lowering = 0;
        foreach (var operation in history)
        {
            if (operation.Key != key || operation.Action is HistoryAction.Read)
            {
                continue;
            }

            if (operation.Action is not HistoryAction.Increment { By: var by })
            {
                throw new ArgumentException($"'{key}' is not only counted: {operation.Action}.", nameof(history));
            }

            if (operation.Outcome is HistoryOutcome.Applied)
            {
                acknowledged += by;
            }
            else if (operation.Outcome is HistoryOutcome.Unknown)
            {
                raising += Math.Max(by, 0);
                lowering += Math.Min(by, 0);
            }
        }

        return new CounterResult(acknowledged, acknowledged + lowering, acknowledged + raising, final);
    }
}
