using CasPaxos.Checker;

namespace CasPaxos.Orleans.Chaos;

/// <summary>What the checker says of all windows.</summary>
internal sealed record Verdicts(long Operations, IReadOnlyList<string> Violations);

/// <summary>Checks window after window beside the run, and keeps the longest gap of each kind of fault.</summary>
internal sealed class Judge
{
    private readonly List<string> _violations = [];
    private readonly SortedDictionary<FaultKind, (int Count, TimeSpan Gap)> _gaps = [];
    private Task _checking = Task.CompletedTask;
    private long _operations;

    /// <summary>How often each kind of fault was, and its longest gap.</summary>
    public IEnumerable<(FaultKind Kind, int Count, TimeSpan Gap)> Gaps =>
        _gaps.Select(entry => (entry.Key, entry.Value.Count, entry.Value.Gap));

    public void Note(FaultKind kind, TimeSpan gap)
    {
        var (count, longest) = _gaps.GetValueOrDefault(kind);
        _gaps[kind] = (count + 1, gap > longest ? gap : longest);
    }

    /// <summary>Checks a window after those before it; its history is forgotten then.</summary>
    public void Check(int window, IReadOnlyList<HistoryOperation> history) =>
        _checking = _checking.ContinueWith(
            _ => CheckNow(window, history),
            CancellationToken.None,
            TaskContinuationOptions.LongRunning,
            TaskScheduler.Default);

    /// <summary>Waits for the last window.</summary>
    public async Task<Verdicts> EndAsync()
    {
        await _checking;
        return new Verdicts(_operations, _violations);
    }

    private void CheckNow(int window, IReadOnlyList<HistoryOperation> history)
    {
        _operations += history.Count;
        var verdict = LinearizabilityChecker.Check(history);
        if (verdict is CheckResult.Linearizable)
        {
            return;
        }

        var path = Path.Combine(Path.GetTempPath(), $"caspaxos-chaos-{Environment.ProcessId}-{window}.jsonl");
        using var file = File.CreateText(path);
        History.Write(file, history);
        _violations.Add($"window {window}, written to {path}: {verdict}");
    }
}
