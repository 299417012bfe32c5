namespace CasPaxos;

/// <summary>What came of trying to erase a register.</summary>
public enum ErasureResult
{
    /// <summary>No acceptor holds the register any more.</summary>
    Erased,

    /// <summary>The register exists: there is nothing to erase.</summary>
    Live,

    /// <summary>Deleted too recently: a retry might still look for its operation id (rule 12).</summary>
    TooYoung,

    /// <summary>Some acceptor could not be asked, or was ahead. Nothing is lost; try again later.</summary>
    Incomplete,
}

/// <summary>
/// Erases one deleted register from all acceptors (paper §3.1, with floors in place of ages; rules 15, 16 and 19): a
/// state machine like <see cref="Proposer"/>, for one erasure. Every step can be repeated, so one that stopped half-way
/// is taken up by simply beginning anew.
/// </summary>
/// <remarks>
/// Prepare at all acceptors, not a quorum: the current record must be known and be a tombstone. Accept it again at one
/// ballot t at all of them. Only then does each erase its row, if t is still what it accepted last: an acceptor that
/// still had an older value could bring it back (trap T-G3).
/// </remarks>
public sealed class Eraser
{
    private const int PreparesMax = 3;

    private readonly ProposerId _id;
    private readonly Configuration _configuration;
    private readonly ProposerSettings _settings;
    private readonly long _deletedBefore;
    private readonly List<ProposerEffect> _effects = [];
    private Reports _promises = new();
    private SlotSet _heard;
    private Ballot _ballot;
    private AcceptorRequest? _request;
    private long _counter;
    private long _attempt;
    private long _version; // The tombstone's.

    /// <summary>Makes an eraser for one erasure of one register.</summary>
    /// <param name="id">Random and fresh (rule 7).</param>
    /// <param name="counter">Where its ballots begin; a hint, see <see cref="Proposer"/>.</param>
    /// <param name="configuration">The acceptors.</param>
    /// <param name="settings">The phase timeout counts.</param>
    /// <param name="deletedBefore">
    /// Unix milliseconds; a tombstone written later is left alone. The caller's now, less twice the longest time in
    /// which an operation may be retried, and less what clocks may differ: a delete carries the time of its first try,
    /// and may follow an operation whose own time has just begun.
    /// </param>
    public Eraser(
        ProposerId id, long counter, Configuration configuration, ProposerSettings settings, long deletedBefore)
    {
        _id = id;
        _counter = counter;
        _configuration = configuration;
        _settings = settings;
        _deletedBefore = deletedBefore;
    }

    /// <summary>True once the result is known.</summary>
    public bool IsDone { get; private set; }

    /// <summary>Begins. To be called once.</summary>
    public IReadOnlyList<ProposerEffect> Begin()
    {
        Prepare();
        return TakeEffects();
    }

    /// <summary>Takes a reply; late, repeated and foreign ones change nothing.</summary>
    public IReadOnlyList<ProposerEffect> Receive(int slot, long attempt, AcceptorReply reply)
    {
        var counts = slot >= 0 && slot < _configuration.Slots && !_heard.Contains(slot);
        if (!IsDone && attempt == _attempt && counts)
        {
            _heard = _heard.With(slot);
            Hear(reply);
        }

        return TakeEffects();
    }

    /// <summary>Takes the news that a timer fired.</summary>
    public IReadOnlyList<ProposerEffect> TimerFired(long timer)
    {
        if (!IsDone && timer == _attempt)
        {
            End(ErasureResult.Incomplete);
        }

        return TakeEffects();
    }

    private void Hear(AcceptorReply reply)
    {
        switch (_request, reply)
        {
            case (AcceptorRequest.Prepare, AcceptorReply.Promised promised):
                _promises.Add(promised.AcceptedBallot, promised.Value, promised.VersionFloor);
                break;
            case (AcceptorRequest.Prepare, AcceptorReply.Refused refused) when _attempt < PreparesMax:
                _counter = Math.Max(_counter, refused.Winner.Counter);
                Prepare();
                return;
            case (AcceptorRequest.Accept, AcceptorReply.Accepted):
            case (AcceptorRequest.Erase, AcceptorReply.Erased):
                break;
            default:
                End(ErasureResult.Incomplete);
                return;
        }

        if (_heard.Count == _configuration.Slots)
        {
            Proceed();
        }
    }

    private void Proceed()
    {
        switch (_request)
        {
            case AcceptorRequest.Prepare:
                Prepared(_promises.Highest);
                break;
            case AcceptorRequest.Accept:
                Ask(new AcceptorRequest.Erase(_configuration.Epoch, _ballot, _version));
                break;
            default:
                End(ErasureResult.Erased);
                break;
        }
    }

    private void Prepare()
    {
        if (_counter == Ballot.CounterMax)
        {
            End(ErasureResult.Incomplete);
            return;
        }

        _promises = new Reports();
        _ballot = new Ballot(checked(++_counter), _id);
        Ask(new AcceptorRequest.Prepare(_configuration.Epoch, _ballot));
    }

    private void Prepared(AcceptorReply.Report current)
    {
        if (current.AcceptedBallot.IsZero)
        {
            // Promises and nothing else. The floor keeps them, so such a row may go at any time.
            Ask(new AcceptorRequest.Erase(_configuration.Epoch, Ballot.Zero, Version: 0));
            return;
        }

        try
        {
            var record = RecordCodec.Decode(current.Value);

            // An operation that is settled in the tombstone has a position of its version at the most. One more makes
            // every later try of it find that the register no longer shows what became of it, without any clock.
            _version = record.Version + (record.Recent.Settled.IsEmpty ? 0 : 1);
            switch (record.DeletedAt)
            {
                case null:
                    End(ErasureResult.Live);
                    break;
                case { } deletedAt when deletedAt > _deletedBefore:
                    End(ErasureResult.TooYoung);
                    break;
                default:
                    // The identity change, at all acceptors, promising nothing beyond itself.
                    Ask(new AcceptorRequest.Accept(_configuration.Epoch, _ballot, current.Value, Ballot.Zero));
                    break;
            }
        }
        catch (RecordFormatException)
        {
            End(ErasureResult.Live); // Not ours to judge, so not ours to erase.
        }
    }

    private void Ask(AcceptorRequest request)
    {
        _request = request;
        _heard = default;
        _attempt++;
        for (var slot = 0; slot < _configuration.Slots; slot++)
        {
            _effects.Add(new ProposerEffect.Send(slot, _attempt, request));
        }

        _effects.Add(new ProposerEffect.SetTimer(_attempt, _settings.PhaseTimeout));
    }

    private void End(ErasureResult result)
    {
        IsDone = true;
        _effects.Add(new ProposerEffect.Erasure(result));
    }

    private ProposerEffect[] TakeEffects()
    {
        ProposerEffect[] effects = [.. _effects];
        _effects.Clear();
        return effects;
    }
}
