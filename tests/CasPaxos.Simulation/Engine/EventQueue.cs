namespace CasPaxos.Simulation;

/// <summary>
/// What happens next, by virtual time and, at one time, in the order in which it was asked for: a total order, so
/// that a seed has one run.
/// </summary>
internal sealed class EventQueue
{
    private (long Time, long Order, Action Run)[] _heap = new (long, long, Action)[256];
    private int _count;
    private long _order;

    /// <summary>Virtual time, in ticks of 100 ns.</summary>
    public long Now { get; private set; }

    public long Executed { get; private set; }

    public void After(long delay, Action run)
    {
        if (_count == _heap.Length)
        {
            Array.Resize(ref _heap, _count * 2);
        }

        var entry = (Time: Now + Math.Max(0, delay), Order: _order++, Run: run);
        var place = _count++;
        while (place > 0)
        {
            var parent = (place - 1) / 2;
            if (!Before(entry, _heap[parent]))
            {
                break;
            }

            _heap[place] = _heap[parent];
            place = parent;
        }

        _heap[place] = entry;
    }

    /// <summary>Runs the next event; false if there is none.</summary>
    public bool RunNext()
    {
        if (_count == 0)
        {
            return false;
        }

        var (time, _, run) = _heap[0];
        RemoveFirst();
        Now = time;
        Executed++;
        run();
        return true;
    }

    private static bool Before(
        in (long Time, long Order, Action Run) left, in (long Time, long Order, Action Run) right) =>
        left.Time != right.Time ? left.Time < right.Time : left.Order < right.Order;

    private void RemoveFirst()
    {
        var last = _heap[--_count];
        _heap[_count] = default;
        var place = 0;
        while (true)
        {
            var child = (place * 2) + 1;
            if (child >= _count)
            {
                break;
            }

            if (child + 1 < _count && Before(_heap[child + 1], _heap[child]))
            {
                child++;
            }

            if (!Before(_heap[child], last))
            {
                break;
            }

            _heap[place] = _heap[child];
            place = child;
        }

        if (_count > 0)
        {
            _heap[place] = last;
        }
    }
}
