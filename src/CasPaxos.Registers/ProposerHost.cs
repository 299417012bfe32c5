namespace CasPaxos.Registers;

/// <summary>
/// Carries messages for one register's proposer: gives it one at a time and does what it says. Decides nothing.
/// </summary>
internal sealed class ProposerHost : IReplyTarget
{
    private readonly Lock _gate = new();
    private readonly RegisterKey _key;
    private readonly Proposer _proposer;
    private readonly IReadOnlyList<AcceptorQueue> _slots;
    private readonly Dictionary<long, TaskCompletionSource<Outcome>> _calls = [];
    private readonly TimeProvider _time;
    private readonly ITimer _timer;
    private long _lastTicket;
    private ProposerEffect.SetTimer _armed = new(0, TimeSpan.Zero);
    private long _armedAt;
    private bool _retired;
    private ProposerCounts _counted;
    private RequestTraces? _traces;
    private string? _lastFailure;
    private Outcome? _lastSeen;

    public ProposerHost(RegisterKey key, Proposer proposer, IReadOnlyList<AcceptorQueue> slots, TimeProvider time)
    {
        _key = key;
        _proposer = proposer;
        _slots = slots;
        _time = time;
        _timer = time.CreateTimer(
            static host => ((ProposerHost)host!).TimerFired(),
            this,
            Timeout.InfiniteTimeSpan,
            Timeout.InfiniteTimeSpan);
    }

    /// <summary>Set on every use; the sweep that retires idle hosts clears it.</summary>
    public bool UsedLately { get; set; }

    public ProposerStatistics Statistics => _proposer.Statistics;

    /// <summary>Why requests failed lately, for the reason of an answer that tells of failure.</summary>
    public string? LastFailure => Volatile.Read(ref _lastFailure);

    /// <summary>What the register held when it was last agreed on here; null if it never was.</summary>
    public Snapshot? LastSeen => Volatile.Read(ref _lastSeen) switch
    {
        Outcome.Applied applied => applied.Current,
        Outcome.Refused refused => refused.Current,
        _ => null,
    };

    /// <summary>Where the register stood then, tombstones included.</summary>
    public ETag? Position
    {
        get
        {
            lock (_gate)
            {
                return _proposer.Position;
            }
        }
    }

    /// <summary>Submits an operation; null if the host was retired meanwhile and another must be asked.</summary>
    public (long Ticket, Task<Outcome> Outcome)? Submit(Operation operation)
    {
        IReadOnlyList<ProposerEffect> effects;
        var call = new TaskCompletionSource<Outcome>(TaskCreationOptions.RunContinuationsAsynchronously);
        long ticket;
        lock (_gate)
        {
            if (_retired)
            {
                return null;
            }

            ticket = ++_lastTicket;
            effects = Arm(_proposer.Submit(ticket, operation));
            Count();
            _traces = RequestTraces.OfCurrentOperation(_traces);
            _calls.Add(ticket, call); // Behind Submit: it throws for what no register can be asked for.
        }

        CarryOut(effects);
        return (ticket, call.Task);
    }

    public void Abandon(long ticket, string reason) => Give(static (host, given) =>
        host._proposer.Abandon(given.ticket, given.reason), (ticket, reason));

    public void Receive(int slot, long attempt, AcceptorReply reply)
    {
        if (reply is AcceptorReply.Failed failed)
        {
            Volatile.Write(ref _lastFailure, $"slot {slot}: {failed.Reason}");
        }

        _traces?.Ended(slot, attempt, reply);
        Give(static (host, given) =>
            host._proposer.Receive(given.slot, given.attempt, given.reply), (slot, attempt, reply));
    }

    /// <summary>Ends the host's life if nothing is under way.</summary>
    public bool TryRetire()
    {
        lock (_gate)
        {
            _retired |= _proposer.IsIdle;
            if (_retired)
            {
                _timer.Dispose();
            }

            return _retired;
        }
    }

    private void TimerFired() =>
        Give(static (host, _) => host.Due() ? host._proposer.TimerFired(host._armed.Timer) : [], 0);

    /// <summary>False for a timer that was set anew while it fired: the new one is not due, and fires later.</summary>
    private bool Due()
    {
        var left = _armed.Delay - _time.GetElapsedTime(_armedAt);
        if (left > TimeSpan.Zero)
        {
            Start(left);
        }

        return left <= TimeSpan.Zero;
    }

    private void Start(TimeSpan delay)
    {
        if (!_retired)
        {
            // Rounded up to what timers can do: one cut down to zero would fire at once, again and again.
            _timer.Change(TimeSpan.FromMilliseconds(Math.Ceiling(delay.TotalMilliseconds)), Timeout.InfiniteTimeSpan);
        }
    }

    private void Give<T>(Func<ProposerHost, T, IReadOnlyList<ProposerEffect>> message, T given)
    {
        IReadOnlyList<ProposerEffect> effects;
        lock (_gate)
        {
            effects = Arm(message(this, given));
            Count();
        }

        CarryOut(effects);
    }

    /// <summary>Tells what the proposer has done since it was last told.</summary>
    private void Count()
    {
        var counts = ProposerCounts.Of(_proposer.Statistics);
        Telemetry.Proposed(_counted, counts);
        _counted = counts;
    }

    /// <summary>Timers are set under the lock: another thread's later one must not be replaced by this one.</summary>
    private IReadOnlyList<ProposerEffect> Arm(IReadOnlyList<ProposerEffect> effects)
    {
        for (var i = effects.Count - 1; i >= 0; i--)
        {
            if (effects[i] is ProposerEffect.SetTimer set)
            {
                _armed = set;
                _armedAt = _time.GetTimestamp();
                Start(set.Delay);
                break; // The last one counts.
            }
        }

        return effects;
    }

    private void CarryOut(IReadOnlyList<ProposerEffect> effects)
    {
        for (var i = 0; i < effects.Count; i++)
        {
            switch (effects[i])
            {
                case ProposerEffect.Send send:
                    _traces?.Began(send);
                    _slots[send.Slot].Enqueue(_key, send.Request, send.Attempt, this);
                    break;
                case ProposerEffect.Answer answer:
                    Answer(answer);
                    break;
                case ProposerEffect.Outdated outdated:
                    Volatile.Write(
                        ref _lastFailure,
                        $"the cluster is at configuration epoch {outdated.Epoch}, which this client has not loaded");
                    break;
            }
        }
    }

    private void Answer(ProposerEffect.Answer answer)
    {
        TaskCompletionSource<Outcome>? call;
        lock (_gate)
        {
            _calls.Remove(answer.Ticket, out call);
        }

        if (answer.Outcome is Outcome.Applied or Outcome.Refused)
        {
            Volatile.Write(ref _lastSeen, answer.Outcome);
        }

        call?.SetResult(answer.Outcome);
    }
}
