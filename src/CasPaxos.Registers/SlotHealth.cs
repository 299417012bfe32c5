namespace CasPaxos.Registers;

/// <summary>
/// Whether a slot answers. One that did not is left alone for a while: what is asked of it meanwhile is answered at
/// once as not sent, so that a dead database costs nobody a wait.
/// </summary>
internal sealed class SlotHealth(int slot, RegisterClientOptions options, TimeProvider time)
{
    private readonly Lock _gate = new();
    private int _failuresInARow;
    private long _retryAt;
    private string _reason = "";

    /// <summary>Called when a slot answers that did not before. Must not throw.</summary>
    public Action? CameBack { get; set; }

    /// <summary>It answered when it was asked last, or was never asked.</summary>
    public bool IsWell => Volatile.Read(ref _failuresInARow) == 0;

    /// <summary>Null if it is well; otherwise why it did not answer.</summary>
    public string? Problem
    {
        get
        {
            lock (_gate)
            {
                return _failuresInARow == 0 ? null : $"slot {slot}: {_reason}";
            }
        }
    }

    /// <summary>It is well, or has been left alone for long enough.</summary>
    public bool MayBeAsked
    {
        get
        {
            lock (_gate)
            {
                return _failuresInARow == 0 || time.GetTimestamp() >= _retryAt;
            }
        }
    }

    /// <summary>
    /// Null if the slot may be asked; otherwise why not. While it is down, one caller at a time may probe it.
    /// </summary>
    public string? Refuse()
    {
        if (IsWell)
        {
            return null;
        }

        lock (_gate)
        {
            if (_failuresInARow == 0)
            {
                return null;
            }

            var now = time.GetTimestamp();
            if (now < _retryAt)
            {
                return _reason;
            }

            _retryAt = now + Ticks(options.ReprobeMax); // This caller probes; the next may when it has not come back.
            return null;
        }
    }

    public void Answered()
    {
        if (IsWell)
        {
            return;
        }

        lock (_gate)
        {
            if (_failuresInARow == 0)
            {
                return;
            }

            Telemetry.Reachable(slot, options.Port, reachable: true);
            _failuresInARow = 0;
        }

        CameBack?.Invoke();
    }

    public void Failed(string reason)
    {
        lock (_gate)
        {
            if (_failuresInARow == 0)
            {
                Telemetry.Reachable(slot, options.Port, reachable: false);
            }

            _failuresInARow = Math.Min(_failuresInARow + 1, 20);
            _reason = reason;
            var pause = Math.Min(
                Ticks(options.ReprobeMax), Ticks(options.ReprobeBase) << (_failuresInARow - 1));
            _retryAt = time.GetTimestamp() + pause;
        }
    }

    private long Ticks(TimeSpan span) => (long)(span.TotalSeconds * time.TimestampFrequency);
}
