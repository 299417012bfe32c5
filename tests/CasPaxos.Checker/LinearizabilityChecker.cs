using System.Runtime.InteropServices;

namespace CasPaxos.Checker;

/// <summary>Judges histories of registers.</summary>
public static class LinearizabilityChecker
{
    /// <summary>Looks, key by key, for an order of the operations that explains every answer.</summary>
    /// <param name="history">In any order; registers begin absent, never created.</param>
    /// <param name="limits">Null: <see cref="CheckerLimits.Default"/>.</param>
    /// <returns>A violation if any key has one, else undecided if any key is, else linearizable.</returns>
    /// <exception cref="ArgumentException">An answered operation ends before it starts.</exception>
    /// <remarks>
    /// Registers never interact, so a history is linearizable if the operations of each key are (locality, Herlihy and
    /// Wing 1990).
    /// </remarks>
    public static CheckResult Check(IReadOnlyList<HistoryOperation> history, CheckerLimits? limits = null)
    {
        ArgumentNullException.ThrowIfNull(history);
        limits ??= CheckerLimits.Default;
        CheckResult result = CheckResult.Linearizable.Instance;
        foreach (var (key, operations) in ByKey(history))
        {
            var end = Decide(KeyHistory.Build(operations), limits.ConfigurationsMax, out var visited);
            switch (end)
            {
                case SearchEnd.Exhausted:
                    return Explanation.Of(key, operations, limits);
                case SearchEnd.BudgetSpent:
                    result = new CheckResult.Undecided(
                        key,
                        $"Register '{key}': no verdict after {visited} configurations "
                        + $"of {operations.Count} operations.");
                    break;
                default:
                    break;
            }
        }

        return result;
    }

    /// <summary>
    /// Searches with few unknown operations in a row first: where there is an order, there is nearly always one that
    /// does not need them in long rows, and the number of such rows grows exponentially with their length.
    /// </summary>
    internal static SearchEnd Decide(KeyHistory history, int visitsMax, out int visited)
    {
        visited = 0;
        ReadOnlySpan<(int DetoursMax, int Share)> passes = [(0, 8), (1, 4), (3, 2), (int.MaxValue, 1)];
        foreach (var (detoursMax, share) in passes)
        {
            var search = new KeySearch(history, detoursMax: detoursMax);
            var end = search.Run((visitsMax - visited) / share);
            visited += search.Visited;
            if (end == SearchEnd.Found || (end == SearchEnd.Exhausted && !search.LeftOut))
            {
                return end;
            }
        }

        return SearchEnd.BudgetSpent;
    }

    private static Dictionary<string, List<HistoryOperation>> ByKey(IReadOnlyList<HistoryOperation> history)
    {
        var keys = new Dictionary<string, List<HistoryOperation>>(StringComparer.Ordinal);
        for (var place = 0; place < history.Count; place++)
        {
            var operation = history[place];
            if (operation.End < operation.Start && operation.Outcome is not HistoryOutcome.Unknown)
            {
                throw new ArgumentException(
                    $"Operation {place}, of client {operation.Client} on '{operation.Key}', ends before it starts.",
                    nameof(history));
            }

            ref var operations = ref CollectionsMarshal.GetValueRefOrAddDefault(keys, operation.Key, out _);
            operations ??= [];
            operations.Add(operation);
        }

        return keys;
    }
}
