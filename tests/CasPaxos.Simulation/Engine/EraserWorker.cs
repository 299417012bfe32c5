namespace CasPaxos.Simulation;

/// <summary>
/// Tries again and again to erase registers, one at a time; a crash in the middle is taken up by nobody.
/// </summary>
internal sealed class EraserWorker(World world, int index)
{
    public void Begin() => world.Events.After(world.Random.NextDelay(1, 2 * world.Scenario.EraseEvery), Erase);

    private void Erase()
    {
        if (world.Settling)
        {
            return;
        }

        var node = world.Random.Between(0, world.Nodes.Length - 1);
        var register = world.Random.Between(0, world.Scenario.Registers.Length - 1);
        if (world.Random.Chance(0.3))
        {
            new Sweep(world, node, register).Begin();
            Begin();
            return;
        }

        var deletedBefore = world.UnixMilliseconds() - (world.Scenario.EraseAge / Scenario.Millisecond);
        var eraser = new Eraser(
            new ProposerId(world.Random.NextGuid()),
            world.Random.NextInt64(20),
            world.Nodes[node].Configuration,
            world.Scenario.Settings,
            deletedBefore);
        new Run(world, index, node, register, eraser, Begin).CarryOut(eraser.Begin());
    }

    /// <summary>Sweeps a row that holds only a promise, at one slot, whoever still counts on that promise.</summary>
    private sealed class Sweep(World world, int node, int register) : IReplyTarget
    {
        public int Node => node;

        public int Register => register;

        public void Begin()
        {
            var slot = world.Random.Between(0, world.Scenario.Slots - 1);
            var erase = new AcceptorRequest.Erase(world.Nodes[node].Configuration.Epoch, Ballot.Zero, Version: 0);
            world.Network.Send(this, slot, attempt: 1, erase);
        }

        public void Receive(int slot, long attempt, AcceptorReply reply) =>
            world.Statistics.Add(Count.PromisesSwept, reply is AcceptorReply.Erased ? 1 : 0);

        public override string ToString() => $"sweep on node {node}";
    }

    private sealed class Run(World world, int worker, int node, int register, Eraser eraser, Action done) : IReplyTarget
    {
        private bool _isGone;

        public int Node => node;

        public int Register => register;

        public void Receive(int slot, long attempt, AcceptorReply reply)
        {
            if (!_isGone)
            {
                CarryOut(eraser.Receive(slot, attempt, reply));
            }
        }

        public void CarryOut(IReadOnlyList<ProposerEffect> effects)
        {
            if (!world.Settling && world.Scenario.Faults.ProposerCrashEvery > 0 && world.Random.Chance(0.02))
            {
                world.Statistics.Add(Count.EraserCrashes);
                _isGone = true;
                done();
                return;
            }

            foreach (var effect in effects)
            {
                switch (effect)
                {
                    case ProposerEffect.Send send:
                        world.Invariants.Sent(this, send.Attempt, send.Request);
                        world.Network.Send(this, send.Slot, send.Attempt, send.Request);
                        break;
                    case ProposerEffect.SetTimer timer:
                        world.Events.After(timer.Delay.Ticks, () => TimerFired(timer.Timer));
                        break;
                    case ProposerEffect.Erasure erasure:
                        End(erasure.Result);
                        break;
                }
            }
        }

        public override string ToString() => $"eraser {worker} on node {node}";

        private void TimerFired(long timer)
        {
            if (!_isGone)
            {
                CarryOut(eraser.TimerFired(timer));
            }
        }

        private void End(ErasureResult result)
        {
            if (world.Trace.IsOn)
            {
                world.Trace.Add(register, $"{this}: {result}");
            }

            switch (result)
            {
                case ErasureResult.Erased:
                    world.Statistics.Add(Count.RegistersErased);
                    break;
                case ErasureResult.Incomplete:
                    world.Statistics.Add(Count.ErasuresIncomplete);
                    break;
                case ErasureResult.TooYoung:
                    world.Statistics.Add(Count.ErasuresTooYoung);
                    break;
            }

            _isGone = true;
            done();
        }
    }
}
