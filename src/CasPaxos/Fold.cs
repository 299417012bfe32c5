namespace CasPaxos;

/// <summary>An operation that waits for its answer.</summary>
internal sealed class Pending(long ticket, Operation operation)
{
    private Ballot _latest; // Of the accepts that may apply it, the greatest.

    /// <summary>The caller's name for this call; two calls may carry one operation.</summary>
    public long Ticket { get; } = ticket;

    public Operation Operation { get; } = operation;

    /// <summary>
    /// Not null once an accept that applies the operation may have reached an acceptor: where the register stood
    /// before any try of it.
    /// </summary>
    public ETag? Since { get; private set; } =
        operation.RetrySince is { } since ? Earlier(since, operation.KnownSince) : null;

    /// <summary>
    /// Where the register stood when no other try was applied yet: <see cref="Operation.KnownSince"/>, or later.
    /// </summary>
    public ETag? KnownSince { get; private set; } = operation.KnownSince;

    /// <summary>The caller has its answer; the operation takes part in no further attempt.</summary>
    public bool Answered { get; set; }

    /// <summary>
    /// Moves <see cref="KnownSince"/> on with the register while the operation waits, so that many rounds of others do
    /// not overtake it in its own proposer's queue. Whatever is chosen later descends from a record that is chosen: if
    /// that shows every change since, and the operation is none of them, no other try was applied before it.
    /// </summary>
    public void Follow(RegisterRecord chosen)
    {
        if (KnownSince is { } since && chosen.ShowsAllSince(since) && chosen.Recent.Age(Operation.Id) is null)
        {
            KnownSince = chosen.Position;
        }
    }

    /// <summary>
    /// Remembers an accept that may have taken effect. The earliest position counts: it asks most of the ids. That is
    /// <see cref="KnownSince"/>, where it is given: the other try may have been applied to a record that this
    /// accept knows nothing of, of a lower version than the one that it was built on and that was never chosen.
    /// </summary>
    /// <param name="position">What the accept was built on.</param>
    /// <param name="ballot">The ballot of the accept.</param>
    public void MayBeAppliedSince(ETag position, Ballot ballot)
    {
        Since = Earlier(Earlier(position, Since), KnownSince);
        _latest = Ballot.Max(_latest, ballot);
    }

    /// <summary>
    /// Ends the doubt, if it can be seen that no accept of this operation was chosen, or ever will be. The ids need not
    /// reach back to its first accept any more then, but only to its next one.
    /// </summary>
    /// <remarks>
    /// Why: a read quorum has accepted <paramref name="agreed"/>. It is an accept quorum, so that ballot is chosen, and
    /// whatever is proposed above it descends from its record (paper §2.2). It is a prepare quorum, so nothing below
    /// can be chosen any more: every accept quorum has a member that refuses. And nothing below that has the operation
    /// was chosen: the record would descend from it and show the operation, as it shows all changes since before the
    /// first accept. The operation's own accepts are below; and so is a proposal that adopted one of them, as one above
    /// would have found this record or a later one in its prepare quorum. Nobody else has the operation: where others
    /// may, <see cref="KnownSince"/> stays in force, and with <see cref="Operation.RetrySince"/> there are
    /// accepts of earlier tries whose ballots are not known here, so the doubt stays.
    /// </remarks>
    /// <param name="agreed">A ballot that a read quorum reports as accepted last.</param>
    /// <param name="record">The record accepted with it.</param>
    public void Clear(Ballot agreed, RegisterRecord record)
    {
        if (agreed > _latest
            && Operation.RetrySince is null
            && Since is { } since && record.ShowsAllSince(since)
            && record.Recent.Age(Operation.Id) is null)
        {
            Since = null;
        }
    }

    /// <summary>
    /// The earlier of two positions; the one that was known first where their versions are the same. Why: before a
    /// creation is a tombstone, whose own creation id the new record does not tell. With the new one's id, a retry that
    /// finds the tombstone again, because the creation was never chosen, would take it for another line, and stay
    /// unknown for ever.
    /// </summary>
    private static ETag Earlier(ETag one, ETag? other) =>
        other is { } position && position.Version <= one.Version ? position : one;
}

/// <summary>The answer of one operation, true if the fold's record is chosen.</summary>
/// <param name="Pending">The operation.</param>
/// <param name="Outcome">Its answer.</param>
/// <param name="AppliedSince">
/// Where the register stood before the operation, if the record contains it: applied by this fold, or found applied.
/// </param>
internal sealed record Verdict(Pending Pending, Outcome Outcome, ETag? AppliedSince);

/// <summary>
/// What operations, applied one after the other, make of a record; nothing of it is true before it is chosen.
/// </summary>
internal sealed class Fold
{
    private const string Overtaken =
        "The register has changed so often that it no longer shows whether this was applied.";

    private readonly List<(OperationId Id, ETag ETag)> _applied = [];
    private readonly List<Verdict> _verdicts = [];
    private readonly RegisterRecord _base;
    private RegisterRecord _current;

    private Fold(RegisterRecord current) => _base = _current = current;

    /// <summary>The record that the operations make, with the ids of those that changed it.</summary>
    public RegisterRecord Record { get; private set; } = RegisterRecord.None;

    /// <summary>Where the register stood before.</summary>
    public ETag Base => _base.Position;

    /// <summary>The answers, true if <see cref="Record"/> is chosen.</summary>
    public IReadOnlyList<Verdict> Verdicts => _verdicts;

    /// <summary>
    /// True if an accept must be chosen before the answers hold. Changes need that; and so does every answer that says
    /// "not applied" of an operation that an earlier accept may still apply: only a newer chosen ballot rules that out.
    /// </summary>
    public bool NeedsAccept { get; private set; }

    public static Fold Over(
        RegisterRecord current,
        IEnumerable<Pending> operations,
        ChangeCatalog catalog,
        int recentIdsMin = RecentOperations.IdsMin)
    {
        var fold = new Fold(current);
        foreach (var pending in operations)
        {
            if (!pending.Answered)
            {
                fold.Add(pending, catalog);
            }
        }

        fold.Record = fold._applied.Count == 0
            ? fold._current
            : fold._current with
            {
                Recent = current.Recent.Add([.. fold._applied.Select(applied => applied.Id)], recentIdsMin),
            };
        return fold;
    }

    private void Add(Pending pending, ChangeCatalog catalog)
    {
        var id = pending.Operation.Id;
        var earlier = _applied.FindIndex(applied => applied.Id == id);
        if (earlier >= 0)
        {
            Recovered(pending, _applied[earlier].ETag, since: Base);
        }
        else if (_base.Recent.Age(id) is { } age)
        {
            var version = _base.Version - age;
            var etag = version >= _base.CreationVersion ? new ETag(_base.CreationId, version) : ETag.Absent;

            // Version 0 has no creation.
            Recovered(pending, etag, since: version > 1 ? new ETag(_base.CreationId, version - 1) : ETag.Absent);
        }
        else if ((pending.Since ?? pending.KnownSince) is { } since && !_base.ShowsAllSince(since))
        {
            // A try may be what the ids no longer show: another one, or this one if it is in doubt itself.
            Outcome outcome = pending.Since is null
                ? new Outcome.Unavailable(Overtaken, Overtaken: true)
                : new Outcome.Unknown(id, since, Overtaken);
            _verdicts.Add(new Verdict(pending, outcome, AppliedSince: null));
        }
        else
        {
            Apply(pending, catalog);
        }
    }

    private void Recovered(Pending pending, ETag etag, ETag since) => _verdicts.Add(
        new Verdict(pending, new Outcome.Applied(etag, _current.View, Recovered: true), since));

    private void Apply(Pending pending, ChangeCatalog catalog)
    {
        var operation = pending.Operation;
        ChangeResult result;
        try
        {
            result = catalog.Evaluate(operation.Change, _current.View);
        }
#pragma warning disable CA1031 // Whatever an application's function throws is its caller's to see (rule 14).
        catch (Exception exception)
#pragma warning restore CA1031
        {
            NeedsAccept |= pending.Since is not null;
            _verdicts.Add(new Verdict(pending, new Outcome.Faulted(exception), AppliedSince: null));
            return;
        }

        var changes = result is ChangeResult.Write or ChangeResult.Delete;
        NeedsAccept |= changes || pending.Since is not null;
        if (changes)
        {
            _current = Next(operation, result);
            _applied.Add((operation.Id, _current.Position));
        }

        Outcome outcome = result is ChangeResult.Refuse refuse
            ? new Outcome.Refused(refuse.Reason, _current.View)
            : new Outcome.Applied(changes ? _current.Position : _current.View.ETag, _current.View);
        _verdicts.Add(new Verdict(pending, outcome, changes ? Base : null));
    }

    private RegisterRecord Next(Operation operation, ChangeResult result)
    {
        var next = _current with { Version = checked(_current.Version + 1) };
        return result switch
        {
            ChangeResult.Delete delete => next with { DeletedAt = Math.Max(1, delete.At), Payload = default },
            ChangeResult.Write write when _current.IsTombstone =>
                next with
                {
                    CreationId = operation.FreshCreationId,
                    CreationVersion = next.Version,
                    DeletedAt = null,
                    Payload = write.Payload,
                },
            ChangeResult.Write write => next with { Payload = write.Payload },
            _ => throw new System.Diagnostics.UnreachableException(),
        };
    }
}
