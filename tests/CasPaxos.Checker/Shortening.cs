namespace CasPaxos.Checker;

/// <summary>
/// Leaves out of a history without a linearization what is not needed to see that it has none. Every step is sound: if
/// what is left had no linearization only because of what was left out, the step would not be taken. A history that has
/// a linearization keeps one if it is cut off at a moment, what was not answered by then counting as unknown, and if an
/// operation without effect (a read, a refusal) is left out. Operations with an effect stay: without them, what later
/// answers show would have no cause. The one exception are unknown operations whose payload no remaining answer shows,
/// at the very end: the history is known by then to fail with them, so it does without them.
/// </summary>
internal sealed class Shortening(int visitsMax)
{
    // Without its reads a history can be much harder to judge: one attempt must not spend what others need.
    private readonly int _attemptMax = visitsMax / 10;
    private int _visitsLeft = visitsMax;

    /// <summary>Shortens the operations of one key.</summary>
    public IReadOnlyList<HistoryOperation> Shorten(IReadOnlyList<HistoryOperation> operations)
    {
        var shorter = WithoutObservations(ShortestPrefix(operations));
        var shown = shorter.Select(static operation => ShownBy(operation.Outcome)).ToHashSet();
        shorter.RemoveAll(operation =>
            operation.Outcome is HistoryOutcome.Unknown
            && KeyHistoryBuilder.WrittenBy(operation.Action) is { } written
            && !shown.Contains(written));
        return shorter;
    }

    private static string? ShownBy(HistoryOutcome outcome) => outcome switch
    {
        HistoryOutcome.Applied { Current: HistorySnapshot.Present present } => present.Payload,
        HistoryOutcome.Refused { Current: HistorySnapshot.Present present } => present.Payload,
        _ => null,
    };

    private bool Fails(IReadOnlyList<HistoryOperation> operations)
    {
        if (_visitsLeft <= 0)
        {
            return false; // Not known to fail; keep what is known to.
        }

        var end = LinearizabilityChecker.Decide(
            KeyHistory.Build(operations), Math.Min(_visitsLeft, _attemptMax), out var visited);
        _visitsLeft -= visited + 1;
        return end == SearchEnd.Exhausted;
    }

    /// <summary>The shortest that fails of those cut off at the end of an answer; longer ones fail too.</summary>
    private List<HistoryOperation> ShortestPrefix(IReadOnlyList<HistoryOperation> operations)
    {
        long[] ends = [.. operations
            .Where(static operation => operation.Outcome is HistoryOutcome.Applied or HistoryOutcome.Refused)
            .Select(static operation => operation.End)
            .Distinct()
            .Order()];
        var (passes, fails) = (-1, ends.Length - 1);
        while (fails - passes > 1)
        {
            var middle = passes + ((fails - passes) / 2);
            if (Fails(CutOff(operations, ends[middle])))
            {
                fails = middle;
            }
            else
            {
                passes = middle;
            }
        }

        return CutOff(operations, ends[fails]);
    }

    private static List<HistoryOperation> CutOff(IReadOnlyList<HistoryOperation> operations, long moment)
    {
        var cut = new List<HistoryOperation>();
        foreach (var operation in operations)
        {
            if (operation.Start > moment || operation.Outcome is HistoryOutcome.Unavailable)
            {
                continue;
            }

            var isOpen = operation.Outcome is HistoryOutcome.Unknown || operation.End > moment;
            if (!isOpen)
            {
                cut.Add(operation);
            }
            else if (operation.Action is not HistoryAction.Read && operation.Outcome is not HistoryOutcome.Refused)
            {
                cut.Add(operation with { Outcome = HistoryOutcome.Unknown.Instance });
            }
        }

        cut.Sort(static (a, b) => (a.Start, a.End).CompareTo((b.Start, b.End)));
        return cut;
    }

    /// <summary>Leaves out operations without effect: many at once first, then fewer, down to one by one.</summary>
    private List<HistoryOperation> WithoutObservations(List<HistoryOperation> operations)
    {
        static bool HasNoEffect(HistoryOperation operation) =>
            operation.Outcome is HistoryOutcome.Refused || operation.Action is HistoryAction.Read;

        for (var size = operations.Count(HasNoEffect); size > 0; size /= 2)
        {
            var begin = 0;
            while (true)
            {
                var candidates = operations.Where(HasNoEffect).Skip(begin).Take(size).ToHashSet<HistoryOperation>(
                    ReferenceEqualityComparer.Instance);
                if (candidates.Count == 0)
                {
                    break;
                }

                List<HistoryOperation> fewer = [.. operations.Where(operation => !candidates.Contains(operation))];
                if (Fails(fewer))
                {
                    operations = fewer;
                }
                else
                {
                    begin += size;
                }
            }
        }

        return operations;
    }
}
