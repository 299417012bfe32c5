using System.Runtime.InteropServices;

namespace CasPaxos.Checker;

/// <summary>
/// What the answers yet to be placed say about the order: cuts branches that are lost but would be explored for long.
/// It only ever cuts branches in which some answered operation can no longer be placed, so it never changes a verdict;
/// the search gives the same one without it, slowly.
/// </summary>
internal sealed class Foresight
{
    private readonly PayloadTable _payloads;
    private readonly Dictionary<(int Creation, long Version), int> _names = [];
    private readonly List<NamedState> _named = [];
    private readonly long[] _lastTold; // By creation id: the greatest version that an answer told.
    private readonly long[] _lastStart; // By creation id: the latest start of an operation that was told it.
    private readonly int[] _nameOf; // By place: the state that an observation must be placed in, or none.
    private readonly int[] _payloadOf; // By place: the payload, held only once, that it must be placed in, or none.
    private readonly long[] _ceiling; // By place: for counters that only rise, the most that may come before it.
    private readonly int[] _waiting; // By payload: observations that need it and are not placed.
    private readonly bool _rises;

    public Foresight(KeyHistory history)
    {
        _payloads = history.Payloads;
        var answered = history.Answered;
        _lastTold = new long[history.Creations.Count];
        _lastStart = new long[history.Creations.Count];
        Array.Fill(_lastStart, long.MinValue);
        _nameOf = new int[answered.Length];
        _payloadOf = new int[answered.Length];
        Array.Fill(_payloadOf, RegisterState.None);
        foreach (var operation in answered)
        {
            Learn(operation);
        }

        var origins = new PayloadOrigins(history);
        _rises = origins.OnlyRises;
        _ceiling = _rises ? new long[answered.Length] : [];
        _waiting = new int[_payloads.Count];
        foreach (var operation in answered)
        {
            if (operation.IsObservation
                && operation.ToldPayload > PayloadTable.Unseen
                && origins.AtMostOnce(operation.ToldPayload))
            {
                _payloadOf[operation.Place] = operation.ToldPayload;
                _waiting[operation.ToldPayload]++;
            }

            if (_rises)
            {
                _ceiling[operation.Place] = Ceiling(operation);
            }
        }
    }

    /// <summary>Records that an answered operation was placed (1), or taken back (-1).</summary>
    public void Place(KeyOperation operation, int sign)
    {
        if (_nameOf[operation.Place] is >= 0 and var name)
        {
            CollectionsMarshal.AsSpan(_named)[name].Waiting -= sign;
        }

        if (_payloadOf[operation.Place] is >= 0 and var payload)
        {
            _waiting[payload] -= sign;
        }
    }

    /// <summary>False if a change from one state to the next leaves some answer without a place.</summary>
    /// <param name="state">What was there.</param>
    /// <param name="next">What is there then.</param>
    /// <param name="operation">The change.</param>
    /// <param name="first">The answered operation that ends first of those not placed before this one.</param>
    public bool Allows(in RegisterState state, in RegisterState next, KeyOperation operation, KeyOperation first)
    {
        if (!state.IsAbsent && !MayLeave(state, operation))
        {
            return false;
        }

        if (next.IsAbsent)
        {
            return !state.IsBound || state.Version >= _lastTold[state.Creation];
        }

        if (_rises && operation != first && _payloads.TryNumber(next.Payload, out var number)
            && number > _ceiling[first.Place])
        {
            return false;
        }

        return !TryName(next, out var made)
            || ((made.Maker is null || made.Maker == operation)
                && (made.Payload == RegisterState.None || made.Payload == next.Payload));
    }

    private bool MayLeave(in RegisterState state, KeyOperation operation)
    {
        // Payloads made later than the table was read are shown by no answer.
        if (state.Payload < _waiting.Length && _waiting[state.Payload] > 0)
        {
            return false;
        }

        return !TryName(state, out var left)
            || (left.Waiting == 0 && (left.Leaver is null || left.Leaver == operation));
    }

    private bool TryName(in RegisterState state, out NamedState named)
    {
        named = default;
        if (!state.IsBound || !_names.TryGetValue((state.Creation, state.Version), out var name))
        {
            return false;
        }

        named = _named[name];
        return true;
    }

    private void Learn(KeyOperation operation)
    {
        _nameOf[operation.Place] = RegisterState.None;
        if (operation.ToldCreation != RegisterState.None)
        {
            ref var last = ref _lastTold[operation.ToldCreation];
            last = Math.Max(last, operation.ToldVersion - (operation.Kind == StepKind.Delete ? 1 : 0));
            ref var lastStart = ref _lastStart[operation.ToldCreation];
            lastStart = Math.Max(lastStart, operation.Start);
            if (operation.Kind != StepKind.Delete)
            {
                var name = Name(operation.ToldCreation, operation.ToldVersion);
                LearnMade(operation, ref CollectionsMarshal.AsSpan(_named)[name], name);
            }
        }

        if (!operation.IsObservation && operation.ExpectedCreation != RegisterState.None)
        {
            var name = Name(operation.ExpectedCreation, operation.ExpectedVersion);
            CollectionsMarshal.AsSpan(_named)[name].Leaver = operation;
        }
    }

    private void LearnMade(KeyOperation operation, ref NamedState state, int name)
    {
        if (operation.IsObservation)
        {
            _nameOf[operation.Place] = name;
            state.Waiting++;
        }
        else
        {
            state.Maker = operation;
        }

        var payload = operation.Payload == RegisterState.None ? operation.ToldPayload : operation.Payload;
        state.Payload = payload == RegisterState.None ? state.Payload : payload;
    }

    private int Name(int creation, long version)
    {
        ref var name = ref CollectionsMarshal.GetValueRefOrAddDefault(_names, (creation, version), out var exists);
        if (!exists)
        {
            name = _named.Count;
            _named.Add(new NamedState { Payload = RegisterState.None });
        }

        return name;
    }

    private long Ceiling(KeyOperation operation)
    {
        if (operation.ToldPayload == RegisterState.None || !_payloads.TryNumber(operation.ToldPayload, out var told))
        {
            return long.MaxValue;
        }

        return operation.IsObservation ? told : told - operation.By;
    }

    /// <summary>What the answers tell of a state that has an ETag.</summary>
    private struct NamedState
    {
        /// <summary>Observations that need it and are not placed.</summary>
        public int Waiting;

        /// <summary>The operation that was told that it made it.</summary>
        public KeyOperation? Maker;

        /// <summary>The operation that was applied because it found it.</summary>
        public KeyOperation? Leaver;

        public int Payload;
    }
}
