namespace CasPaxos.Simulation;

/// <summary>One operation of a client from its first try to its end, over all of its tries.</summary>
internal abstract class OperationRun
{
    private readonly long _begun;
    private readonly long _start;
    private Outcome.Applied? _applied;

    protected OperationRun(World world, Client client, int register, Change change)
    {
        World = world;
        Client = client;
        _begun = world.Events.Now;
        _start = world.Stamp();
        Register = register;
        Change = change;
        Id = new OperationId(world.Random.NextGuid());
    }

    public int Register { get; }

    public OperationId Id { get; }

    public Change Change { get; }

    /// <summary>The client goes on while this waits for its next try.</summary>
    public bool IsParked { get; private set; }

    protected World World { get; }

    protected Client Client { get; }

    protected bool IsOpen { get; private set; } = true;

    protected bool IsRead => Change.IsRead;

    public abstract void Begin();

    /// <summary>Takes the end of a try.</summary>
    /// <param name="call">The try.</param>
    /// <param name="outcome">Null: the node is gone, and nothing is known of the operation.</param>
    public abstract void Ended(Try call, Outcome? outcome);

    public override string ToString() => $"{Client} ({$"{Id}"[..8]})";

    /// <summary>
    /// Takes what a try says, however late: one try at most is applied, the others find it; and none ever is if one was
    /// refused for good.
    /// </summary>
    protected Outcome? Check(Outcome? outcome)
    {
        if (outcome is Outcome.Refused { Final: true })
        {
            World.Invariants.Refused(Register, Id);
        }

        World.Statistics.Add(Count.SettlementsFound, outcome is Outcome.Refused { Recovered: true } ? 1 : 0);
        if (outcome is not Outcome.Applied { Final: true } applied || IsRead)
        {
            return outcome;
        }

        if (!applied.Recovered && _applied is { Recovered: false })
        {
            World.Invariants.Violate(Register, "applied once", $"{this} was applied by two tries.");
        }

        return _applied = _applied is { Recovered: false } ? _applied : applied;
    }

    protected bool MayRetry() =>
        World.Random.Chance(World.Scenario.RetryChance) && LongestPause() > Scenario.Millisecond;

    /// <summary>Begins again later; the client waits, or does something else in the meantime.</summary>
    protected void RetryLater()
    {
        World.Statistics.Add(Count.Retries);
        var longest = LongestPause();
        var pause = World.Random.Chance(0.3) ? longest : World.Random.NextDelay(0, longest);
        World.Events.After(pause, Begin);
        if (pause > World.Scenario.ThinkMax && !IsParked)
        {
            IsParked = true;
            World.Recorder.Park(Register, 1);
            Client.Park(this);
        }
    }

    protected void End(Outcome? outcome)
    {
        if (!IsOpen)
        {
            World.Invariants.Violate(Register, "answered", $"{this} ended twice.");
        }

        IsOpen = false;
        World.Recorder.Park(Register, IsParked ? -1 : 0);
        World.Recorder.Add(World, $"{Client}", this, _start, outcome);
        Client.Ended(this, outcome);
    }

    private long LongestPause() =>
        _begun + World.Scenario.RetryWindow - World.Scenario.ClientTimeout - World.Events.Now;
}
