using System.Diagnostics;

namespace CasPaxos.Checker;

/// <summary>
/// The rules of a register: whether an operation with its answer can come next in a state, and what state it makes.
/// Knows nothing of time, order or search.
/// </summary>
internal sealed class RegisterModel(PayloadTable payloads, int creations, bool tracksVersions)
{
    // Creation ids that the order so far has given to a creation.
    private readonly bool[] _used = new bool[creations];
    private readonly List<int[]> _exclusions = [[]];

    public PayloadTable Payloads => payloads;

    public bool TracksVersions => tracksVersions;

    /// <summary>Records that a creation got an id, or takes that back.</summary>
    public void Use(int creation, bool used) => _used[creation] = used;

    /// <summary>Takes one operation.</summary>
    /// <param name="state">What is there.</param>
    /// <param name="operation">Taken as applied if its outcome is unknown.</param>
    /// <param name="next">What is there then.</param>
    /// <param name="bound">The creation id that the answer told of a creation not known by id before, or none.</param>
    public Obstacle Step(in RegisterState state, KeyOperation operation, out RegisterState next, out int bound)
    {
        next = state;
        bound = RegisterState.None;
        if (operation.ContradictsItself)
        {
            return Obstacle.ContradictsItself;
        }

        if (operation.IsObservation)
        {
            var seen = Confirm(ref next, operation, ref bound);
            return seen == Obstacle.None && operation.IsRefusal ? Refuse(ref next, operation) : seen;
        }

        var obstacle = Change(ref next, operation, ref bound);
        if (obstacle != Obstacle.None)
        {
            return obstacle;
        }

        return operation.Kind == StepKind.Delete
            ? Bury(ref next, operation, ref bound)
            : Confirm(ref next, operation, ref bound);
    }

    private Obstacle Change(ref RegisterState state, KeyOperation operation, ref int bound)
    {
        var payload = operation.Payload;
        switch (operation.Kind)
        {
            case StepKind.Put:
                break;
            case StepKind.Create when !state.IsAbsent:
                return Obstacle.ItExists;
            case StepKind.Create:
                break;
            case StepKind.CompareAndSwap or StepKind.Delete:
                if (state.IsAbsent)
                {
                    return Obstacle.ItIsAbsent;
                }

                if (operation.ExpectedCreation != RegisterState.None)
                {
                    var other = Match(ref state, operation.ExpectedCreation, operation.ExpectedVersion, ref bound);
                    if (other != Obstacle.None || operation.Kind == StepKind.Delete)
                    {
                        return other;
                    }
                }

                break;
            case StepKind.Increment:
                var obstacle = payloads.Increment(state.Payload, operation.By, out payload);
                if (obstacle != Obstacle.None)
                {
                    return obstacle;
                }

                break;
            case StepKind.Append:
                payload = payloads.Append(state.Payload, operation.Bytes);
                break;
            default:
                throw new UnreachableException();
        }

        if (operation.Kind != StepKind.Delete)
        {
            state = state with
            {
                Creation = state.IsAbsent ? RegisterState.Unbound : state.Creation,
                Version = tracksVersions ? state.Version + 1 : 0,
                Payload = payload,
            };
        }

        return Obstacle.None;
    }

    /// <summary>Turns a live register into a tombstone, which has the next version and the same creation id.</summary>
    private Obstacle Bury(ref RegisterState state, KeyOperation operation, ref int bound)
    {
        if (operation.ToldCreation != RegisterState.None)
        {
            var other = Match(ref state, operation.ToldCreation, operation.ToldVersion - 1, ref bound);
            if (other != Obstacle.None)
            {
                return other;
            }
        }

        state = RegisterState.Initial with { Version = tracksVersions ? state.Version + 1 : 0 };
        return operation.Told == Told.Present ? Obstacle.ItIsAbsent : Obstacle.None;
    }

    /// <summary>Holds the state against what the answer told of it.</summary>
    private Obstacle Confirm(ref RegisterState state, KeyOperation operation, ref int bound)
    {
        if (operation.Told == Told.Nothing)
        {
            return Obstacle.None;
        }

        if (operation.Told == Told.Absent)
        {
            return state.IsAbsent ? Obstacle.None : Obstacle.ItExists;
        }

        if (state.IsAbsent)
        {
            return Obstacle.ItIsAbsent;
        }

        if (operation.ToldPayload != RegisterState.None && operation.ToldPayload != state.Payload)
        {
            return Obstacle.OtherPayload;
        }

        return operation.ToldCreation == RegisterState.None
            ? Obstacle.None
            : Match(ref state, operation.ToldCreation, operation.ToldVersion, ref bound);
    }

    /// <summary>Holds a live state against an ETag; a creation not known by id takes id and version from it.</summary>
    private Obstacle Match(ref RegisterState state, int creation, long version, ref int bound)
    {
        if (state.IsBound)
        {
            return state.Version == version && state.Creation == creation ? Obstacle.None : Obstacle.OtherETag;
        }

        if (version < state.Version)
        {
            return Obstacle.OtherETag; // A version never restarts.
        }

        if (_used[creation])
        {
            return Obstacle.CreationIdReused;
        }

        if (_exclusions[state.Exclusions].Contains(creation))
        {
            return Obstacle.OtherETag;
        }

        bound = creation;
        state = state with { Creation = creation, Version = version, Exclusions = 0 };
        return Obstacle.None;
    }

    /// <summary>Asks whether a refusal is right in a state.</summary>
    private Obstacle Refuse(ref RegisterState state, KeyOperation operation)
    {
        if (operation.Reason == HistoryRefusal.TooLarge)
        {
            return Obstacle.None;
        }

        var right = operation.Asked switch
        {
            StepKind.Create => !state.IsAbsent
                && operation.Reason
                    is HistoryRefusal.Unspecified or HistoryRefusal.Exists or HistoryRefusal.ETagMismatch,
            StepKind.CompareAndSwap or StepKind.Delete => IsMismatch(ref state, operation),
            StepKind.Increment => operation.Reason switch
            {
                HistoryRefusal.NotANumber => Arithmetic(state, operation) == Obstacle.NotANumber,
                HistoryRefusal.Overflow => Arithmetic(state, operation) == Obstacle.WouldOverflow,
                HistoryRefusal.Unspecified => Arithmetic(state, operation) != Obstacle.None,
                _ => false,
            },
            _ => false, // Nothing but its size ever stands in the way of a put or an append.
        };
        return right ? Obstacle.None : Obstacle.RefusedWithoutReason;
    }

    private Obstacle Arithmetic(in RegisterState state, KeyOperation operation) =>
        payloads.Increment(state.Payload, operation.By, out _);

    private bool IsMismatch(ref RegisterState state, KeyOperation operation)
    {
        if (state.IsAbsent)
        {
            return operation.Reason is HistoryRefusal.Unspecified or HistoryRefusal.Absent
                || (operation.Reason == HistoryRefusal.ETagMismatch && operation.Asked == StepKind.CompareAndSwap);
        }

        if (operation.ExpectedCreation == RegisterState.None
            || operation.Reason is not (HistoryRefusal.Unspecified or HistoryRefusal.ETagMismatch))
        {
            return false;
        }

        var expected = operation.ExpectedCreation;
        if (state.IsBound)
        {
            return state.Version != operation.ExpectedVersion || state.Creation != expected;
        }

        if (operation.ExpectedVersion < state.Version)
        {
            return true;
        }

        if (!_used[expected])
        {
            state = state with { Exclusions = Exclude(state.Exclusions, expected) };
        }

        return true;
    }

    private int Exclude(int exclusions, int creation)
    {
        int[] wider = [.. _exclusions[exclusions].Append(creation).Distinct().Order()];
        var place = _exclusions.FindIndex(set => set.AsSpan().SequenceEqual(wider));
        if (place < 0)
        {
            place = _exclusions.Count;
            _exclusions.Add(wider);
        }

        return place;
    }
}
