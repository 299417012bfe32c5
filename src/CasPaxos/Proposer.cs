namespace CasPaxos;

/// <summary>
/// Proposes changes of one register (paper §2.2): a state machine that is given messages and returns what to do. It
/// queues operations and applies all that wait in one round, each with its own answer; it decides on retries, backoff
/// and deduplication. Holds only soft state: losing it costs a round trip, never a value.
/// </summary>
/// <remarks>Not safe for concurrent use: the host gives it one message at a time.</remarks>
public sealed partial class Proposer
{
    private readonly ProposerId _id;
    private readonly ChangeCatalog _catalog;
    private readonly ProposerSettings _settings;
    private readonly Random _random;
    private readonly List<Pending> _waiting = [];
    private List<ProposerEffect> _effects = [];
    private Configuration _configuration;
    private Attempt? _attempt;
    private PreparedBallot? _prepared;
    private long _counter;
    private long _lastAttempt;
    private long _timer;
    private bool _backingOff;
    private Room _room;
    private int _setbacksInARow;
    private int _silencesInARow; // Attempts that were not answered in time, and not refused either.
    private long _fencedBy;

    /// <summary>Makes a proposer for one register.</summary>
    /// <param name="id">Random and fresh: no other instance, before or after, may have it (rule 7).</param>
    /// <param name="counter">
    /// Where its ballots begin; 0 or more. A hint: with the wall clock's microseconds a new proposer nearly always
    /// outbids the ones before it at the first try. Safety does not depend on it.
    /// </param>
    /// <param name="configuration">The acceptors.</param>
    /// <param name="catalog">The changes that it can apply.</param>
    /// <param name="settings">Limits and patience.</param>
    /// <param name="random">For jitter; not for ids.</param>
    public Proposer(
        ProposerId id,
        long counter,
        Configuration configuration,
        ChangeCatalog catalog,
        ProposerSettings settings,
        Random random)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(counter);
        _id = id;
        _counter = counter;
        _configuration = configuration;
        _catalog = catalog;
        _settings = settings;
        _random = random;
    }

    /// <summary>What it has done so far.</summary>
    public ProposerStatistics Statistics { get; } = new();

    /// <summary>
    /// What the register held when it was last agreed on here, tombstones included; null if it never was. The same
    /// memory as what the one-round-trip path remembers, where that is the same record.
    /// </summary>
    public RegisterRecord? Seen { get; private set; }

    /// <summary>Where the register stood then; null if it was never agreed on here.</summary>
    public ETag? Position => Seen?.Position;

    /// <summary>
    /// True when no operation waits or is under way: forgetting the proposer then costs a round trip at most.
    /// </summary>
    public bool IsIdle => _attempt is null && _waiting.Count == 0;

    /// <summary>
    /// True while an attempt is wanted and there is no room for it yet; see <see cref="ProposerEffect.Enter"/>.
    /// </summary>
    public bool AwaitsRoom => _room == Room.Asked;

    /// <summary>True while an attempt is under way, so while it has room.</summary>
    public bool IsAttempting => _attempt is not null;

    /// <summary>Takes an operation. It is answered by a <see cref="ProposerEffect.Answer"/>, now or later.</summary>
    /// <param name="ticket">The caller's name for this call, never used before with this proposer.</param>
    /// <param name="operation">What is wanted.</param>
    /// <exception cref="ArgumentException">See <see cref="ChangeCatalog.Validate"/>; nothing is sent.</exception>
    public IReadOnlyList<ProposerEffect> Submit(long ticket, Operation operation)
    {
        ArgumentNullException.ThrowIfNull(operation);
        _catalog.Validate(operation.Change);
        var pending = new Pending(ticket, operation);
        if (_waiting.Count >= _settings.QueueMax)
        {
            GiveUp(pending, $"{_settings.QueueMax} operations wait at this register already.");
        }
        else
        {
            _waiting.Add(pending);
            Advance();
        }

        return TakeEffects();
    }

    /// <summary>
    /// Takes the news that there is room for an attempt: it begins, for all operations that wait. Changes nothing if
    /// none was asked for, or if the room was left again meanwhile.
    /// </summary>
    public IReadOnlyList<ProposerEffect> Admit()
    {
        if (_room == Room.Asked)
        {
            _room = Room.Held;
            Advance();
        }

        return TakeEffects();
    }

    /// <summary>Takes a reply. Late, repeated and foreign ones are recognised and change nothing (rule 8).</summary>
    /// <param name="slot">Who replied.</param>
    /// <param name="attempt">The attempt of the request.</param>
    /// <param name="reply">The reply, or that there is none.</param>
    public IReadOnlyList<ProposerEffect> Receive(int slot, long attempt, AcceptorReply reply)
    {
        ArgumentNullException.ThrowIfNull(reply);
        if (_attempt?.Id == attempt)
        {
            if (_attempt.Awaits(slot))
            {
                Hear(_attempt, slot, reply);
                Advance();
            }
        }
        else if (_prepared?.Attempt == attempt && reply is AcceptorReply.Accepted accepted)
        {
            // Behind the quorum that ended the accept: it can still confirm the promise for the next one.
            _prepared.Confirm(slot, accepted.Promise);
        }

        return TakeEffects();
    }

    /// <summary>Takes the news that a timer fired; one that was replaced meanwhile changes nothing.</summary>
    public IReadOnlyList<ProposerEffect> TimerFired(long timer)
    {
        if (timer == _timer)
        {
            _backingOff = false;
            if (_attempt is { } attempt)
            {
                OutOfPatience(attempt);
            }

            Advance();
        }

        return TakeEffects();
    }

    /// <summary>
    /// The caller waits no longer. It is told what is known: unknown, if an accept that applies its operation was sent;
    /// unavailable, if none was, and then none will be.
    /// </summary>
    /// <param name="ticket">The call; one that is answered already changes nothing.</param>
    /// <param name="reason">For people: why the caller waits no longer.</param>
    public IReadOnlyList<ProposerEffect> Abandon(long ticket, string reason)
    {
        if (_waiting.FindIndex(pending => pending.Ticket == ticket) is >= 0 and var index)
        {
            AbandonWaiting(index, reason);
        }
        else if (_attempt?.Operations.Find(pending => pending.Ticket == ticket && !pending.Answered) is { } pending)
        {
            if (_attempt is AcceptAttempt accept)
            {
                MayBeApplied(accept, pending);
            }

            GiveUp(pending, reason);
        }

        return TakeEffects();
    }

    /// <summary>
    /// The caller has so little time left that an attempt which began now might not end in it. If none for its
    /// operation has begun, and none is about to, it is told now that nothing was sent, and not later that nothing is
    /// known.
    /// </summary>
    /// <param name="ticket">The call; one that is answered already changes nothing.</param>
    /// <param name="reason">For people: what it has waited for.</param>
    public IReadOnlyList<ProposerEffect> AbandonUnsent(long ticket, string reason)
    {
        var index = _waiting.FindIndex(pending => pending.Ticket == ticket && pending.Since is null);
        if (index >= 0 && (AwaitsRoom || index >= _settings.CombineMax))
        {
            AbandonWaiting(index, reason);
        }

        return TakeEffects();
    }

    /// <summary>
    /// Takes a newer configuration. An attempt under way ends with the one that it began with (rule 10).
    /// </summary>
    public IReadOnlyList<ProposerEffect> Reconfigure(Configuration configuration)
    {
        ArgumentNullException.ThrowIfNull(configuration);
        if (configuration.Epoch > _configuration.Epoch)
        {
            _configuration = configuration;
            _prepared = null;
            Advance();
        }

        return TakeEffects();
    }

    private void AbandonWaiting(int index, string reason)
    {
        var pending = _waiting[index];
        _waiting.RemoveAt(index);
        GiveUp(pending, reason);
        if (_waiting.Count == 0 && AwaitsRoom)
        {
            LeaveRoom();
        }
    }

    private void Answer(Pending pending, Outcome outcome)
    {
        // Given up meanwhile: an answer that was given is not given again.
        if (!pending.Answered)
        {
            pending.Answered = true;
            _effects.Add(new ProposerEffect.Answer(pending.Ticket, outcome));
        }
    }

    private void GiveUp(Pending pending, string reason, bool unreadable = false) => Answer(
        pending,
        pending.Since is { } since
            ? new Outcome.Unknown(pending.Operation.Id, since, reason)
            : new Outcome.Unavailable(reason, Unreadable: unreadable));

    private List<ProposerEffect> TakeEffects()
    {
        var effects = _effects;
        _effects = [];
        return effects;
    }
}

/// <summary>What a proposer has of the room that an attempt needs (rule 24).</summary>
internal enum Room
{
    None,
    Asked,
    Held,
}

/// <summary>
/// The one-round-trip path (paper §2.2.1): a ballot that the acceptors promised along with an accept, and the record
/// accepted there. Used for one accept; dropped by anything but a confirmed accept (rule 9).
/// </summary>
internal sealed class PreparedBallot
{
    private readonly Configuration _configuration;
    private SlotSet _confirmed;

    /// <summary>The ballot that was promised along with an accept that is chosen.</summary>
    public PreparedBallot(AcceptAttempt accept)
    {
        (Attempt, Ballot, Record) = (accept.Id, accept.Next, accept.Record);
        (_configuration, _confirmed) = (accept.Configuration, accept.Confirmed);
    }

    /// <summary>The ballot of a prepare that all slots promised and that needed no accept (rule 20).</summary>
    public PreparedBallot(PrepareAttempt prepare, RegisterRecord record)
    {
        (Attempt, Ballot, Record) = (prepare.Id, prepare.Ballot, record);
        (_configuration, _confirmed) = (prepare.Configuration, prepare.Heard);
    }

    public long Attempt { get; }

    public Ballot Ballot { get; }

    /// <summary>Exactly what was accepted, so what a prepare would find.</summary>
    public RegisterRecord Record { get; }

    public void Confirm(int slot, Ballot promise)
    {
        if (promise == Ballot && slot >= 0 && slot < _configuration.Slots)
        {
            _confirmed = _confirmed.With(slot);
        }
    }

    /// <summary>Promised by a prepare quorum of the configuration in force: a prepare would tell nothing new.</summary>
    public bool IsConfirmed(Configuration configuration) =>
        _configuration == configuration && _confirmed.Count >= configuration.PrepareQuorum;
}
