namespace CasPaxos;

// Attempts that found no quorum: what they leave in doubt, and how long the next one waits.
public sealed partial class Proposer
{
    /// <summary>The attempt found no quorum: its operations go back to the head of the queue.</summary>
    private void SetBack(Attempt attempt)
    {
        EndAttempt();
        _prepared = null;
        if (attempt is AcceptAttempt accept)
        {
            accept.Operations.ForEach(pending => MayBeApplied(accept, pending));
        }

        _waiting.InsertRange(0, attempt.Operations.Where(pending => !pending.Answered));
        Statistics.Setbacks++;
        Statistics.Conflicts += attempt.Conflict ? 1 : 0;
        _setbacksInARow++;
        Outrun(_settings.BackoffBase);
        if (!attempt.Conflict || _setbacksInARow > _settings.BackoffThreshold)
        {
            BackOff(attempt.Conflict);
        }
    }

    /// <summary>An accept that no quorum answered may yet be adopted by another proposer.</summary>
    private static void MayBeApplied(AcceptAttempt accept, Pending pending)
    {
        if (accept.Harmless.Count < accept.Configuration.Slots
            && accept.Fold.Verdicts.FirstOrDefault(verdict => verdict.Pending == pending)?.AppliedSince is { } since)
        {
            pending.MayBeAppliedSince(since, accept.Ballot);
        }
    }

    /// <summary>
    /// Waits for a random time, so that proposers that collided do not collide again; doubles each time.
    /// </summary>
    private void BackOff(bool conflict)
    {
        var doublings = Math.Clamp(_setbacksInARow - 1 - _settings.BackoffThreshold, 0, 20);
        var longest = Math.Min(_settings.BackoffMax.Ticks, _settings.BackoffBase.Ticks << doublings);
        if (conflict && _waiting.Exists(pending => pending.Since is not null))
        {
            // Others' changes push an operation's id out of the record: whoever must look for one does not wait long.
            longest = Math.Min(longest, 4 * _settings.BackoffBase.Ticks);
        }

        var delay = TimeSpan.FromTicks(1 + _random.NextInt64(longest));
        _backingOff = true;
        Outrun(delay);
        SetTimer(delay);
    }

    /// <summary>
    /// Raises the counter by the microseconds of a time. Meanwhile the winner of the conflict goes on, raising its own
    /// by one with every round: a ballot just above the one that won would be beaten again, each time (trap T-P13).
    /// </summary>
    private void Outrun(TimeSpan delay)
    {
        var lead = (long)delay.TotalMicroseconds;
        _counter = _counter < Ballot.CounterMax - lead ? _counter + lead : _counter; // The last one is not given away.
    }
}
