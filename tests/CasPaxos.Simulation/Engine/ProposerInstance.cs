using System.Diagnostics;

namespace CasPaxos.Simulation;

/// <summary>The host of one proposer: carries out what it wants done, and decides nothing.</summary>
internal sealed class ProposerInstance : IReplyTarget
{
    private readonly World _world;
    private readonly ProposerNode _node;
    private readonly ProposerId _id;
    private readonly Proposer _proposer;
    private readonly List<Try> _calls = [];
    private readonly Dictionary<long, int> _sealing = []; // Sealed reads, and when they began.
    private bool _isGone;
    private long _lastTicket;

    public ProposerInstance(World world, ProposerNode node, int register, ProposerId id, long counter)
    {
        _world = world;
        _node = node;
        _id = id;
        Register = register;
        _proposer = new Proposer(id, counter, node.Configuration, world.Catalog, world.Scenario.Settings, world.Random);
    }

    public int Node => _node.Index;

    public int Register { get; }

    public bool IsIdle => _proposer.IsIdle;

    public ETag? Position => _proposer.Position;

    public bool AwaitsRoom => _proposer.AwaitsRoom;

    public bool IsAttempting => _proposer.IsAttempting;

    public Try Submit(OperationRun run, Operation operation, long distance)
    {
        var call = new Try(run, this, ++_lastTicket);
        _calls.Add(call);
        if (_world.Trace.IsOn)
        {
            var since = operation.RetrySince is { } retry ? $" since {Describe.ETag(retry)}"
                : operation.KnownSince is { } known ? $" known since {Describe.ETag(known)}" : "";
            _world.Trace.Add(Register, $"{run} asks {this}: {Describe.Change(run.Change)}{since}, call {call.Ticket}");
        }

        // The caller must have the call before its answer comes, even if that is known at once.
        _world.Events.After(distance, () => _node.Do(() =>
        {
            call.HasArrived = true;
            if (!_isGone && !call.IsOver)
            {
                var seals = _world.Invariants.Sealed(Register);
                seals.Asked(this, run.Id);
                if (run.Change is Change.SealedRead)
                {
                    _sealing.Add(call.Ticket, seals.Begun);
                }

                CarryOut(_proposer.Submit(call.Ticket, operation));
                if (call.IsAbandoned)
                {
                    AbandonNow(call);
                }
            }
        }));
        return call;
    }

    public void Abandon(Try call) => _node.Do(() => AbandonNow(call), isTimer: true);

    public void Receive(int slot, long attempt, AcceptorReply reply) => _node.Do(() =>
    {
        if (!_isGone)
        {
            CarryOut(_proposer.Receive(slot, attempt, reply));
        }
    });

    public void Reconfigure(Configuration configuration) => _node.Do(() =>
    {
        if (!_isGone)
        {
            CarryOut(_proposer.Reconfigure(configuration));
        }
    });

    /// <summary>There is room for an attempt of its own.</summary>
    public void Admit() => _node.Do(() =>
    {
        if (!_isGone)
        {
            CarryOut(_proposer.Admit());
        }
    });

    /// <summary>Ends it, with whatever is under way.</summary>
    public void Retire()
    {
        _isGone = true;
        _node.Room.Leave(this);
        _world.Statistics.Add(_proposer.Statistics);
        foreach (var call in _calls)
        {
            _world.Events.After(0, () => call.End(outcome: null));
        }

        _calls.Clear();
    }

    public override string ToString() => $"proposer {_id} on node {Node}";

    private void AbandonNow(Try call)
    {
        call.IsAbandoned = true;
        if (_isGone || !call.HasArrived || !_calls.Contains(call))
        {
            return;
        }

        _world.Statistics.Add(Count.Abandoned);
        CarryOut(_proposer.AbandonUnsent(call.Ticket, "The caller has too little time."));
        CarryOut(_proposer.Abandon(call.Ticket, "The caller waits no longer."));
        if (_calls.Contains(call))
        {
            _world.Invariants.Violate(Register, "answered", $"{this} did not answer abandoned call {call.Ticket}.");
        }
    }

    private void CarryOut(IReadOnlyList<ProposerEffect> effects)
    {
        for (var i = 0; i < effects.Count; i++)
        {
            switch (effects[i])
            {
                case ProposerEffect.Send send:
                    _world.Invariants.Sent(this, send.Attempt, send.Request);
                    _node.Room.Sent(this);
                    _world.Network.Send(this, send.Slot, send.Attempt, send.Request);
                    break;
                case ProposerEffect.SetTimer timer:
                    _world.Events.After(timer.Delay.Ticks, () => TimerFired(timer.Timer));
                    break;
                case ProposerEffect.Enter enter:
                    _node.Room.Enter(this, enter.Again);
                    break;
                case ProposerEffect.Leave:
                    _node.Room.Leave(this);
                    break;
                case ProposerEffect.Answer answer:
                    Answer(answer.Ticket, answer.Outcome);
                    break;
                case ProposerEffect.Outdated:
                    _world.Events.After(_world.Random.NextDelay(0, 20 * Scenario.Millisecond), _node.Reconfigure);
                    break;
                default:
                    throw new UnreachableException();
            }
        }
    }

    private void TimerFired(long timer) => _node.Do(
        () =>
        {
            if (!_isGone)
            {
                CarryOut(_proposer.TimerFired(timer));
            }
        },
        isTimer: true);

    private void Answer(long ticket, Outcome outcome)
    {
        if (_world.Trace.IsOn)
        {
            _world.Trace.Add(Register, $"{this} answers call {ticket}: {Describe.Outcome(outcome)}");
        }

        if (outcome is Outcome.Applied or Outcome.Refused)
        {
            _world.Invariants.Answered(this, _proposer.Position!.Value);
        }

        if (_sealing.Remove(ticket, out var begun) && outcome is Outcome.Applied)
        {
            _world.Invariants.Sealed(Register).Answered(begun, _proposer.Position!.Value.Version);
        }

        var index = _calls.FindIndex(call => call.Ticket == ticket);
        if (index < 0)
        {
            _world.Invariants.Violate(Register, "answered", $"{this} answered call {ticket} twice.");
            return;
        }

        var call = _calls[index];
        _calls.RemoveAt(index);
        call.End(outcome);
    }
}
