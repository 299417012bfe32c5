namespace CasPaxos.Simulation;

/// <summary>One call of a client to a node: one try of one operation. Heard of exactly once.</summary>
internal sealed class Try(OperationRun run, ProposerInstance proposer, long ticket)
{
    public ProposerInstance Proposer => proposer;

    public long Ticket => ticket;

    public bool IsOver { get; private set; }

    /// <summary>Its proposer has it; before that it is on its way.</summary>
    public bool HasArrived { get; set; }

    /// <summary>The caller waits for it no longer; if it is still on its way, it ends on arrival.</summary>
    public bool IsAbandoned { get; set; }

    /// <summary>Ends the try.</summary>
    /// <param name="outcome">Null: the node is gone and nothing will be heard.</param>
    public void End(Outcome? outcome)
    {
        IsOver = true;
        run.Ended(this, outcome);
    }

    public void Abandon()
    {
        if (!IsOver)
        {
            proposer.Abandon(this);
        }
    }
}

/// <summary>
/// A process with a proposer for each register that it was asked for. A crash loses all of them; a pause loses nothing,
/// and the node goes on afterwards as if no time had passed.
/// </summary>
internal sealed class ProposerNode(World world, int index)
{
    /// <summary>No node is paused again so soon: what fell due in the pause comes first.</summary>
    public const long AwakeMin = 2 * LateMax;

    private const long LateMax = 20 * Scenario.Millisecond;

    private readonly ProposerInstance?[] _proposers = new ProposerInstance?[world.Scenario.Registers.Length];
    private readonly List<(Action Work, bool IsTimer)> _backlog = [];
    private long _resumed = -AwakeMin;

    public int Index => index;

    /// <summary>The attempts of all its proposers, and of those before a restart no more.</summary>
    public Room Room { get; private set; } = new(world, index);

    public bool IsUp { get; private set; } = true;

    public Configuration Configuration { get; private set; } = world.Configuration;

    public bool IsPaused { get; private set; }

    public bool MayPause => IsUp && !IsPaused && world.Events.Now >= _resumed + AwakeMin;

    /// <param name="run">Who asks.</param>
    /// <param name="operation">One try of its operation.</param>
    /// <param name="distance">How long the call is on its way.</param>
    public Try Submit(OperationRun run, Operation operation, long distance = 0)
    {
        var proposer = _proposers[run.Register] ??= Start(run.Register);
        return proposer.Submit(run, operation, distance);
    }

    /// <summary>Where a register stood when it was last agreed on here.</summary>
    public ETag? Position(int register) => _proposers[register]?.Position;

    /// <summary>Does what came to the node, or leaves it until the node goes on.</summary>
    public void Do(Action work, bool isTimer = false)
    {
        if (IsPaused)
        {
            _backlog.Add((work, isTimer));
        }
        else
        {
            work();
        }
    }

    public void Pause()
    {
        IsPaused = true;
        Note("is paused");
    }

    /// <summary>What came meanwhile is done in its order; timers that fell due may be later than that.</summary>
    public void Resume()
    {
        if (!IsPaused)
        {
            return;
        }

        IsPaused = false;
        _resumed = world.Events.Now;
        Note("goes on");
        foreach (var (work, isTimer) in _backlog)
        {
            world.Events.After(isTimer ? world.Random.NextDelay(0, LateMax) : 0, () => Do(work, isTimer));
        }

        _backlog.Clear();
    }

    public void Crash()
    {
        IsUp = false;
        IsPaused = false;
        _backlog.Clear();
        Note("crashes");
        Retire();
        Room = new Room(world, index);
    }

    public void Restart()
    {
        Resume();
        IsUp = true;
        Configuration = world.Configuration;
    }

    /// <summary>Forgets the proposer of a register that nothing is asked of, as a host does to save memory.</summary>
    public void Forget(int register)
    {
        if (_proposers[register] is { IsIdle: true } idle)
        {
            world.Statistics.Add(Count.ProposersForgotten);
            idle.Retire();
            _proposers[register] = null;
        }
    }

    public void Reconfigure()
    {
        if (IsUp)
        {
            Configuration = world.Configuration;
            foreach (var proposer in _proposers)
            {
                proposer?.Reconfigure(Configuration);
            }
        }
    }

    /// <summary>Ends all proposers.</summary>
    public void Retire()
    {
        for (var i = 0; i < _proposers.Length; i++)
        {
            _proposers[i]?.Retire();
            _proposers[i] = null;
        }
    }

    private ProposerInstance Start(int register) =>
        new(world, this, register, new ProposerId(world.Random.NextGuid()), FirstCounter());

    private void Note(string what)
    {
        if (world.Trace.IsOn)
        {
            world.Trace.Add(-1, $"node {index} {what}");
        }
    }

    private long FirstCounter() => world.Scenario.Counters switch
    {
        0 => 0,
        1 => world.Random.NextInt64(20),
        2 => world.Events.Now,
        _ => world.Random.NextInt64(3) * 1_000_000,
    };
}
