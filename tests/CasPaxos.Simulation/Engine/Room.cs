namespace CasPaxos.Simulation;

/// <summary>
/// The room for attempts of one node (rule 24): so many at a time, the others in their order, those that failed before
/// first. Checks that nothing is sent from outside, and that room is given back.
/// </summary>
internal sealed class Room(World world, int node)
{
    private readonly HashSet<ProposerInstance> _inside = [];
    private readonly List<ProposerInstance> _first = [];
    private readonly List<ProposerInstance> _waiting = [];

    public void Enter(ProposerInstance proposer, bool again)
    {
        if (_inside.Contains(proposer) || _first.Contains(proposer) || _waiting.Contains(proposer))
        {
            world.Invariants.Violate(proposer.Register, "asks for room once", $"{proposer} has room, or waits for it.");
        }

        if (_inside.Count < world.Scenario.RoomMax)
        {
            _inside.Add(proposer);
            proposer.Admit();
        }
        else
        {
            (again ? _first : _waiting).Add(proposer);
            world.Statistics.Add(Count.AttemptsHeldBack);
        }
    }

    public void Leave(ProposerInstance proposer)
    {
        _inside.Remove(proposer);
        _first.Remove(proposer);
        _waiting.Remove(proposer);
        LetIn();
    }

    /// <summary>A request leaves a proposer.</summary>
    public void Sent(ProposerInstance proposer)
    {
        if (!_inside.Contains(proposer))
        {
            world.Invariants.Violate(proposer.Register, "admitted first", $"{proposer} sends without room.");
        }
    }

    /// <summary>When all is over: room is held only for an attempt that is under way, or about to begin.</summary>
    public void CheckLast()
    {
        foreach (var proposer in _inside.Where(proposer => !proposer.IsAttempting && !proposer.AwaitsRoom))
        {
            world.Invariants.Violate(proposer.Register, "room is given back", $"{proposer} keeps room on node {node}.");
        }
    }

    private void LetIn()
    {
        while (_inside.Count < world.Scenario.RoomMax && (Next(_first) ?? Next(_waiting)) is { } proposer)
        {
            _inside.Add(proposer);
            world.Events.After(0, () =>
            {
                if (_inside.Contains(proposer))
                {
                    proposer.Admit();
                }
            });
        }
    }

    private static ProposerInstance? Next(List<ProposerInstance> waiting)
    {
        if (waiting.Count == 0)
        {
            return null;
        }

        var next = waiting[0];
        waiting.RemoveAt(0);
        return next;
    }
}
