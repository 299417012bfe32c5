namespace CasPaxos.Simulation;

/// <summary>Who sent a request and waits for its reply.</summary>
internal interface IReplyTarget
{
    /// <summary>The node that it runs on; partitions are between nodes and slots.</summary>
    int Node { get; }

    int Register { get; }

    void Receive(int slot, long attempt, AcceptorReply reply);
}

/// <summary>A request on its way to one slot.</summary>
internal sealed class Envelope(IReplyTarget sender, long attempt, AcceptorRequest request)
{
    public IReplyTarget Sender => sender;

    public long Attempt => attempt;

    public AcceptorRequest Request => request;

    public int Register => sender.Register;

    /// <summary>The network delivers it more than once.</summary>
    public bool IsCopied { get; set; }

    /// <summary>The life of the activation that took it.</summary>
    public int HostLife { get; set; }
}

/// <summary>
/// Carries requests and replies; drops, delays, repeats and reorders them; is cut in one or both directions.
/// </summary>
internal sealed class Network(World world)
{
    private readonly bool[,] _requestsCut = new bool[world.Scenario.Nodes, world.Scenario.Slots];
    private readonly bool[,] _repliesCut = new bool[world.Scenario.Nodes, world.Scenario.Slots];

    public void Send(IReplyTarget sender, int slot, long attempt, AcceptorRequest request)
    {
        var (random, faults, events) = (world.Random, world.Scenario.Faults, world.Events);
        var envelope = new Envelope(sender, attempt, request);
        if (!world.Settling && random.Chance(faults.NotSent))
        {
            world.Statistics.Add(Count.RequestsNotSent);
            var refused = new AcceptorReply.Failed(MayHaveTakenEffect: false, "No connection.");
            events.After(Latency(), () => sender.Receive(slot, attempt, refused));
            return;
        }

        if (!world.Settling && random.Chance(faults.PortTimeout))
        {
            world.Statistics.Add(Count.PortTimeouts);
            var silent = new AcceptorReply.Failed(MayHaveTakenEffect: true, "No answer in time.");
            events.After(random.NextDelay(5, 40) * Scenario.Millisecond, () => sender.Receive(slot, attempt, silent));
        }

        var drop = faults.RequestDrop + (request is AcceptorRequest.Accept ? faults.AcceptDrop : 0);
        if (!world.Settling && random.Chance(drop))
        {
            world.Statistics.Add(Count.RequestsDropped);
            return;
        }

        events.After(Latency(), () => Deliver(envelope, slot));
        if (!world.Settling && random.Chance(faults.Duplicate))
        {
            world.Statistics.Add(Count.MessagesDuplicated);
            envelope.IsCopied = true;
            var behind = random.NextDelay(0, world.Scenario.CopyDelayMax);
            events.After(Latency() + behind, () => Deliver(Copy(envelope), slot));
        }
    }

    public void Reply(Envelope request, int slot, AcceptorReply reply)
    {
        var (random, faults) = (world.Random, world.Scenario.Faults);
        if (reply is AcceptorReply.Fenced)
        {
            world.Statistics.Add(Count.RequestsFenced);
        }

        if (!world.Settling && random.Chance(faults.ReplyDrop))
        {
            world.Statistics.Add(Count.RepliesDropped);
            return;
        }

        world.Events.After(Latency(), () => DeliverReply(request, slot, reply));
        if (!world.Settling && random.Chance(faults.Duplicate))
        {
            world.Statistics.Add(Count.MessagesDuplicated);
            world.Events.After(Latency(), () => DeliverReply(request, slot, reply));
        }
    }

    public void Cut(int node, int slot, bool requests, bool replies)
    {
        _requestsCut[node, slot] |= requests;
        _repliesCut[node, slot] |= replies;
    }

    public void Heal()
    {
        Array.Clear(_requestsCut);
        Array.Clear(_repliesCut);
    }

    private static Envelope Copy(Envelope envelope) =>
        new(envelope.Sender, envelope.Attempt, envelope.Request) { IsCopied = true };

    private void Deliver(Envelope request, int slot)
    {
        var database = world.Databases[slot];
        if (_requestsCut[request.Sender.Node, slot] || !database.IsUp)
        {
            return;
        }

        var host = database.HasDuplicate ? world.Random.Between(0, 1) : 0;
        database.Hosts[host].Receive(request);
    }

    private void DeliverReply(Envelope request, int slot, AcceptorReply reply)
    {
        if (_repliesCut[request.Sender.Node, slot])
        {
            return;
        }

        if (world.Trace.IsOn)
        {
            world.Trace.Add(request.Register, $"  to {request.Sender}: from {slot}, {Describe.Reply(request, reply)}");
        }

        request.Sender.Receive(slot, request.Attempt, reply);
    }

    private long Latency()
    {
        var latency = world.Random.NextDelay(1, world.Scenario.LatencyMax);
        if (!world.Settling && world.Random.Chance(world.Scenario.Faults.Delay))
        {
            world.Statistics.Add(Count.MessagesDelayed);

            // Seldom for so long that everything has changed when it comes, an erasure included.
            latency += world.Random.NextDelay(1, (world.Random.Chance(0.2) ? 2000 : 60) * Scenario.Millisecond);
        }

        return latency;
    }
}
