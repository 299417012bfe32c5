namespace CasPaxos.Registers;

/// <summary>Takes the replies of requests that it handed to an <see cref="AcceptorQueue"/>.</summary>
internal interface IReplyTarget
{
    void Receive(int slot, long attempt, AcceptorReply reply);
}

/// <summary>
/// The requests on their way to one acceptor. While a batch is under way the next one gathers (group commit): no timer
/// and no fixed wait. Bounded: what does not fit is answered as not sent.
/// </summary>
internal sealed class AcceptorQueue
{
    private readonly SlotHealth _health;
    private readonly LaneQueue _writes;
    private readonly LaneQueue _reads;
    private readonly LaneQueue _erasures;

    public AcceptorQueue(int slot, IAcceptor acceptor, RegisterClientOptions options, TimeProvider time)
    {
        Acceptor = acceptor;
        _health = new SlotHealth(slot, options, time);
        _writes = new LaneQueue(slot, "write", acceptor, _health, options, options.BatchesUnderWay);
        _reads = new LaneQueue(slot, "read", acceptor, _health, options, options.BatchesUnderWay);

        // An erasure excludes the writers of its database: one at a time is plenty.
        _erasures = new LaneQueue(slot, "erase", acceptor, _health, options, batchesUnderWay: 1);
    }

    public IAcceptor Acceptor { get; }

    /// <summary>Nothing more is asked here: a slot that does not answer is no longer this queue's to tell of.</summary>
    public void Close() => _health.Answered();

    public void Enqueue(RegisterKey key, AcceptorRequest request, long attempt, IReplyTarget target)
    {
        var lane = request switch
        {
            AcceptorRequest.Read => _reads,
            AcceptorRequest.Erase => _erasures,
            _ => _writes,
        };
        lane.Enqueue(new LaneQueue.Entry(new AcceptorCall(key, request), attempt, target));
    }
}

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

    /// <summary>
    /// Null if the slot may be asked; otherwise why not. While it is down, one caller at a time may probe it.
    /// </summary>
    public string? Refuse()
    {
        if (Volatile.Read(ref _failuresInARow) == 0)
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
        if (Volatile.Read(ref _failuresInARow) != 0)
        {
            lock (_gate)
            {
                if (_failuresInARow > 0)
                {
                    Telemetry.Reachable(slot, options.Port, reachable: true);
                }

                _failuresInARow = 0;
            }
        }
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
