namespace CasPaxos;

// The attempts of a proposer: how they begin, what their replies mean, how they end.
public sealed partial class Proposer
{
    /// <summary>
    /// Begins an attempt for the operations that wait, if none is under way and there is room for it.
    /// </summary>
    private void Advance()
    {
        if (_attempt is not null || _backingOff || _waiting.Count == 0 || _configuration.Epoch < _fencedBy)
        {
            return;
        }

        if (_room != Room.Held)
        {
            AskForRoom();
            return;
        }

        var operations = TakeWaiting(_settings.CombineMax);
        if (_prepared?.IsConfirmed(_configuration) == true)
        {
            // A sealed read may use the ballot too, but then it must be accepted: the promise was given before the read
            // began, so attempts of others may have ended since (rule 20).
            var fold = Fold.Over(
                _prepared.Record, operations, _catalog, _settings.RecentIdsMin, _prepared.Ballot);
            if (fold.NeedsAccept || fold.Seals)
            {
                Statistics.OneRoundTrips++;
                BeginAccept(_configuration, _prepared.Ballot, fold);
                return;
            }

            // Nothing to write, and what is remembered proves nothing: ask.
            BeginRead(operations);
        }
        else if (operations.TrueForAll(pending => pending is { Operation.Change: Change.Read, Since: null }))
        {
            BeginRead(operations);
        }
        else
        {
            BeginPrepare(operations);
        }
    }

    private void AskForRoom()
    {
        if (_room == Room.None)
        {
            _room = Room.Asked;
            _effects.Add(new ProposerEffect.Enter(Again: _setbacksInARow > 0));
        }
    }

    private void LeaveRoom()
    {
        _room = Room.None;
        _effects.Add(new ProposerEffect.Leave());
    }

    /// <summary>The attempt is over, with all its phases, and the next one asks for room anew.</summary>
    private void EndAttempt()
    {
        _attempt = null;
        LeaveRoom();
    }

    private List<Pending> TakeWaiting(int most)
    {
        var count = Math.Min(most, _waiting.Count);
        var taken = _waiting.GetRange(0, count);
        _waiting.RemoveRange(0, count);
        return taken;
    }

    private void BeginRead(List<Pending> operations)
    {
        Statistics.ReadRounds++;
        Begin(
            new ReadAttempt(++_lastAttempt, _configuration, operations),
            new AcceptorRequest.Read(_configuration.Epoch));
    }

    private void BeginPrepare(List<Pending> operations)
    {
        _prepared = null; // The prepare outbids it.
        if (_counter == Ballot.CounterMax)
        {
            EndAttempt(); // Refused at the limit, never wrapped.
            operations.ForEach(pending => GiveUp(pending, "The ballots of this register are used up."));
            Advance();
            return;
        }

        Statistics.PrepareRounds++;
        var ballot = NextBallot();
        Begin(
            new PrepareAttempt(++_lastAttempt, _configuration, operations, ballot),
            new AcceptorRequest.Prepare(_configuration.Epoch, ballot));
    }

    private void BeginAccept(Configuration configuration, Ballot ballot, Fold fold)
    {
        Statistics.AcceptRounds++;
        _prepared = null; // Its ballot is used now, whatever comes of it (rule 9).
        var next = _counter == Ballot.CounterMax ? Ballot.Zero : NextBallot();
        var (bytes, record) = RecordCodec.Encode(fold.Record);
        Begin(
            new AcceptAttempt(++_lastAttempt, configuration, ballot, fold, record, next),
            new AcceptorRequest.Accept(configuration.Epoch, ballot, bytes, next));
    }

    private void Begin(Attempt attempt, AcceptorRequest request)
    {
        _attempt = attempt;
        for (var slot = 0; slot < attempt.Configuration.Slots; slot++)
        {
            _effects.Add(new ProposerEffect.Send(slot, attempt.Id, request));
        }

        SetTimer(_settings.PhaseTimeout * (1 << Math.Min(_silencesInARow, 3)));
    }

    /// <summary>
    /// A ballot that was never used: the counter only rises, and the id is this instance's alone (rule 7).
    /// </summary>
    private Ballot NextBallot() => new(checked(++_counter), _id);

    private void SetTimer(TimeSpan delay) => _effects.Add(new ProposerEffect.SetTimer(++_timer, delay));

    private void Hear(Attempt attempt, int slot, AcceptorReply reply)
    {
        switch (reply)
        {
            case AcceptorReply.Refused refused
                when attempt is PrepareAttempt prepare && refused.Winner == prepare.Ballot:
                return; // Our own prepare, delivered twice; the answer to the first is on its way.
            case AcceptorReply.Refused refused:
                _counter = Math.Max(_counter, refused.Winner.Counter); // Fast-forward; never back.
                attempt.Conflict = true;
                break;
            case AcceptorReply.Fenced fenced when fenced.Epoch > _fencedBy:
                _fencedBy = fenced.Epoch;
                _effects.Add(new ProposerEffect.Outdated(fenced.Epoch));
                break;
        }

        attempt.Hear(slot);
        switch (attempt)
        {
            case ReadAttempt read:
                HearRead(read, reply);
                break;
            case PrepareAttempt prepare:
                HearPrepare(prepare, reply);
                break;
            case AcceptAttempt accept:
                HearAccept(accept, slot, reply);
                break;
        }
    }

    private void HearRead(ReadAttempt read, AcceptorReply reply)
    {
        if (reply is AcceptorReply.Report report)
        {
            read.Reports.Add(report.AcceptedBallot, report.Value, report.VersionFloor);
        }

        var configuration = read.Configuration;
        if (read.Reports.Agreeing >= configuration.ReadQuorum)
        {
            Agreed(read);
        }
        else if (read.Reports.Agreeing + read.Outstanding < configuration.ReadQuorum)
        {
            Disagreed(read, reachable: read.Reports.Count + read.Outstanding);
        }
        else if (read.Reports.Count >= configuration.PrepareQuorum)
        {
            Hurry(read);
        }
    }

    private void Agreed(ReadAttempt read)
    {
        if (TryFold(read.Reports, read.Reports.Agreed, read.Operations, Ballot.Zero) is not { } fold)
        {
            return;
        }

        if (fold.NeedsAccept || fold.Seals)
        {
            BeginPrepare(read.Operations); // A sealed read is here if what was remembered did not reach its position.
        }
        else
        {
            End(fold);
        }
    }

    /// <summary>The identity change makes them agree, if enough slots can promise it.</summary>
    private void Disagreed(ReadAttempt read, int reachable)
    {
        if (reachable >= read.Configuration.PrepareQuorum)
        {
            BeginPrepare(read.Operations);
        }
        else
        {
            SetBack(read);
        }
    }

    private void HearPrepare(PrepareAttempt prepare, AcceptorReply reply)
    {
        if (reply is AcceptorReply.Promised promised)
        {
            prepare.Promises.Add(promised.AcceptedBallot, promised.Value, promised.VersionFloor);
        }

        var quorum = prepare.Configuration.PrepareQuorum;
        if (prepare.Promises.Count >= quorum)
        {
            Prepared(prepare, isPatient: true);
        }
        else if (prepare.Promises.Count + prepare.Outstanding < quorum)
        {
            SetBack(prepare);
        }
        else if (prepare.Conflict)
        {
            Hurry(prepare);
        }
    }

    /// <summary>A prepare quorum has promised.</summary>
    /// <param name="prepare">The prepare.</param>
    /// <param name="isPatient">False once a sealed read has waited long enough for the other slots.</param>
    private void Prepared(PrepareAttempt prepare, bool isPatient)
    {
        var promises = prepare.Promises;
        var isAgreed = promises.AgreeOnHighest(prepare.Configuration.ReadQuorum);
        if (TryFold(promises, promises.Highest, prepare.Operations, prepare.Ballot, isAgreed) is not { } fold)
        {
            return;
        }

        if (!fold.NeedsAccept && fold.Seals && prepare.AllAgree)
        {
            // No slot accepts anything below this ballot any more, and none holds anything else (rule 20). The ballot
            // is not used: the next change may use it, in one round trip.
            _prepared = new PreparedBallot(prepare, fold.Record);
            End(fold);
            return;
        }

        if (!fold.NeedsAccept && fold.Seals && isPatient && prepare.AllMayAgree)
        {
            Hurry(prepare);
            return;
        }

        if (!fold.NeedsAccept && !fold.Seals && isAgreed)
        {
            End(fold);
            return;
        }

        // Operations that came during the prepare join: the accept, which is sent after they came, proves their answers
        // too. (An answer without an accept would not: the promises may have been given before they came.)
        prepare.Operations.AddRange(TakeWaiting(Math.Max(0, _settings.CombineMax - prepare.Operations.Count)));
        if (TryFold(promises, promises.Highest, prepare.Operations, prepare.Ballot) is { } joined)
        {
            BeginAccept(prepare.Configuration, prepare.Ballot, joined);
        }
    }

    private void HearAccept(AcceptAttempt accept, int slot, AcceptorReply reply)
    {
        switch (reply)
        {
            case AcceptorReply.Accepted accepted:
                accept.Accepted = accept.Accepted.With(slot);
                accept.Confirmed = accepted.Promise == accept.Next ? accept.Confirmed.With(slot) : accept.Confirmed;
                break;
            case AcceptorReply.Refused or AcceptorReply.Fenced when _settings.DeliveredOnce:
            case AcceptorReply.Failed { MayHaveTakenEffect: false }:
                accept.Harmless = accept.Harmless.With(slot);
                break;
        }

        var quorum = accept.Configuration.AcceptQuorum;
        if (accept.Accepted.Count >= quorum)
        {
            _prepared = new PreparedBallot(accept);
            End(accept.Fold);
        }
        else if (accept.Outstanding == 0 || accept is { Accepted.Count: > 0 } && CannotReach(accept))
        {
            SetBack(accept);
        }
        else if (accept.Conflict || CannotReach(accept))
        {
            // No quorum any more; but if the others had no effect either, then it is certain that none of its
            // operations is applied, and the next attempt need not look for them. That is worth a short wait.
            Hurry(accept);
        }
    }

    private static bool CannotReach(AcceptAttempt accept) =>
        accept.Accepted.Count + accept.Outstanding < accept.Configuration.AcceptQuorum;

    /// <summary>
    /// Folds operations over what was reported; null, and all answered, if it is not understood. What a read quorum
    /// agrees on may end their doubts before.
    /// </summary>
    private Fold? TryFold(
        Reports reports, AcceptorReply.Report report, List<Pending> operations, Ballot ballot, bool isAgreed = false)
    {
        try
        {
            var record = reports.Decode(report);
            if (isAgreed)
            {
                operations.ForEach(pending => pending.Clear(report.AcceptedBallot, record));
            }

            return Fold.Over(record, operations, _catalog, _settings.RecentIdsMin, ballot);
        }
        catch (RecordFormatException exception)
        {
            // Written by a newer version, or damaged: nothing is sent, and nothing is overwritten.
            EndAttempt();
            operations.ForEach(pending => GiveUp(pending, exception.Message, unreadable: true));
            return null;
        }
    }

    /// <summary>The fold's record is chosen: its answers are true.</summary>
    private void End(Fold fold)
    {
        EndAttempt();
        _setbacksInARow = 0;
        _silencesInARow = 0;
        Seen = _prepared?.Record.Position == fold.Record.Position ? _prepared.Record : fold.Record;
        _waiting.ForEach(pending => pending.Follow(fold.Record));
        foreach (var verdict in fold.Verdicts)
        {
            Answer(verdict.Pending, verdict.Outcome);
        }
    }

    /// <summary>Waits only a little longer for slots that may be slow or dead.</summary>
    private void Hurry(Attempt attempt)
    {
        if (!attempt.Hurried)
        {
            attempt.Hurried = true;
            SetTimer(_settings.Patience);
        }
    }

    private void OutOfPatience(Attempt attempt)
    {
        _silencesInARow += attempt.Hurried ? 0 : 1;
        if (attempt is ReadAttempt read)
        {
            Disagreed(read, reachable: read.Reports.Count);
        }
        else if (attempt is PrepareAttempt prepare && prepare.Promises.Count >= prepare.Configuration.PrepareQuorum)
        {
            Prepared(prepare, isPatient: false); // A sealed read waited for all slots; a quorum must do.
        }
        else
        {
            SetBack(attempt);
        }
    }
}
