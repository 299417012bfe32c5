namespace CasPaxos.Registers;

/// <summary>
/// Room for attempts, once for all slots (rule 24). As many are under way at a time as end soon, and the others wait
/// in their order, those of operations that may be in doubt first. While too few slots answer to make a quorum, none
/// begins, but for one now and then that finds out whether they do again.
/// </summary>
internal sealed class Admission
{
    private readonly Lock _gate = new();
    private readonly LinkedList<Place> _again = new();
    private readonly LinkedList<Place> _waiting = new();
    private readonly IReadOnlyList<SlotHealth> _slots;
    private readonly int _quorum;
    private readonly RegisterClientOptions _options;
    private readonly TimeProvider _time;
    private readonly ITimer _timer;
    private readonly AttemptLimit _limit;
    private int _inside;
    private long _probedAt;
    private bool _ticking;

    /// <summary>Makes the room of the registers that share these slots.</summary>
    /// <param name="slots">All of the configuration.</param>
    /// <param name="quorum">How many must answer for an attempt to end well.</param>
    /// <param name="options">How much room there is, and how often slots are tried that do not answer.</param>
    /// <param name="time">The clock.</param>
    public Admission(
        IReadOnlyList<SlotHealth> slots, int quorum, RegisterClientOptions options, TimeProvider time)
    {
        (_slots, _quorum, _options, _time) = (slots, quorum, options, time);
        _limit = new AttemptLimit(options.AttemptsMax, time);
        _timer = time.CreateTimer(
            static admission => ((Admission)admission!).Tick(),
            this,
            Timeout.InfiniteTimeSpan,
            Timeout.InfiniteTimeSpan);
        foreach (var slot in slots)
        {
            slot.CameBack += Reconsider;
        }
    }

    /// <summary>A proposer asks for room.</summary>
    /// <returns>True if it has it; otherwise <see cref="ProposerHost.Admitted"/> tells it later.</returns>
    public bool Enter(Place place, bool again)
    {
        lock (_gate)
        {
            if (LetsIn())
            {
                LetIn(place);
                return true;
            }

            place.Node = (again ? _again : _waiting).AddLast(place);
            Telemetry.AttemptsWaiting(1, _options.Port);
            StartTicking();
            return false;
        }
    }

    /// <summary>It has room, or did when it was told so: it may have left since.</summary>
    public bool IsInside(Place place)
    {
        lock (_gate)
        {
            return place.IsInside;
        }
    }

    /// <summary>It needs no room any more, or does not wait for it any longer.</summary>
    public void Leave(Place place)
    {
        lock (_gate)
        {
            if (place.Node is { } node)
            {
                node.List!.Remove(node);
                place.Node = null;
                Telemetry.AttemptsWaiting(-1, _options.Port);
            }
            else if (place.IsInside)
            {
                place.IsInside = false;
                _limit.Ended(place.Since, _inside--);
                LetInWaiting();
            }
        }
    }

    /// <summary>
    /// How long before the end of its time an operation should have begun: several times what attempts have taken
    /// lately, and half of its time at the most.
    /// </summary>
    public TimeSpan Reserve(TimeSpan longest)
    {
        lock (_gate)
        {
            var wanted = 4 * _limit.Mean;
            return wanted < longest / 2 ? wanted : longest / 2;
        }
    }

    /// <summary>Why attempts wait, for people.</summary>
    public string Reason()
    {
        if (!IsInReach())
        {
            return $"No quorum is in reach. {Problems()}";
        }

        lock (_gate)
        {
            return $"More is asked than can be done: {_again.Count + _waiting.Count} registers wait, and " +
                $"{_inside} are being changed or read. Ask for less at a time, or give it a longer time.";
        }
    }

    /// <summary>What is wrong with the slots; empty if nothing is.</summary>
    public string Problems() => string.Join("; ", _slots.Select(slot => slot.Problem).OfType<string>());

    private bool IsInReach()
    {
        var well = 0;
        for (var i = 0; i < _slots.Count; i++)
        {
            well += _slots[i].IsWell ? 1 : 0;
        }

        return well >= _quorum;
    }

    private bool LetsIn()
    {
        if (_inside >= _limit.Current)
        {
            return false;
        }

        if (IsInReach())
        {
            return true;
        }

        // Whoever goes in now sends to all slots, those included that answer: so not more often than it may help.
        var now = _time.GetTimestamp();
        if (_time.GetElapsedTime(_probedAt, now) < _options.ReprobeBase
            || !_slots.Any(slot => !slot.IsWell && slot.MayBeAsked))
        {
            return false;
        }

        _probedAt = now;
        return true;
    }

    private void LetIn(Place place)
    {
        place.IsInside = true;
        place.Since = _time.GetTimestamp();
        _inside++;
    }

    private void LetInWaiting()
    {
        while ((_again.First ?? _waiting.First) is { } node && LetsIn())
        {
            node.List!.Remove(node);
            node.Value.Node = null;
            Telemetry.AttemptsWaiting(-1, _options.Port);
            LetIn(node.Value);
            node.Value.Host.Admitted();
        }
    }

    private void Reconsider()
    {
        lock (_gate)
        {
            LetInWaiting();
        }
    }

    /// <summary>While a quorum is out of reach nobody leaves, so nobody would be let in: a timer does it.</summary>
    private void StartTicking()
    {
        if (!_ticking)
        {
            _ticking = true;
            _timer.Change(_options.ReprobeBase, Timeout.InfiniteTimeSpan);
        }
    }

    private void Tick()
    {
        lock (_gate)
        {
            _ticking = false;
            LetInWaiting();
            if (_again.Count + _waiting.Count > 0)
            {
                StartTicking();
            }
        }
    }

    /// <summary>What one proposer has of the room. Belongs to the admission.</summary>
    internal sealed class Place(ProposerHost host)
    {
        public ProposerHost Host { get; } = host;

        public LinkedListNode<Place>? Node { get; set; }

        public bool IsInside { get; set; }

        public long Since { get; set; }
    }
}
