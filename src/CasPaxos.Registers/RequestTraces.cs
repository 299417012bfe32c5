using System.Collections.Concurrent;
using System.Diagnostics;

namespace CasPaxos.Registers;

/// <summary>
/// The spans of one proposer's requests, each a child of the operation that was submitted last: those that a round
/// combines share its requests. Exists only while somebody listens.
/// </summary>
internal sealed class RequestTraces
{
    private readonly ConcurrentDictionary<(int Slot, long Attempt), Activity> _underWay = new();
    private Activity? _parent;

    /// <summary>The traces of a proposer, with the operation at hand as the parent of what it sends next.</summary>
    public static RequestTraces? OfCurrentOperation(RequestTraces? traces)
    {
        if (Activity.Current is not { } current || current.Source != Telemetry.Source)
        {
            return traces;
        }

        traces ??= new RequestTraces();
        traces._parent = current;
        return traces;
    }

    public void Began(ProposerEffect.Send send)
    {
        var activity = Telemetry.Source.CreateActivity(
            "caspaxos.acceptor", ActivityKind.Client, _parent?.Context ?? default);
        if (activity is not null)
        {
            activity.SetTag("slot", send.Slot);
            activity.SetTag("request", send.Request.GetType().Name);
            _underWay[(send.Slot, send.Attempt)] = activity;
            var operation = Activity.Current;
            activity.Start();
            Activity.Current = operation; // What follows is not its child.
        }
    }

    public void Ended(int slot, long attempt, AcceptorReply reply)
    {
        if (_underWay.TryRemove((slot, attempt), out var activity))
        {
            activity.SetTag("reply", reply.GetType().Name);
            var operation = Activity.Current;
            activity.Stop();
            Activity.Current = operation;
        }
    }
}
