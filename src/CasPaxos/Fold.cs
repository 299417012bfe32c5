namespace CasPaxos;

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

    private const string TooEarly =
        "The slots that answered hold an earlier state of the register than the one this was tried on.";

    private readonly List<(OperationId Id, ETag ETag, bool Created)> _applied = [];
    private readonly List<Settlement> _settled = [];
    private readonly List<Verdict> _verdicts = [];
    private readonly int _idsMin;
    private readonly RegisterRecord _base;
    private readonly Ballot _ballot;
    private RegisterRecord _current;
    private int _reach;

    private Fold(RegisterRecord current, int idsMin, Ballot ballot)
    {
        _base = _current = current;
        _idsMin = idsMin;
        _ballot = ballot;
    }

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

    /// <summary>
    /// True if it answers a sealed read: an accept is needed unless all slots promised and agree (rule 20).
    /// </summary>
    public bool Seals { get; private set; }

    /// <param name="current">What the operations are applied to.</param>
    /// <param name="operations">In this order; those that are answered already are left out.</param>
    /// <param name="catalog">The changes.</param>
    /// <param name="recentIdsMin">Ids to keep at the least.</param>
    /// <param name="ballot">The ballot of the accept; zero where none may follow.</param>
    public static Fold Over(
        RegisterRecord current,
        IEnumerable<Pending> operations,
        ChangeCatalog catalog,
        int recentIdsMin = RecentOperations.IdsMin,
        Ballot ballot = default)
    {
        var fold = new Fold(current, recentIdsMin, ballot);
        foreach (var pending in operations)
        {
            if (!pending.Answered)
            {
                fold.Add(pending, catalog);
            }
        }

        fold.Record = fold._current.Remember(
            [.. fold._applied.Select(applied => applied.Id)], [.. fold._settled], recentIdsMin, fold._reach);
        return fold;
    }

    private void Add(Pending pending, ChangeCatalog catalog)
    {
        var id = pending.Operation.Id;
        var earlier = _applied.FindIndex(applied => applied.Id == id);
        if (earlier >= 0)
        {
            Recovered(pending, _applied[earlier].ETag, since: Base, _applied[earlier].Created);
        }
        else if (_base.Recent.Age(id) is { } age)
        {
            var version = _base.Version - age;
            var etag = version >= _base.CreationVersion ? new ETag(_base.CreationId, version) : ETag.Absent;

            // Version 0 has no creation.
            Recovered(
                pending,
                etag,
                since: version > 1 ? new ETag(_base.CreationId, version - 1) : ETag.Absent,
                created: !etag.IsAbsent && version == _base.CreationVersion);
        }
        else if (FindSettlement(id) is { } settlement)
        {
            Settled(pending, settlement);
        }
        else if (pending.MayBeHiddenIn(_base))
        {
            // A try may be what the ids no longer show: another one, or this one if it is in doubt itself.
            ShowMore(pending.Operation);
            var reason = _base.Version < pending.Origin?.Version ? TooEarly : Overtaken;
            Answer(pending, pending.Since is { } since
                ? new Outcome.Unknown(id, since, reason)
                : new Outcome.Unavailable(reason, Overtaken: true));
        }
        else
        {
            Apply(pending, catalog);
        }
    }

    private void Recovered(Pending pending, ETag etag, ETag since, bool created) => _verdicts.Add(
        new Verdict(pending, new Outcome.Applied(etag, _current.View, Recovered: true, Created: created), since));

    private void Settled(Pending pending, Settlement settlement) => Answer(
        pending,
        settlement.Refusal is { } reason
            ? new Outcome.Refused(reason, _current.View, Recovered: true)
            : new Outcome.Applied(ETag.Absent, _current.View, Recovered: true));

    private Settlement? FindSettlement(OperationId id)
    {
        var earlier = _settled.FindIndex(settlement => settlement.Id == id);
        return earlier >= 0 ? _settled[earlier] : _base.Recent.FindSettlement(id);
    }

    private void Answer(Pending pending, Outcome outcome) =>
        _verdicts.Add(new Verdict(pending, outcome, AppliedSince: null));

    private void Apply(Pending pending, ChangeCatalog catalog)
    {
        var operation = pending.Operation;
        NeedsAccept |= pending.Since is not null;
        Seals |= operation.Change is Change.SealedRead;
        ChangeResult result;
        try
        {
            result = catalog.Evaluate(operation.Change, _current.View);
        }
#pragma warning disable CA1031 // Whatever an application's function throws is its caller's to see (rule 14).
        catch (Exception exception)
#pragma warning restore CA1031
        {
            Answer(pending, new Outcome.Faulted(exception));
            return;
        }

        if (result is ChangeResult.Write or ChangeResult.Delete)
        {
            NeedsAccept = true;
            var created = _current.IsTombstone && result is ChangeResult.Write;
            _current = Next(result);
            _applied.Add((operation.Id, _current.Position, created));
            _verdicts.Add(new Verdict(
                pending, new Outcome.Applied(_current.Position, _current.View, Created: created), Base));
        }
        else
        {
            Stay(pending, (result as ChangeResult.Refuse)?.Reason);
        }
    }

    /// <summary>
    /// An operation that changes nothing. A try that a paused silo holds may come up when it fits, so a retry is
    /// settled: the record says that it is over. Where that cannot be said, the answer holds for this try only.
    /// </summary>
    private void Stay(Pending pending, RefusalReason? reason)
    {
        var isFinal = NeverFits(pending.Operation.Change)
            || (pending.Operation.RetrySince is not null && TrySettle(pending.Operation, reason));
        Answer(
            pending,
            reason is { } refusal
                ? new Outcome.Refused(refusal, _current.View, Final: isFinal)
                : new Outcome.Applied(_current.View.ETag, _current.View, Final: isFinal));
    }

    /// <summary>
    /// True if no try can change anything from here on: a read, or what expects an ETag that is gone and never comes
    /// back (rule 17). One of a version that is yet to come may.
    /// </summary>
    private bool NeverFits(Change change)
    {
        ETag? expected = change switch
        {
            Change.CompareAndSwap swap => swap.Expected,
            Change.Delete delete => delete.Expected,
            _ => null,
        };
        var current = _current.View.ETag;
        return change.IsRead
            || (expected is { IsAbsent: false } gone
                && (gone.CreationId != current.CreationId || gone.Version < current.Version));
    }

    /// <summary>
    /// Settles an operation, if the record has room, and is sure to be there for as long as other tries may come up: a
    /// tombstone is kept from a time on, and only a delete tells its own.
    /// </summary>
    private bool TrySettle(Operation operation, RefusalReason? reason)
    {
        if (_base.Recent.SettledSince(_base.Version - _base.Recent.Ids.Length) + _settled.Count >= _idsMin)
        {
            return false; // Those that only fingerprints ask for make room.
        }

        if (_current.IsTombstone)
        {
            if (operation.Change is not Change.Delete { At: var at })
            {
                return false;
            }

            _current = _current with { DeletedAt = Math.Max(_current.DeletedAt.GetValueOrDefault(), at) };
        }

        RefusalReason? stored = reason is { } any && !Enum.IsDefined(any) ? RefusalReason.Custom : reason;
        _settled.Add(new Settlement(operation.Id, _current.Version, stored));
        return true;
    }

    /// <summary>
    /// From now on the record shows so many changes that a try from as far back can be judged: one that was overtaken
    /// twice, and not one whose caller has only been away for long. There is nothing to show of a register that has
    /// never dropped an id.
    /// </summary>
    private void ShowMore(Operation operation)
    {
        if (operation is { Overtaken: true, KnownSince: { } since }
            && _base.Recent.Rounds.Length >= RecentOperations.RoundsMin
            && _base.Recent.Ids.Length >= _idsMin
            && RecentOperations.ReachFor(_base.Version - since.Version) is var reach
            && reach > _base.Recent.Reach)
        {
            _reach = Math.Max(_reach, reach);
            NeedsAccept = true;
        }
    }

    private RegisterRecord Next(ChangeResult result)
    {
        var next = _current with { Version = checked(_current.Version + 1) };
        return result switch
        {
            ChangeResult.Delete delete => next with { DeletedAt = Math.Max(1, delete.At), Payload = default },
            ChangeResult.Write write when _current.IsTombstone =>
                next with
                {
                    CreationId = CreationIds.Of(_ballot, index: _applied.Count),
                    CreationVersion = next.Version,
                    DeletedAt = null,
                    Payload = write.Payload,
                },
            ChangeResult.Write write => next with { Payload = write.Payload },
            _ => throw new System.Diagnostics.UnreachableException(),
        };
    }
}
