namespace CasPaxos.Registers;

/// <summary>
/// Carries messages for one register's proposer: a mailbox that gives it one at a time, and does what it says. Decides
/// nothing.
/// </summary>
/// <remarks>
/// Only one thread at a time empties the mailbox, and nobody waits for it. Replies are handled by the lane that brought
/// them, but where a custom change may be run by the thread pool: one that blocks delays its own register and no other.
/// </remarks>
internal sealed class ProposerHost : IReplyTarget, IThreadPoolWorkItem
{
    /// <summary>About what a host takes beside the value that it remembers, in bytes.</summary>
    private const int RecordOverhead = 2048;

    private readonly Lock _gate = new(); // Of the mailbox. The rest belongs to the thread that empties it.
    private readonly RegisterKey _key;
    private readonly Proposer _proposer;
    private readonly Shard _shard;
    private readonly ProposerHosts _hosts;
    private readonly Admission.Place _place;
    private readonly Dictionary<long, TaskCompletionSource<Outcome>> _calls = [];
    private readonly TimeProvider _time;
    private readonly ITimer _timer;
    private List<Mail> _mail = [];
    private List<Mail> _reading = [];
    private bool _emptying;
    private bool _retired;
    private volatile bool _isCustom; // A custom change was submitted: what is run here may be the application's.
    private long _lastTicket;
    private ProposerEffect.SetTimer _armed = new(0, TimeSpan.Zero);
    private long _armedAt;
    private ProposerCounts _counted;
    private RequestTraces? _traces;
    private string? _lastFailure;
    private RegisterRecord? _seen;
    private long _bytes; // Of what was seen, as the others were told.

    public ProposerHost(RegisterKey key, Proposer proposer, Shard shard, ProposerHosts hosts, TimeProvider time)
    {
        _key = key;
        _proposer = proposer;
        _shard = shard;
        _hosts = hosts;
        _place = new Admission.Place(this);
        _time = time;
        _timer = time.CreateTimer(
            static host => ((ProposerHost)host!).Post(new Mail.TimerFired()),
            this,
            Timeout.InfiniteTimeSpan,
            Timeout.InfiniteTimeSpan);
    }

    /// <summary>When it was last used, as a time stamp.</summary>
    public long UsedAt { get; set; }

    /// <summary>Nothing is under way, as it seems from outside.</summary>
    public bool IsIdle => _proposer.IsIdle;

    public ProposerStatistics Statistics => _proposer.Statistics;

    public Admission Admission => _shard.Admission;

    /// <summary>Why requests failed lately, for the reason of an answer that tells of failure.</summary>
    public string? LastFailure => Volatile.Read(ref _lastFailure)
        ?? (Admission.Problems() is { Length: > 0 } problems ? problems : null);

    /// <summary>What the register held when it was last agreed on here; null if it never was.</summary>
    public Snapshot? LastSeen => Volatile.Read(ref _seen)?.View;

    /// <summary>Where the register stood then, tombstones included.</summary>
    public ETag? Position => Volatile.Read(ref _seen)?.Position;

    /// <summary>
    /// Submits an operation that is valid; null if the host was retired meanwhile and another must be asked.
    /// </summary>
    public (long Ticket, Task<Outcome> Outcome)? Submit(Operation operation)
    {
        if (operation.Change is Change.Custom)
        {
            _isCustom = true;
        }

        var call = new TaskCompletionSource<Outcome>(TaskCreationOptions.RunContinuationsAsynchronously);
        var ticket = Interlocked.Increment(ref _lastTicket);
        var traces = RequestTraces.OfCurrentOperation(_traces);
        return Post(new Mail.Submitted(ticket, operation, call, traces), here: true) ? (ticket, call.Task) : null;
    }

    public void Abandon(long ticket, string reason) => Post(new Mail.Abandoned(ticket, reason));

    /// <summary>Gives up what has not begun; see <see cref="Proposer.AbandonUnsent"/>.</summary>
    public void AbandonUnsent(long ticket, string reason) => Post(new Mail.Unsent(ticket, reason));

    /// <summary>There is room for its attempt.</summary>
    public void Admitted() => Post(new Mail.Admitted());

    public void Receive(int slot, long attempt, AcceptorReply reply)
    {
        if (reply is AcceptorReply.Failed failed)
        {
            Volatile.Write(ref _lastFailure, $"slot {slot}: {failed.Reason}");
        }

        Post(new Mail.Replied(slot, attempt, reply), here: !_isCustom);
    }

    /// <summary>Ends the host's life if nothing is under way.</summary>
    public bool TryRetire()
    {
        lock (_gate)
        {
            if (!_retired && !_emptying && _proposer.IsIdle)
            {
                _retired = true;
                _timer.Dispose();
                Remember(bytes: 0);
            }

            return _retired;
        }
    }

    void IThreadPoolWorkItem.Execute() => Empty(int.MaxValue);

    /// <summary>Puts a message into the mailbox, and sees to it that somebody empties it.</summary>
    /// <param name="mail">The message.</param>
    /// <param name="here">By this thread, if it is nobody yet.</param>
    /// <returns>False if the host is retired.</returns>
    private bool Post(Mail mail, bool here = false)
    {
        lock (_gate)
        {
            if (_retired)
            {
                return false;
            }

            _mail.Add(mail);
            if (_emptying)
            {
                return true;
            }

            _emptying = true;
        }

        if (here)
        {
            Empty(rounds: 1);
        }
        else
        {
            ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
        }

        return true;
    }

    private void Empty(int rounds)
    {
        while (true)
        {
            lock (_gate)
            {
                if (_mail.Count == 0)
                {
                    _emptying = false;
                    return;
                }

                if (rounds-- == 0)
                {
                    break; // A caller's thread is not kept for what others have posted meanwhile.
                }

                (_mail, _reading) = (_reading, _mail);
            }

            try
            {
                foreach (var mail in _reading)
                {
                    CarryOut(Take(mail));
                }
            }
#pragma warning disable CA1031 // A defect of ours; whoever waits here must learn of it instead of waiting for ever.
            catch (Exception exception)
#pragma warning restore CA1031
            {
                Fail(exception);
                return;
            }

            _reading.Clear();
        }

        ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
    }

    private IReadOnlyList<ProposerEffect> Take(Mail mail)
    {
        switch (mail)
        {
            case Mail.Submitted submitted:
                _traces = submitted.Traces;
                _calls.Add(submitted.Ticket, submitted.Call);
                return _proposer.Submit(submitted.Ticket, submitted.Operation);
            case Mail.Replied replied:
                _traces?.Ended(replied.Slot, replied.Attempt, replied.Reply);
                return _proposer.Receive(replied.Slot, replied.Attempt, replied.Reply);
            case Mail.Abandoned abandoned:
                return _proposer.Abandon(abandoned.Ticket, abandoned.Reason);
            case Mail.Unsent unsent:
                return _proposer.AbandonUnsent(unsent.Ticket, unsent.Reason);
            case Mail.Admitted:
                // It may have left since, and wait anew.
                return Admission.IsInside(_place) ? _proposer.Admit() : [];
            default:
                return IsDue() ? _proposer.TimerFired(_armed.Timer) : [];
        }
    }

    /// <summary>False for a timer that was set anew while it fired: the new one is not due, and fires later.</summary>
    private bool IsDue()
    {
        var left = _armed.Delay - _time.GetElapsedTime(_armedAt);
        if (left > TimeSpan.Zero)
        {
            Start(left);
        }

        return left <= TimeSpan.Zero;
    }

    // Rounded up to what timers can do: one cut down to zero would fire at once, again and again.
    private void Start(TimeSpan delay) =>
        _timer.Change(TimeSpan.FromMilliseconds(Math.Ceiling(delay.TotalMilliseconds)), Timeout.InfiniteTimeSpan);

    private void CarryOut(IReadOnlyList<ProposerEffect> effects)
    {
        Count();
        if (_seen != _proposer.Seen)
        {
            Volatile.Write(ref _seen, _proposer.Seen);
            Remember(_proposer.Seen is { } seen ? RecordOverhead + seen.Payload.Length : 0);
        }

        var isAdmitted = false;
        for (var i = 0; i < effects.Count; i++)
        {
            switch (effects[i])
            {
                case ProposerEffect.Send send:
                    _traces?.Began(send);
                    _shard.Slots[send.Slot].Enqueue(_key, send.Request, send.Attempt, this);
                    break;
                case ProposerEffect.SetTimer set:
                    (_armed, _armedAt) = (set, _time.GetTimestamp());
                    Start(set.Delay);
                    break;
                case ProposerEffect.Enter enter:
                    isAdmitted = Admission.Enter(_place, enter.Again);
                    break;
                case ProposerEffect.Leave:
                    isAdmitted = false;
                    Admission.Leave(_place);
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

        if (isAdmitted)
        {
            CarryOut(_proposer.Admit());
        }
    }

    /// <summary>Tells what the proposer has done since it was last told.</summary>
    private void Count()
    {
        var counts = ProposerCounts.Of(_proposer.Statistics);
        Telemetry.Proposed(_counted, counts);
        _counted = counts;
    }

    private void Answer(ProposerEffect.Answer answer)
    {
        if (_calls.Remove(answer.Ticket, out var call))
        {
            call.SetResult(answer.Outcome);
        }
    }

    private void Remember(long bytes)
    {
        var change = bytes - _bytes;
        _bytes = bytes;
        _hosts.BytesChanged(change);
    }

    private void Fail(Exception exception)
    {
        List<Mail> left;
        lock (_gate)
        {
            _retired = true;
            left = [.. _reading, .. _mail];
        }

        _timer.Dispose();
        Remember(bytes: 0);
        Admission.Leave(_place);
        foreach (var call in _calls.Values.Concat(left.OfType<Mail.Submitted>().Select(mail => mail.Call)))
        {
            call.TrySetException(exception);
        }
    }

    /// <summary>What comes to a proposer.</summary>
    private abstract record Mail
    {
        public sealed record Submitted(
            long Ticket, Operation Operation, TaskCompletionSource<Outcome> Call, RequestTraces? Traces) : Mail;

        public sealed record Replied(int Slot, long Attempt, AcceptorReply Reply) : Mail;

        public sealed record Abandoned(long Ticket, string Reason) : Mail;

        public sealed record Unsent(long Ticket, string Reason) : Mail;

        public sealed record Admitted : Mail;

        public sealed record TimerFired : Mail;
    }
}
