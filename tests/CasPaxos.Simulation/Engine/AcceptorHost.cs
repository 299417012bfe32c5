namespace CasPaxos.Simulation;

/// <summary>
/// One activation of an acceptor: collects what comes while its batch before is under way, and answers when the
/// database has committed. Decides nothing and remembers nothing (rules 2 and 3).
/// </summary>
internal sealed class AcceptorHost(World world, Database database, int index)
{
    private const int WaitingMax = 64;

    private List<Envelope> _collected = [];
    private bool _busy;
    private int _life;

    public int Slot => database.Slot;

    public int Index => index;

    public void Receive(Envelope request)
    {
        if (world.Trace.IsOn)
        {
            world.Trace.Add(request.Register, $"  at {this}: {Describe.Request(request)}");
        }

        if (_collected.Count >= WaitingMax)
        {
            // Another copy of the request may have been taken, so only a request without copies did certainly nothing.
            world.Network.Reply(request, Slot, new AcceptorReply.Failed(request.IsCopied, "The queue is full."));
            return;
        }

        _collected.Add(request);
        SubmitNext();
    }

    public void Committed(Batch batch, bool failed)
    {
        if (batch.Requests[0].HostLife != _life)
        {
            return; // The activation that asked is gone.
        }

        for (var i = 0; i < batch.Requests.Count; i++)
        {
            var reply = failed
                ? new AcceptorReply.Failed(MayHaveTakenEffect: true, "The write failed.")
                : batch.Replies[i];
            world.Network.Reply(batch.Requests[i], Slot, reply);
        }

        _busy = false;
        SubmitNext();
    }

    public void Crash()
    {
        _life++;
        _busy = false;
        _collected = [];
    }

    public override string ToString() => index == 0 ? $"acceptor {Slot}" : $"acceptor {Slot} (duplicate)";

    private void SubmitNext()
    {
        if (_busy || _collected.Count == 0)
        {
            return;
        }

        var batch = new Batch(this, _collected);
        foreach (var request in batch.Requests)
        {
            request.HostLife = _life;
        }

        _collected = [];
        _busy = true;
        database.Submit(batch);
    }
}
