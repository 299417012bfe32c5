namespace CasPaxos.Simulation;

/// <summary>
/// An operation that is tried again only when all of its tries have ended: at one node, or at two at once.
/// </summary>
internal sealed class RetriedRun(World world, Client client, int register, Change change, ETag seen)
    : OperationRun(world, client, register, change)
{
    private ETag? _since;
    private Outcome.Applied? _applied;
    private Outcome? _refused;
    private bool _isUnsure;
    private int _tries;

    /// <summary>Tries once more, at one node or at two at once.</summary>
    public override void Begin()
    {
        _isUnsure = false;
        _refused = null;
        if (Client.ChooseNode() is not { } node)
        {
            _isUnsure = _since is not null;
            Decide();
            return;
        }

        // Two at once are each a retry of the other, so both look for the operation from before either began.
        var twin = !IsRead && World.Random.Chance(World.Scenario.TwinChance) ? Client.ChooseNode() : null;
        if (twin is not null)
        {
            _since ??= seen;
            World.Statistics.Add(Count.RetriesBegunTwice);
        }

        _tries = twin is null ? 1 : 2;
        Submit(node);
        if (twin is not null)
        {
            Submit(twin);
        }
    }

    public override void Ended(Try call, Outcome? outcome)
    {
        switch (Check(outcome))
        {
            case Outcome.Applied applied:
                _applied = applied;
                break;
            case Outcome.Refused or Outcome.Faulted:
                _refused = outcome;
                break;
            case Outcome.Unavailable:
                break;
            case Outcome.Unknown unknown:
                _isUnsure = true;
                _since = unknown.Since;
                break;
            case null:
                _isUnsure = true;
                _since ??= seen;
                break;
        }

        if (--_tries == 0)
        {
            Decide();
        }
    }

    private void Submit(ProposerNode node)
    {
        // Of sealed reads some say what their client knows, and some are given up while they wait for the last slot.
        var (knows, isHasty) = Change is Change.SealedRead
            ? (World.Random.Chance(0.5), World.Random.Chance(0.3))
            : (false, false);
        var call = node.Submit(this, new Operation(Id, Change, RetrySince: _since, KnownSince: knows ? seen : null));
        var timeout = isHasty
            ? World.Random.NextDelay(1, World.Scenario.Settings.Patience.Ticks)
            : World.Scenario.ClientTimeout;
        World.Events.After(timeout, call.Abandon);
    }

    private void Decide()
    {
        if (_applied is not null)
        {
            End(_applied);
        }
        else if (!_isUnsure)
        {
            End(_refused ?? new Outcome.Unavailable("No node."));
        }
        else if (!IsRead && MayRetry())
        {
            RetryLater();
        }
        else
        {
            End(outcome: null);
        }
    }
}
