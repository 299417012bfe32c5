namespace CasPaxos.Simulation;

/// <summary>Asks for one operation after the other; those that it parks for a later retry run beside them.</summary>
internal sealed class Client(World world, int index)
{
    private readonly ETag[] _seen = new ETag[world.Scenario.Registers.Length];
    private ProposerNode? _home;
    private int _parked;
    private bool _hasFinished;

    public bool IsDone => _hasFinished && _parked == 0;

    public void Begin() => world.Events.After(world.Random.NextDelay(0, world.Scenario.ThinkMax), Next);

    /// <summary>A node that is up, mostly the same; null if none is.</summary>
    public ProposerNode? ChooseNode()
    {
        if (_home is not { IsUp: true } || world.Random.Chance(world.Scenario.WanderChance))
        {
            var first = world.Random.Between(0, world.Nodes.Length - 1);
            _home = null;
            for (var i = 0; i < world.Nodes.Length && _home is null; i++)
            {
                var node = world.Nodes[(first + i) % world.Nodes.Length];
                _home = node.IsUp ? node : null;
            }
        }

        return _home;
    }

    public void Park(OperationRun run)
    {
        _ = run;
        _parked++;
        Begin();
    }

    public void Ended(OperationRun run, Outcome? outcome)
    {
        if (outcome switch
            {
                Outcome.Applied applied => applied.Current,
                Outcome.Refused refused => refused.Current,
                _ => (Snapshot?)null,
            } is { } current)
        {
            _seen[run.Register] = current.ETag;
        }

        if (run.IsParked)
        {
            _parked--;
        }
        else
        {
            Begin();
        }
    }

    public override string ToString() => $"client {index}";

    private void Next()
    {
        var register = world.Random.Between(0, _seen.Length - 1);
        if (world.Workload.Next(register, _seen[register]) is { } change)
        {
            var isFollowed = !change.IsRead && world.Random.Chance(world.Scenario.FollowChance);
            OperationRun run = isFollowed
                ? new FollowedRun(world, this, register, change, _seen[register])
                : new RetriedRun(world, this, register, change, _seen[register]);
            run.Begin();
        }
        else
        {
            _hasFinished = true;
        }
    }
}
