namespace CasPaxos.Checker;

/// <summary>How a search ended.</summary>
internal enum SearchEnd
{
    Found,
    Exhausted,
    BudgetSpent,
}

/// <summary>
/// Looks for a linearization of one key (Wing and Gong 1993, with Lowe's memory of configurations, 2017): places, one
/// after the other, operations that have started before the first end among those not placed. Depth first, on its own
/// stack. Three things keep it small:
/// an observation that fits is placed at once, for it changes nothing and can only get harder to place;
/// of operations that are equal but for their times only the one that ends first is tried;
/// unknown operations are tried last, the ones that make room for the next end before the others.
/// </summary>
internal sealed class KeySearch
{
    private readonly KeyHistory _history;
    private readonly KeyOperation[] _answered;
    private readonly RegisterModel _model;
    private readonly Foresight? _foresight;
    private readonly ConfigurationMemo _memo;
    private readonly OpenList _byStart;
    private readonly OpenList _byEnd;
    private readonly SearchTrace? _trace;
    private readonly int _detoursMax;
    private Frame[] _stack = new Frame[64];
    private int _depth;
    private int _unplaced;
    private KeyOperation? _first; // The one that ends first of those not placed.

    /// <param name="history">The operations.</param>
    /// <param name="foresight">False finds the same verdict, slowly; its dead ends explain themselves.</param>
    /// <param name="trace">If given, told of the dead ends.</param>
    /// <param name="detoursMax">
    /// How many unknown operations in a row may be tried that do not make room for the next end.
    /// </param>
    public KeySearch(
        KeyHistory history, bool foresight = true, SearchTrace? trace = null, int detoursMax = int.MaxValue)
    {
        _detoursMax = detoursMax;
        _history = history;
        _answered = history.Answered;
        _unplaced = _answered.Length;
        _model = new RegisterModel(history.Payloads, history.Creations.Count, history.MentionsETags);
        _foresight = foresight ? new Foresight(history) : null;
        _trace = trace;
        _memo = new ConfigurationMemo(history.Unknown.Length);
        Span<int> starts = _answered.Length <= 256 ? stackalloc int[_answered.Length] : new int[_answered.Length];
        for (var place = 0; place < starts.Length; place++)
        {
            starts[place] = place;
        }

        _byStart = new OpenList(starts);
        _byEnd = new OpenList(history.ByEnd);
    }

    /// <summary>The operation that ends first of those not placed.</summary>
    public KeyOperation First => _answered[_byEnd.First];

    /// <summary>True if the limit to detours left out a move: to be exhausted then proves nothing.</summary>
    public bool LeftOut { get; private set; }

    /// <summary>Configurations visited.</summary>
    public int Visited { get; private set; }

    public SearchEnd Run(int visitsMax)
    {
        _stack[0] = new Frame { State = RegisterState.Initial };
        _depth = 1;
        while (_unplaced > 0)
        {
            ref var frame = ref _stack[_depth - 1];
            _first ??= _answered[_byEnd.First];
            if (_trace is not null && frame.Stage == Stage.Fitting)
            {
                TellArrival(frame);
            }

            if (TryFindMove(ref frame, out var move))
            {
                if (Visited >= visitsMax)
                {
                    return SearchEnd.BudgetSpent;
                }

                Push(frame, move);
                continue;
            }

            _trace?.DeadEnd(this, _stack.AsSpan(0, _depth), _answered.Length - _unplaced);
            if (--_depth == 0)
            {
                return SearchEnd.Exhausted;
            }

            TakeBack(_stack[_depth].Move);
        }

        return SearchEnd.Found;
    }

    /// <summary>The answered operations not placed that have started before the first of their ends.</summary>
    public IEnumerable<KeyOperation> Open()
    {
        var until = _answered[_byEnd.First].End;
        for (var place = _byStart.First; place >= 0 && _answered[place].Start <= until; place = _byStart.After(place))
        {
            yield return _answered[place];
        }
    }

    /// <summary>Why an operation cannot come next; <see cref="Obstacle.None"/> if the model would let it.</summary>
    public Obstacle ObstacleTo(in RegisterState state, KeyOperation operation) =>
        IsAfterItsEffect(operation)
            ? _model.Step(state, operation, out _, out _)
            : Obstacle.BeforeItsOwnEffect;

    private void Push(in Frame frame, in Move move)
    {
        var operation = move.Operation;
        var placed = frame.Placed;
        var used = frame.Used;
        if (operation.IsUnknown)
        {
            used = _memo.UseOneMore(used, operation.Place);
        }
        else
        {
            placed += ConfigurationMemo.BitsOf(operation.Place);
        }

        if (!_memo.Add(placed, used, move.Next))
        {
            return;
        }

        Visited++;
        if (!operation.IsUnknown)
        {
            _byStart.Remove(operation.Place);
            _byEnd.Remove(operation.Place);
            _foresight?.Place(operation, 1);
            _unplaced--;
            _first = operation == _first ? null : _first;
        }

        if (move.Bound != RegisterState.None)
        {
            _model.Use(move.Bound, used: true);
        }

        if (_depth == _stack.Length)
        {
            Array.Resize(ref _stack, _stack.Length * 2);
        }

        var detours = frame.Stage == Stage.OtherUnknown ? frame.Detours + 1 : 0;
        _stack[_depth++] = new Frame
        {
            State = move.Next, Placed = placed, Used = used, Move = move, Detours = detours,
        };
    }

    private void TellArrival(in Frame frame)
    {
        var placed = _answered.Length - _unplaced;
        if (frame.Move.Operation is { IsUnknown: false } && _answered[_history.ByEnd[placed]] == _first)
        {
            _trace!.Arrived(placed, frame.State);
        }
    }

    private void TakeBack(in Move move)
    {
        if (move.Bound != RegisterState.None)
        {
            _model.Use(move.Bound, used: false);
        }

        if (!move.Operation.IsUnknown)
        {
            _byEnd.Restore(move.Operation.Place);
            _byStart.Restore(move.Operation.Place);
            _foresight?.Place(move.Operation, -1);
            _unplaced++;
            _first = null;
        }
    }

    /// <summary>The next move not tried yet; moves come in stages, the most promising first.</summary>
    private bool TryFindMove(ref Frame frame, out Move move)
    {
        for (; frame.Stage != Stage.Done; frame.Stage++, frame.Tried = 0, frame.Cursor = Frame.CursorAtStart)
        {
            var found = frame.Stage switch
            {
                Stage.Fitting => TryFitting(ref frame, out move),
                Stage.First => TryOperation(ref frame, _first!, out move),
                Stage.HelpfulOpen => TryOpen(ref frame, helpful: true, out move),
                Stage.HelpfulUnknown => TryUnknown(ref frame, helpful: true, out move),
                Stage.OtherOpen => TryOpen(ref frame, helpful: false, out move),
                _ => TryUnknown(ref frame, helpful: false, out move),
            };
            if (found && frame.Stage == Stage.OtherUnknown && frame.Detours >= _detoursMax)
            {
                LeftOut = true;
                continue;
            }

            if (found)
            {
                return true;
            }
        }

        move = default;
        return false;
    }

    /// <summary>An observation that fits as things are; then no other move need be tried.</summary>
    private bool TryFitting(ref Frame frame, out Move move)
    {
        var until = _first!.End;
        for (var place = _byStart.First; place >= 0 && _answered[place].Start <= until; place = _byStart.After(place))
        {
            var operation = _answered[place];
            if (operation.IsObservation
                && IsAfterItsEffect(operation)
                && _model.Step(frame.State, operation, out var next, out _) == Obstacle.None
                && next == frame.State)
            {
                frame.Stage = Stage.Done;
                move = new Move(operation, next, RegisterState.None);
                return true;
            }
        }

        move = default;
        return false;
    }

    private bool TryOpen(ref Frame frame, bool helpful, out Move move)
    {
        if (frame.Cursor == Frame.CursorAtStart)
        {
            frame.Cursor = _byStart.First;
        }

        while (frame.Cursor >= 0 && _answered[frame.Cursor].Start <= _first!.End)
        {
            var operation = _answered[frame.Cursor];
            while (operation != _first && !HasEarlierTwin(operation) && TryOperation(ref frame, operation, out move))
            {
                if (Helps(move) == helpful)
                {
                    return true;
                }
            }

            frame.Cursor = _byStart.After(frame.Cursor);
            frame.Tried = 0;
        }

        move = default;
        return false;
    }

    /// <summary>True if the operation that ends first can come right after.</summary>
    private bool Helps(in Move move) =>
        _model.Step(move.Next, _first!, out _, out _) == Obstacle.None;

    private bool TryUnknown(ref Frame frame, bool helpful, out Move move)
    {
        for (frame.Cursor = Math.Max(frame.Cursor, 0);
            frame.Cursor < _history.Unknown.Length;
            frame.Cursor++, frame.Tried = 0)
        {
            var members = _history.Unknown[frame.Cursor];
            var used = _memo.Used(frame.Used, frame.Cursor);
            if (used == members.Length || members[used].Start > _first!.End)
            {
                continue;
            }

            while (TryOperation(ref frame, members[used], out move))
            {
                // Without an effect there is no point in using it up.
                if (move.Next != frame.State && Helps(move) == helpful)
                {
                    return true;
                }
            }
        }

        move = default;
        return false;
    }

    /// <summary>One operation, if it is possible, not tried yet and not ruled out by foresight.</summary>
    private bool TryOperation(ref Frame frame, KeyOperation operation, out Move move)
    {
        if (frame.Tried++ == 0
            && IsAfterItsEffect(operation)
            && _model.Step(frame.State, operation, out var next, out var bound) == Obstacle.None
            && !WastesUnknown(frame, operation, next)
            && (operation.IsObservation || (_foresight?.Allows(frame.State, next, operation, _first!) ?? true)))
        {
            move = new Move(operation, next, bound);
            return true;
        }

        move = default;
        return false;
    }

    /// <summary>
    /// True if the unknown operation placed just before made no difference: this one would have come to the same
    /// without it, and that way is tried too. So without versions nothing is applied only to be overwritten at once.
    /// </summary>
    private bool WastesUnknown(in Frame frame, KeyOperation operation, in RegisterState next) =>
        frame.Move.Operation is { IsUnknown: true }
        && _model.Step(_stack[_depth - 2].State, operation, out var without, out _) == Obstacle.None
        && without == next;

    private bool IsAfterItsEffect(KeyOperation operation) =>
        operation.After is not { } effect || !_byEnd.Contains(effect.Place);

    private bool HasEarlierTwin(KeyOperation operation)
    {
        // To put off one that has a snapshot after it may put it off past that snapshot.
        if (!operation.HasTwin || operation.HasSnapshotAfter)
        {
            return false;
        }

        foreach (var other in Open())
        {
            if (other != operation
                && (other.End, other.Place).CompareTo((operation.End, operation.Place)) < 0
                && other.Class == operation.Class)
            {
                return true;
            }
        }

        return false;
    }

    internal enum Stage : byte
    {
        Fitting,
        First,
        HelpfulOpen,
        HelpfulUnknown,
        OtherOpen,
        OtherUnknown,
        Done,
    }

    /// <summary>One operation placed.</summary>
    internal readonly record struct Move(KeyOperation Operation, RegisterState Next, int Bound);

    /// <summary>One configuration on the way here, and which moves from it were tried.</summary>
    internal struct Frame
    {
        public const int CursorAtStart = -2;

        public RegisterState State;
        public UInt128 Placed;
        public int Used;
        public Move Move;
        public Stage Stage;
        public int Cursor;
        public int Tried;
        public int Detours;
    }
}
