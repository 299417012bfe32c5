namespace CasPaxos.Checker;

/// <summary>
/// The answered operations that are not placed yet, in one order. Taking one out and putting it back costs the same
/// however many there are, provided that they are put back in the reverse order.
/// </summary>
internal sealed class OpenList
{
    private readonly int[] _next;
    private readonly int[] _previous;
    private readonly int _edge;

    /// <param name="order">Places of the operations, in the order of the list.</param>
    public OpenList(ReadOnlySpan<int> order)
    {
        _edge = order.Length;
        _next = new int[order.Length + 1];
        _previous = new int[order.Length + 1];
        var last = _edge;
        foreach (var place in order)
        {
            _next[last] = place;
            _previous[place] = last;
            last = place;
        }

        _next[last] = _edge;
        _previous[_edge] = last;
    }

    /// <summary>The first, or -1.</summary>
    public int First => Or(_next[_edge]);

    /// <summary>The one after, or -1.</summary>
    public int After(int place) => Or(_next[place]);

    /// <summary>True while it is in the list.</summary>
    public bool Contains(int place) => _next[_previous[place]] == place;

    public void Remove(int place)
    {
        _next[_previous[place]] = _next[place];
        _previous[_next[place]] = _previous[place];
    }

    public void Restore(int place)
    {
        _next[_previous[place]] = place;
        _previous[_next[place]] = place;
    }

    private int Or(int place) => place == _edge ? -1 : place;
}
