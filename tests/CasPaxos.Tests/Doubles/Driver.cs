namespace CasPaxos.Tests;

/// <summary>Carries the letters of one state machine, each when the test says so; fires its timer by hand.</summary>
internal abstract class Driver(Cluster cluster, string register)
{
    private readonly List<Letter> _requests = [];
    private readonly List<Letter> _replies = [];

    /// <summary>Sent and not delivered.</summary>
    public IReadOnlyList<Letter> Requests => _requests;

    /// <summary>Answered and not delivered.</summary>
    public IReadOnlyList<Letter> Replies => _replies;

    /// <summary>All that was ever sent.</summary>
    public List<Letter> Sent { get; } = [];

    /// <summary>The request of the phase under way.</summary>
    public AcceptorRequest Asking => Sent[^1].Request;

    /// <summary>The timer set last.</summary>
    public ProposerEffect.SetTimer? Timer { get; private set; }

    /// <summary>All delays ever asked for.</summary>
    public List<TimeSpan> Delays { get; } = [];

    public List<long> Outdated { get; } = [];

    protected abstract bool IsIdle { get; }

    private long Attempt => Sent.Count == 0 ? 0 : Sent[^1].Attempt;

    /// <summary>How many rounds of a kind of request were sent.</summary>
    public int Rounds<TRequest>()
        where TRequest : AcceptorRequest =>
        Sent.Where(letter => letter.Request is TRequest).Select(letter => letter.Attempt).Distinct().Count();

    /// <summary>Requests of the phase under way reach these slots; the replies stay on their way.</summary>
    public void Ask(params int[] slots) => Ask(Attempt, slots);

    /// <summary>Replies of these slots arrive, in this order.</summary>
    public void Hear(params int[] slots) => Hear(Attempt, slots);

    /// <summary>There and back, slot after slot; only for the phase under way when it begins.</summary>
    public void Exchange(params int[] slots)
    {
        var attempt = Attempt;
        foreach (var slot in slots)
        {
            Ask(attempt, [slot]);
            Hear(attempt, [slot]);
        }
    }

    /// <summary>All requests on their way, taken out of it: lost, unless the test delivers them later.</summary>
    public List<Letter> Hold(params int[] slots)
    {
        List<Letter> held = [.. _requests.Where(letter => slots.Length == 0 || slots.Contains(letter.Slot))];
        _requests.RemoveAll(held.Contains);
        return held;
    }

    /// <summary>All replies on their way, taken out of it.</summary>
    public List<Letter> HoldReplies()
    {
        List<Letter> held = [.. _replies];
        _replies.Clear();
        return held;
    }

    /// <summary>A letter that was held, or a second copy of one, reaches its acceptor.</summary>
    public AcceptorReply? Deliver(Letter letter)
    {
        var reply = cluster.Handle(register, letter);
        if (reply is not null)
        {
            _replies.Add(letter with { Reply = reply });
        }

        return reply;
    }

    /// <summary>Any reply of any attempt arrives.</summary>
    public void Tell(int slot, long attempt, AcceptorReply reply) => Carry(Receive(slot, attempt, reply));

    /// <summary>A held reply arrives.</summary>
    public void Tell(Letter letter) => Tell(letter.Slot, letter.Attempt, letter.Reply!);

    /// <summary>Requests of the phase under way fail at these slots instead of reaching them.</summary>
    public void Fail(bool mayHaveTakenEffect, params int[] slots)
    {
        var attempt = Attempt;
        Hold(slots);
        foreach (var slot in slots)
        {
            Tell(slot, attempt, new AcceptorReply.Failed(mayHaveTakenEffect, "Out of reach."));
        }
    }

    public void Fire() => Fire(Timer!.Timer);

    public void Fire(long timer) => Carry(TimerFired(timer));

    /// <summary>Delivers all, and fires the timer when nothing else happens, until the machine rests.</summary>
    public void Run(int timersMax = 200, int lettersMax = 20_000)
    {
        var timers = 0;
        for (var letters = 0; letters <= lettersMax && timers <= timersMax; letters++)
        {
            if (_replies.Count > 0)
            {
                var reply = _replies[0];
                _replies.RemoveAt(0);
                Tell(reply);
            }
            else if (_requests.Count > 0)
            {
                var request = _requests[0];
                _requests.RemoveAt(0);
                Deliver(request);
            }
            else if (IsIdle)
            {
                return;
            }
            else
            {
                timers++;
                Fire();
            }
        }

        Assert.Fail($"Not at rest after {timersMax} timers or {lettersMax} letters.");
    }

    protected abstract IReadOnlyList<ProposerEffect> Receive(int slot, long attempt, AcceptorReply reply);

    protected abstract IReadOnlyList<ProposerEffect> TimerFired(long timer);

    protected virtual void Take(ProposerEffect effect)
    {
    }

    protected void Carry(IReadOnlyList<ProposerEffect> effects)
    {
        foreach (var effect in effects)
        {
            switch (effect)
            {
                case ProposerEffect.Send send:
                    var letter = new Letter(send.Slot, send.Attempt, send.Request);
                    Sent.Add(letter);
                    _requests.Add(letter);
                    break;
                case ProposerEffect.SetTimer timer:
                    Assert.True(timer.Delay > TimeSpan.Zero);
                    Timer = timer;
                    Delays.Add(timer.Delay);
                    break;
                case ProposerEffect.Outdated outdated:
                    Outdated.Add(outdated.Epoch);
                    break;
                default:
                    Take(effect);
                    break;
            }
        }
    }

    private void Ask(long attempt, int[] slots)
    {
        foreach (var slot in slots)
        {
            var letter = _requests.Single(letter => letter.Slot == slot && letter.Attempt == attempt);
            _requests.Remove(letter);
            Deliver(letter);
        }
    }

    private void Hear(long attempt, int[] slots)
    {
        foreach (var slot in slots)
        {
            var letter = _replies.FirstOrDefault(letter => letter.Slot == slot && letter.Attempt == attempt);
            if (letter is not null)
            {
                _replies.Remove(letter);
                Tell(letter);
            }
        }
    }
}
