namespace CasPaxos.Checker;

/// <summary>
/// Remembers of a search without success the dead end that got furthest (it passed the latest end, then placed the
/// most), and what the register could be at quiet moments, at which every operation has either ended or not begun.
/// </summary>
internal sealed class SearchTrace
{
    private readonly Dictionary<int, HashSet<RegisterState>> _quiet = [];
    private long _passed = long.MinValue;
    private int _placed = -1;
    private int _steps;

    /// <summary>The operations placed on the way to the dead end, in order.</summary>
    public IReadOnlyList<KeyOperation> Order { get; private set; } = [];

    /// <summary>What is there.</summary>
    public RegisterState State { get; private set; }

    /// <summary>The answered operations of which one would have to come next, each with why it cannot.</summary>
    public IReadOnlyList<(KeyOperation Operation, Obstacle Obstacle)> Stuck { get; private set; } = [];

    /// <summary>What the register was at the quiet moment after so many answers, if that is certain.</summary>
    public RegisterState? OnlyStateAfter(int ended) =>
        _quiet.TryGetValue(ended, out var states) && states.Count == 1 ? states.First() : null;

    /// <summary>Told when exactly the operations that ended first are placed, one of them just now.</summary>
    public void Arrived(int ended, in RegisterState state)
    {
        if (!_quiet.TryGetValue(ended, out var states))
        {
            _quiet.Add(ended, states = []);
        }

        states.Add(state);
    }

    /// <summary>Told when no move is left on a path.</summary>
    public void DeadEnd(KeySearch search, ReadOnlySpan<KeySearch.Frame> path, int placed)
    {
        var first = search.First;

        // Of two that placed as many answered operations, the one with fewer unknown ones explains more.
        if ((first.End, placed, -path.Length).CompareTo((_passed, _placed, -_steps)) <= 0)
        {
            return;
        }

        (_passed, _placed, _steps) = (first.End, placed, path.Length);
        var order = new List<KeyOperation>(path.Length);
        foreach (ref readonly var frame in path[1..])
        {
            order.Add(frame.Move.Operation);
        }

        Order = order;
        var state = path[^1].State;
        State = state;
        Stuck = [.. search.Open().Select(operation => (operation, search.ObstacleTo(state, operation)))];
    }
}
