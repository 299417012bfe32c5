namespace CasPaxos.Registers;

/// <summary>
/// What a sweep has seen, for the next one: whatever is still in the same state then is not being worked on.
/// </summary>
/// <param name="before">What the sweep before saw; null for the first one.</param>
internal sealed class SweepMemory<TKey, TState>(SweepMemory<TKey, TState>? before)
    where TKey : notnull
    where TState : struct
{
    /// <summary>What is remembered from one sweep to the next; further ones wait until there is room.</summary>
    private const int RememberedMax = 100_000;

    private readonly Dictionary<TKey, TState>? _before = before?._seen;
    private readonly Dictionary<TKey, TState> _seen = [];

    /// <summary>The sweep before saw the same.</summary>
    public bool Knew(TKey key, TState state) =>
        _before is not null && _before.TryGetValue(key, out var known)
        && EqualityComparer<TState>.Default.Equals(known, state);

    public void Remember(TKey key, TState state)
    {
        if (_seen.Count < RememberedMax)
        {
            _seen[key] = state;
        }
    }
}
