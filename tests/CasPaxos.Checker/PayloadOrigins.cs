namespace CasPaxos.Checker;

/// <summary>
/// Where payloads can come from. One that a single operation can make is held during one stretch of any order at most:
/// without ETags this is what tells states apart.
/// </summary>
internal sealed class PayloadOrigins
{
    private readonly PayloadTable _payloads;
    private readonly Dictionary<int, int> _written = [];
    private readonly Dictionary<string, int> _tails = new(StringComparer.Ordinal);
    private readonly SortedSet<int> _tailLengths = [];
    private readonly bool _increments;

    public PayloadOrigins(KeyHistory history)
    {
        _payloads = history.Payloads;
        OnlyRises = true;
        foreach (var operation in history.Answered)
        {
            Learn(operation, ref _increments);
        }

        foreach (var operation in history.Unknown.SelectMany(static members => members))
        {
            Learn(operation, ref _increments);
        }
    }

    /// <summary>True if the register is a counter that only rises: then no payload is ever held twice.</summary>
    public bool OnlyRises { get; private set; }

    /// <summary>True if no order can hold the payload, leave it, and hold it again.</summary>
    public bool AtMostOnce(int payload)
    {
        if (OnlyRises)
        {
            return true;
        }

        if (_increments && _payloads.TryNumber(payload, out _))
        {
            return false;
        }

        var text = _payloads.TextOf(payload);
        if (_tails.Count > 0 && (PayloadText.IsEncoded(text) || _tails.Keys.Any(PayloadText.IsEncoded)))
        {
            return false; // In Base64 the end of the bytes is not the end of the text.
        }

        var origins = _written.GetValueOrDefault(payload);
        foreach (var length in _tailLengths)
        {
            if (length <= text.Length)
            {
                origins += _tails.GetValueOrDefault(text[^length..]);
            }
        }

        return origins <= 1;
    }

    private void Learn(KeyOperation operation, ref bool increments)
    {
        OnlyRises &= operation.IsObservation || operation is { Kind: StepKind.Increment, By: > 0 };
        increments |= operation.Kind == StepKind.Increment;
        if (operation.Payload != RegisterState.None)
        {
            _written[operation.Payload] = _written.GetValueOrDefault(operation.Payload) + 1;
        }

        if (operation.Kind == StepKind.Append)
        {
            _tails[operation.Bytes] = _tails.GetValueOrDefault(operation.Bytes) + 1;
            _tailLengths.Add(operation.Bytes.Length);
        }
    }
}
