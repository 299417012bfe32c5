namespace CasPaxos.Simulation;

/// <summary>What happens to whole parts of the cluster rather than to one message.</summary>
internal sealed class FaultInjector(World world)
{
    private readonly SimulationRandom _random = world.Random;

    public void Begin()
    {
        var faults = world.Scenario.Faults;
        Repeat(faults.PartitionEvery, Partition);
        Repeat(faults.AcceptorCrashEvery, CrashAcceptor);
        Repeat(faults.ProposerCrashEvery, CrashProposer);
        Repeat(faults.PauseEvery, PauseNode);
        Repeat(faults.DuplicateActivationEvery, DuplicateActivation);
        Repeat(faults.ReconfigureEvery, Reconfigure);
    }

    public void Heal()
    {
        Note("everything heals");
        world.Network.Heal();
        foreach (var database in world.Databases)
        {
            database.Restart();
            database.HasDuplicate = false;
        }

        foreach (var node in world.Nodes)
        {
            node.Restart();
        }
    }

    private void Repeat(long every, Action fault)
    {
        if (every > 0)
        {
            world.Events.After(_random.NextDelay(1, 3 * every), () =>
            {
                if (!world.Settling)
                {
                    fault();
                    Repeat(every, fault);
                }
            });
        }
    }

    private void Partition()
    {
        var kind = _random.Between(0, 2);
        world.Statistics.Add(kind == 0 ? Count.Partitions : Count.OneWayPartitions);
        var wide = _random.Chance(0.5);
        for (var node = 0; node < world.Nodes.Length; node++)
        {
            for (var slot = 0; slot < world.Databases.Length; slot++)
            {
                if (_random.Chance(wide ? 0.5 : 0.2))
                {
                    Note($"node {node} and acceptor {slot} are cut ({(kind == 0 ? "both ways" : "one way")})");
                    world.Network.Cut(node, slot, requests: kind != 1, replies: kind != 2);
                }
            }
        }

        Later(100, () =>
        {
            Note("partitions heal");
            world.Network.Heal();
        });
    }

    private void CrashAcceptor()
    {
        var database = _random.Pick<Database>(world.Databases);
        if (database.IsUp)
        {
            world.Statistics.Add(Count.AcceptorCrashes);
            Note($"acceptor {database.Slot} crashes");
            database.Crash();
            Later(100, () =>
            {
                Note($"acceptor {database.Slot} restarts");
                database.Restart();
            });
        }
    }

    private void CrashProposer()
    {
        var node = _random.Pick<ProposerNode>(world.Nodes);
        if (_random.Chance(0.3))
        {
            node.Forget(_random.Between(0, world.Scenario.Registers.Length - 1));
        }
        else if (node.IsUp)
        {
            world.Statistics.Add(Count.ProposerCrashes);
            node.Crash();
            Later(30, node.Restart);
        }
    }

    private void PauseNode()
    {
        var node = _random.Pick<ProposerNode>(world.Nodes);
        if (node.MayPause)
        {
            world.Statistics.Add(Count.NodesPaused);
            node.Pause();
            world.Events.After(_random.NextDelay(Scenario.Millisecond, world.Scenario.PauseMax), node.Resume);
        }
    }

    private void DuplicateActivation()
    {
        var database = _random.Pick<Database>(world.Databases);
        if (!database.HasDuplicate)
        {
            world.Statistics.Add(Count.DuplicateActivations);
            Note($"acceptor {database.Slot} has a duplicate");
            database.HasDuplicate = true;
            Later(200, () =>
            {
                world.Statistics.Add(Count.ActivationCrashes);
                Note($"the duplicate of acceptor {database.Slot} is gone");
                database.HasDuplicate = false;
                database.Hosts[1].Crash();
            });
        }
    }

    private void Reconfigure()
    {
        world.Statistics.Add(Count.Reconfigurations);
        world.Reconfigure();
        Note($"configuration {world.Configuration.Epoch}: prepare {world.Configuration.PrepareQuorum}, " +
            $"accept {world.Configuration.AcceptQuorum}");

        // Some are told; the others learn of it from an acceptor.
        var told = _random.Between(0, world.Nodes.Length - 1);
        for (var i = 0; i < world.Nodes.Length; i++)
        {
            if (i == told || _random.Chance(0.5))
            {
                Later(30, world.Nodes[i].Reconfigure);
            }
        }
    }

    private void Later(int mostMilliseconds, Action action) =>
        world.Events.After(_random.NextDelay(Scenario.Millisecond, mostMilliseconds * Scenario.Millisecond), action);

    private void Note(string text)
    {
        if (world.Trace.IsOn)
        {
            world.Trace.Add(-1, text);
        }
    }
}
