namespace CasPaxos.Simulation;

/// <summary>One seed's cluster: its parts, and the clock, the randomness and the trace that they share.</summary>
internal sealed class World
{
    private const long EventsMax = 500_000;

    /// <summary>Longest time from the first fault-free moment to the answer of every last read, in ticks.</summary>
    private const long SettleMax = 60 * TimeSpan.TicksPerSecond;

    private readonly Client[] _clients;
    private readonly Guid[] _incarnations;
    private readonly List<int> _acceptQuorums = [];
    private long _lastStamp;

    public World(long seed, bool traced)
    {
        Random = new SimulationRandom(seed);
        Scenario = ScenarioDrawing.Draw(seed, Random);
        Trace = new Trace(Events, traced);
        _incarnations = new Guid[Scenario.Slots];
        for (var i = 0; i < _incarnations.Length; i++)
        {
            _incarnations[i] = Random.NextGuid();
        }

        Configuration = new Configuration(
            Random.NextGuid(), 1, _incarnations, Scenario.PrepareQuorum, Scenario.AcceptQuorum);
        _acceptQuorums.Add(Configuration.AcceptQuorum);
        Invariants = new Invariants(this);
        Databases = new Database[Scenario.Slots];
        for (var i = 0; i < Databases.Length; i++)
        {
            Databases[i] = new Database(this, i);
        }

        Network = new Network(this);
        Nodes = new ProposerNode[Scenario.Nodes];
        for (var i = 0; i < Nodes.Length; i++)
        {
            Nodes[i] = new ProposerNode(this, i);
        }

        Recorder = new HistoryRecorder(Scenario.Registers.Length);
        Workload = new Workload(this);
        _clients = new Client[Scenario.Clients];
        for (var i = 0; i < _clients.Length; i++)
        {
            _clients[i] = new Client(this, i);
        }
    }

    public EventQueue Events { get; } = new();

    public SimulationRandom Random { get; }

    public Scenario Scenario { get; }

    public Trace Trace { get; }

    public Statistics Statistics { get; } = new();

    public Invariants Invariants { get; }

    public Database[] Databases { get; }

    public Network Network { get; }

    public ProposerNode[] Nodes { get; }

    public Workload Workload { get; }

    public HistoryRecorder Recorder { get; }

    public ChangeCatalog Catalog { get; } = new(custom: Workload.CustomChanges);

    /// <summary>The newest configuration; nodes learn of it later.</summary>
    public Configuration Configuration { get; private set; }

    /// <summary>How many slots choose a value under an epoch.</summary>
    public int AcceptQuorumOf(long epoch) => _acceptQuorums[(int)epoch - 1];

    /// <summary>No fault begins any more.</summary>
    public bool Settling { get; private set; }

    /// <summary>Nanoseconds of virtual time, made to rise with every call: what comes later is told as later.</summary>
    public long Stamp() => _lastStamp = Math.Max(_lastStamp + 1, Events.Now * 100);

    /// <summary>Unix milliseconds of virtual time; the world begins at 1,000 s.</summary>
    public long UnixMilliseconds() => 1_000_000 + (Events.Now / TimeSpan.TicksPerMillisecond);

    /// <summary>
    /// A new epoch over the same slots. Quorums change only so that every slot must promise under the new epoch, which
    /// fences the old one everywhere before anything is accepted: other changes need the rewriting of all registers.
    /// </summary>
    public void Reconfigure()
    {
        var same = Random.Chance(0.3) || Configuration.PrepareQuorum == Scenario.Slots;
        Configuration = new Configuration(
            Configuration.ClusterId,
            Configuration.Epoch + 1,
            _incarnations,
            same ? Configuration.PrepareQuorum : Scenario.Slots,
            same || Random.Chance(0.2) ? Configuration.AcceptQuorum : 1);
        _acceptQuorums.Add(Configuration.AcceptQuorum);
    }

    /// <summary>Runs the scenario to its end, then heals everything and reads every register a last time.</summary>
    public void Run()
    {
        if (Trace.IsOn)
        {
            Trace.Add(-1, $"scenario: {Scenario}");
        }

        var faults = new FaultInjector(this);
        faults.Begin();
        foreach (var client in _clients)
        {
            client.Begin();
        }

        if (Scenario.EraseEvery > 0)
        {
            new EraserWorker(this, 0).Begin();
            new EraserWorker(this, 1).Begin();
        }

        RunUntil(() => Array.TrueForAll(_clients, static client => client.IsDone), "a client waits for ever");
        Settling = true;
        faults.Heal();
        ReadLast();
        foreach (var node in Nodes)
        {
            node.Room.CheckLast();
            node.Retire();
        }
    }

    private void ReadLast()
    {
        var open = Scenario.Registers.Length;
        var deadline = Events.Now + SettleMax;
        for (var register = 0; register < Scenario.Registers.Length; register++)
        {
            new LastRead(this, register, () => open--).Begin();
        }

        RunUntil(() => open == 0 || Events.Now > deadline, "a last read is not answered");
        if (open > 0)
        {
            Invariants.Violate(-1, "liveness", "A register cannot be read although nothing fails any more.");
        }
    }

    private void RunUntil(Func<bool> done, string otherwise)
    {
        while (!done() && Invariants.GoesOn)
        {
            if (!Events.RunNext() || Events.Executed > EventsMax)
            {
                Invariants.Violate(-1, "liveness", $"After {Events.Executed} events, {otherwise}.");
                return;
            }
        }
    }
}
