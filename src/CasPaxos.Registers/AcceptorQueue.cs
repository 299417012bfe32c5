namespace CasPaxos.Registers;

/// <summary>Takes the replies of requests that it handed to an <see cref="AcceptorQueue"/>.</summary>
internal interface IReplyTarget
{
    void Receive(int slot, long attempt, AcceptorReply reply);
}

/// <summary>
/// The requests on their way to one acceptor. While a batch is under way the next one gathers (group commit): no timer
/// and no fixed wait. Bounded: what does not fit is answered as not sent.
/// </summary>
internal sealed class AcceptorQueue
{
    private readonly LaneQueue _writes;
    private readonly LaneQueue _reads;
    private readonly LaneQueue _erasures;

    public AcceptorQueue(int slot, IAcceptor acceptor, RegisterClientOptions options, TimeProvider time)
    {
        Acceptor = acceptor;
        Health = new SlotHealth(slot, options, time);
        _writes = new LaneQueue(slot, "write", acceptor, Health, options, options.BatchesUnderWay);
        _reads = new LaneQueue(slot, "read", acceptor, Health, options, options.BatchesUnderWay);

        // An erasure excludes the writers of its database: one at a time is plenty.
        _erasures = new LaneQueue(slot, "erase", acceptor, Health, options, batchesUnderWay: 1);
    }

    public IAcceptor Acceptor { get; }

    public SlotHealth Health { get; }

    /// <summary>Nothing more is asked here: a slot that does not answer is no longer this queue's to tell of.</summary>
    public void Close() => Health.Answered();

    public void Enqueue(RegisterKey key, AcceptorRequest request, long attempt, IReplyTarget target)
    {
        var lane = request switch
        {
            AcceptorRequest.Read => _reads,
            AcceptorRequest.Erase => _erasures,
            _ => _writes,
        };
        lane.Enqueue(new LaneQueue.Entry(new AcceptorCall(key, request), attempt, target));
    }
}
