using System.Globalization;
using System.Text;

namespace CasPaxos.Checker;

/// <summary>Makes of a history without a linearization the shortest report of it that it can.</summary>
internal sealed class Explanation
{
    private const int ListedMax = 40;
    private const int StuckMax = 8;
    private const int KeptAfterCut = 4; // Answered operations: enough to see what led to the dead end.
    private const int CutAbove = 8;

    private readonly string _key;
    private readonly int _total;
    private readonly KeyHistory _history;
    private readonly SearchTrace _trace;
    private readonly List<HistoryOperation> _listed;
    private readonly StateText _text;
    private readonly RegisterState? _begin;
    private readonly int _before;

    private Explanation(string key, int total, IReadOnlyList<HistoryOperation> shortened, CheckerLimits limits)
    {
        _key = key;
        _total = total;
        (_history, _trace) = Search(shortened, limits);
        _text = new StateText(_history);
        (_before, _begin) = Cut();
        HashSet<HistoryOperation> left = new(ReferenceEqualityComparer.Instance);
        foreach (var place in _history.ByEnd.AsSpan(0, _before))
        {
            left.Add(_history.Answered[place].Source);
        }

        _listed = [.. shortened.Where(operation => !left.Contains(operation))];
    }

    /// <summary>Reports the operations of one key, known to have no linearization.</summary>
    public static CheckResult.Violation Of(string key, IReadOnlyList<HistoryOperation> operations, CheckerLimits limits)
    {
        var shortened = new Shortening(limits.ExplainConfigurationsMax).Shorten(operations);
        return new Explanation(key, operations.Count, shortened, limits).Report();
    }

    private static (KeyHistory History, SearchTrace Trace) Search(
        IReadOnlyList<HistoryOperation> operations, CheckerLimits limits)
    {
        // Without foresight a dead end speaks for itself. If that takes too long, with it: that is known to end.
        var visitsMax = limits.ExplainConfigurationsMax / 10;
        var history = KeyHistory.Build(operations, tellsApart: true);
        var trace = new SearchTrace();
        if (new KeySearch(history, foresight: false, trace).Run(visitsMax) != SearchEnd.Exhausted)
        {
            history = KeyHistory.Build(operations);
            trace = new SearchTrace();
            new KeySearch(history, foresight: true, trace).Run(int.MaxValue);
        }

        return (history, trace);
    }

    /// <summary>The latest quiet moment that leaves enough to see and one state only.</summary>
    private (int Before, RegisterState? Begin) Cut()
    {
        var answered = _history.Answered.Length;
        if (answered <= CutAbove)
        {
            return (0, null);
        }

        var earliestStart = long.MaxValue;
        for (var ended = answered - 1; ended > 0; ended--)
        {
            earliestStart = Math.Min(earliestStart, _history.Answered[_history.ByEnd[ended]].Start);
            var lastEnd = _history.Answered[_history.ByEnd[ended - 1]].End;
            if (answered - ended >= KeptAfterCut && lastEnd < earliestStart
                && _trace.OnlyStateAfter(ended) is { } state)
            {
                return (ended, state);
            }
        }

        return (0, null);
    }

    private CheckResult.Violation Report()
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"Register '{_key}' is not linearizable; ");
        text.Append(CultureInfo.InvariantCulture, $"{_listed.Count} of its {_total} operations show it.\n");
        if (_begin is { } begin)
        {
            text.Append(CultureInfo.InvariantCulture, $"Before them, {_before} operations leave only ");
            text.Append(CultureInfo.InvariantCulture, $"one possibility: {_text.Of(begin)}.\n");
        }

        ListOperations(text);
        ListStuck(text);
        return new CheckResult.Violation(
            _key,
            _listed.Min(static operation => operation.Start),
            _history.Answered.Max(static operation => operation.End),
            _listed,
            text.ToString());
    }

    private void ListOperations(StringBuilder text)
    {
        var skipped = Math.Max(0, _listed.Count - ListedMax);
        if (skipped > 0)
        {
            text.Append(CultureInfo.InvariantCulture, $"  ({skipped} earlier ones are not printed)\n");
        }

        for (var place = skipped; place < _listed.Count; place++)
        {
            var operation = _listed[place];
            var end = operation.Outcome is HistoryOutcome.Unknown
                ? "..."
                : operation.End.ToString(CultureInfo.InvariantCulture);
            text.Append(CultureInfo.InvariantCulture, $"  #{place + 1} client {operation.Client} ");
            text.Append(CultureInfo.InvariantCulture, $"[{operation.Start}, {end}] ns ");
            text.Append(StateText.Of(operation)).Append('\n');
        }
    }

    private void ListStuck(StringBuilder text)
    {
        var order = _trace.Order
            .Select(operation => NumberOf(operation.Source))
            .Where(static number => number > 0)
            .Select(static number => string.Create(CultureInfo.InvariantCulture, $"#{number}"))
            .TakeLast(ListedMax)
            .ToArray();
        text.Append("The longest order found is ");
        text.Append(order.Length == 0 ? "empty" : string.Join(", ", order));
        text.Append(CultureInfo.InvariantCulture, $"; then there is {_text.Of(_trace.State)}, and stuck are:\n");
        foreach (var (operation, obstacle) in _trace.Stuck.Take(StuckMax))
        {
            text.Append(CultureInfo.InvariantCulture, $"  #{NumberOf(operation.Source)} ");
            text.Append(StateText.Of(operation, obstacle)).Append('\n');
        }

        if (_trace.Stuck.Count > StuckMax)
        {
            text.Append(CultureInfo.InvariantCulture, $"  and {_trace.Stuck.Count - StuckMax} more\n");
        }
    }

    private int NumberOf(HistoryOperation operation) =>
        _listed.FindIndex(listed => ReferenceEquals(listed, operation)) + 1;
}
