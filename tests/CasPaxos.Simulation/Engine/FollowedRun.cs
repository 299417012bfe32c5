namespace CasPaxos.Simulation;

/// <summary>
/// An operation whose tries follow each other while the ones before may still be under way, at nodes that may be paused
/// for long: what the client of the service does, answer by answer.
/// </summary>
/// <remarks>
/// All tries begin from one position: the first as what is known, the others as retries. It is moved forward only when
/// no try is left that could be applied.
/// </remarks>
internal sealed class FollowedRun : OperationRun
{
    // A try that is abandoned says so at once, unless its node is paused; that is worth a moment's wait.
    private const long Grace = Scenario.Millisecond / 2;
    private const int TriesMax = 4;

    private readonly List<Try> _alive = [];
    private readonly long _resendAfter;
    private readonly long _distance;
    private ETag _since;
    private bool _isRetry; // The client was told "unknown" before, so every try looks for another.
    private bool _isOvertaken;
    private bool _isInDoubt; // A try of this round has ended in doubt.
    private bool _isLost; // A try was never heard of: it may be applied at any time, and for ever.
    private long _deadline;
    private int _round;
    private int _tries;

    public FollowedRun(World world, Client client, int register, Change change, ETag seen)
        : base(world, client, register, change)
    {
        _since = seen;
        _distance = world.Scenario.DistanceMax == 0 ? 0 : world.Random.NextDelay(0, world.Scenario.DistanceMax);
        _resendAfter = world.Random.NextDelay(Scenario.Millisecond / 4, world.Scenario.ResendMax);
    }

    /// <summary>No other try can have an effect any more.</summary>
    private bool IsAlone => _alive.Count == 0 && !_isLost && !_isInDoubt;

    public override void Begin()
    {
        _isInDoubt = false; // Whatever ended in doubt is outbid before what begins now is refused.
        _tries = 0;
        _deadline = World.Events.Now + World.Scenario.ClientTimeout;
        var round = ++_round;
        World.Events.After(World.Scenario.ClientTimeout + Grace, () =>
        {
            if (IsOpen && _round == round)
            {
                GiveUp();
            }
        });
        Follow(round);
    }

    public override void Ended(Try call, Outcome? outcome)
    {
        outcome = Check(outcome);
        if (!_alive.Remove(call) || !IsOpen)
        {
            World.Statistics.Add(Count.AnswersTooLate); // Nobody waits for it any more.
            return;
        }

        switch (outcome)
        {
            case Outcome.Applied { Final: true } or Outcome.Refused { Final: true }:
                End(outcome);
                break;
            case null:
                _isLost = true;
                break;
            case Outcome.Unknown:
                _isInDoubt = true;
                if (_alive.Count == 0)
                {
                    GiveUp(); // Otherwise another one may come to know.
                }

                break;
            case Outcome.Unavailable { Overtaken: true } when IsAlone && World.Events.Now < _deadline:
                World.Statistics.Add(Count.TriesOvertaken);
                _since = call.Proposer.Position ?? _since;
                _isOvertaken = true;
                Send();
                break;
            case Outcome.Applied or Outcome.Refused when IsAlone && _isRetry:
                _isInDoubt = true; // Of this try it is true; an earlier one may be held by a paused node.
                GiveUp();
                break;
            default:
                if (IsAlone)
                {
                    End(outcome);
                }

                break;
        }
    }

    /// <summary>Sends, and after a while sends again, until the round is over.</summary>
    private void Follow(int round)
    {
        if (IsOpen && _round == round && World.Events.Now < _deadline && _tries < TriesMax)
        {
            Send();
            World.Events.After(_resendAfter, () => Follow(round));
        }
    }

    private void Send()
    {
        if (Client.ChooseNode() is not { } node)
        {
            return;
        }

        _tries++;
        var isFirst = IsAlone && !_isRetry;
        if (isFirst && World.Random.Chance(0.7))
        {
            _since = node.Position(Register) ?? _since; // Asked for; otherwise what the client has seen must do.
        }

        World.Statistics.Add(Count.TriesThatFollow, isFirst ? 0 : 1);
        var claims = _distance > 0 && World.Random.Chance(0.5); // Safety does not depend on what they say of that.
        var operation = isFirst
            ? new Operation(Id, Change, KnownSince: _since, Overtaken: _isOvertaken || claims)
            : new Operation(Id, Change, RetrySince: _since);
        var call = node.Submit(this, operation, _distance);
        _alive.Add(call);
        World.Events.After(_deadline - World.Events.Now, call.Abandon);
    }

    private void GiveUp()
    {
        if (IsAlone && !_isRetry)
        {
            End(new Outcome.Unavailable("No node."));
            return;
        }

        World.Statistics.Add(Count.TriesLost, _alive.Count);
        _isLost |= _alive.Count > 0;
        _alive.Clear();
        _isRetry = true;
        _round++;
        if (MayRetry())
        {
            RetryLater();
        }
        else
        {
            End(outcome: null);
        }
    }
}
