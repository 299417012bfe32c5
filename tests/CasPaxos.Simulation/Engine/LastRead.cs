namespace CasPaxos.Simulation;

/// <summary>Reads one register after everything has healed, from a proposer of its own, until it is told.</summary>
internal sealed class LastRead(World world, int register, Action answered) : IReplyTarget
{
    private readonly long _start = world.Stamp();

    private readonly Proposer _proposer = new(
        new ProposerId(world.Random.NextGuid()),
        counter: 0,
        world.Configuration,
        world.Catalog,
        ProposerSettings.Default,
        world.Random);

    public int Node => 0;

    public int Register => register;

    public void Begin()
    {
        // Two kinds of read, or a change that keeps what is there: they find the truth on different ways.
        Change change = world.Random.Between(0, 3) switch
        {
            0 => new Change.SealedRead(),
            1 => new Change.Read(),
            _ => new Change.Custom(Workload.Look, default),
        };
        var id = new OperationId(world.Random.NextGuid());
        CarryOut(_proposer.Submit(1, new Operation(id, change)));
    }

    public void Receive(int slot, long attempt, AcceptorReply reply) =>
        CarryOut(_proposer.Receive(slot, attempt, reply));

    public override string ToString() => "last read";

    private void CarryOut(IReadOnlyList<ProposerEffect> effects)
    {
        foreach (var effect in effects)
        {
            switch (effect)
            {
                case ProposerEffect.Send send:
                    world.Invariants.Sent(this, send.Attempt, send.Request);
                    world.Network.Send(this, send.Slot, send.Attempt, send.Request);
                    break;
                case ProposerEffect.Enter:
                    CarryOut(_proposer.Admit()); // Outside its node's room: nothing else is under way any more.
                    break;
                case ProposerEffect.SetTimer timer:
                    world.Events.After(timer.Delay.Ticks, () => CarryOut(_proposer.TimerFired(timer.Timer)));
                    break;
                case ProposerEffect.Answer { Outcome: Outcome.Applied outcome }:
                    world.Statistics.Add(Count.ReadsAnswered);
                    world.Recorder.AddLastRead(world, register, _start, outcome);
                    world.Invariants.ReadLast(register, outcome.Current);
                    answered();
                    break;
            }
        }
    }
}
