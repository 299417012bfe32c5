namespace CasPaxos.Simulation;

/// <summary>Requests that one activation sends to its database in one piece.</summary>
internal sealed class Batch(AcceptorHost host, List<Envelope> requests)
{
    public AcceptorHost Host => host;

    public List<Envelope> Requests => requests;

    public AcceptorReply[] Replies { get; } = new AcceptorReply[requests.Count];
}

/// <summary>
/// One slot's database. A batch is decided when it runs and durable when it commits; until then it is lost by a crash.
/// Decision and effect are one step (rule 2): while a batch runs the next one waits.
/// </summary>
internal sealed class Database
{
    private readonly World _world;
    private readonly AcceptorState[] _durable;
    private readonly AcceptorState[] _running;
    private readonly Queue<Batch> _waiting = new();
    private Batch? _batch;
    private int _life;

    public Database(World world, int slot)
    {
        _world = world;
        Slot = slot;
        _durable = new AcceptorState[world.Scenario.Registers.Length];
        _running = new AcceptorState[_durable.Length];
        Array.Fill(_durable, new AcceptorState(Epoch: 1, Ballot.Zero, Row: null));
        Hosts = [new AcceptorHost(world, this, 0), new AcceptorHost(world, this, 1)];
    }

    public int Slot { get; }

    public bool IsUp { get; private set; } = true;

    /// <summary>The activation, and the duplicate that is there for some of the time.</summary>
    public AcceptorHost[] Hosts { get; }

    public bool HasDuplicate { get; set; }

    public void Submit(Batch batch)
    {
        _waiting.Enqueue(batch);
        RunNext();
    }

    public void Crash()
    {
        IsUp = false;
        _life++;
        _batch = null;
        _waiting.Clear();
        Hosts[0].Crash();
        Hosts[1].Crash();
    }

    public void Restart() => IsUp = true;

    private void RunNext()
    {
        if (_batch is not null || !_waiting.TryDequeue(out _batch))
        {
            return;
        }

        Array.Copy(_durable, _running, _durable.Length);
        for (var i = 0; i < _batch.Requests.Count; i++)
        {
            _batch.Replies[i] = Execute(_batch.Requests[i]);
        }

        var (batch, life) = (_batch, _life);
        var (delay, failure) = DrawWrite();
        _world.Events.After(delay, () =>
        {
            if (life == _life)
            {
                Commit(batch, failure);
            }
        });
    }

    private AcceptorReply Execute(Envelope request)
    {
        var state = _running[request.Register];
        var decision = Acceptor.Decide(state, request.Request);
        if (decision.Persist is { } persist)
        {
            _running[request.Register] = persist;
            for (var i = 0; i < _running.Length; i++)
            {
                // Epoch and floors belong to the database, not to one register.
                _running[i] = _running[i] with
                {
                    Epoch = persist.Epoch, Floor = persist.Floor, VersionFloor = persist.VersionFloor,
                };
            }
        }

        return decision.Reply;
    }

    private (long Delay, Count? Failure) DrawWrite()
    {
        var (random, faults) = (_world.Random, _world.Scenario.Faults);
        var delay = random.NextDelay(1, _world.Scenario.WriteMax);
        if (_world.Settling)
        {
            return (delay, null);
        }

        if (random.Chance(faults.SlowWrite))
        {
            _world.Statistics.Add(Count.SlowWrites);
            delay += random.NextDelay(1, 100 * Scenario.Millisecond);
        }

        if (!random.Chance(faults.FailedWrite))
        {
            return (delay, null);
        }

        var failure = random.Chance(0.5) ? Count.FailedWrites : Count.FailedWritesThatTookEffect;
        _world.Statistics.Add(failure);
        return (delay, failure);
    }

    private void Commit(Batch batch, Count? failure)
    {
        if (failure != Count.FailedWrites)
        {
            Persist(batch);
        }

        _batch = null;
        batch.Host.Committed(batch, failure is not null);
        RunNext();
    }

    private void Persist(Batch batch)
    {
        for (var i = 0; i < _durable.Length; i++)
        {
            if (_durable[i] != _running[i])
            {
                var before = _durable[i];
                _durable[i] = _running[i];
                _world.Invariants.Stored(Slot, i, before, _durable[i]);
            }
        }

        // Of several accepts of one batch only the last can be seen in the rows.
        for (var i = 0; i < batch.Requests.Count; i++)
        {
            if (batch.Requests[i].Request is AcceptorRequest.Accept accept
                && batch.Replies[i] is AcceptorReply.Accepted)
            {
                _world.Invariants.Accepted(Slot, batch.Requests[i].Register, accept);
            }
        }
    }
}
