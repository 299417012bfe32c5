namespace CasPaxos.Simulation;

/// <summary>Broken outcomes, records and erasures.</summary>
internal static class RecordMutants
{
    private const string Rounds = "core/Proposer.Attempts.cs";
    private const string Setbacks = "core/Proposer.Setbacks.cs";
    private const string Folding = "core/Fold.cs";
    private const string Waiting = "core/Pending.cs";
    private const string Erasing = "core/Eraser.cs";
    private const string Record = "core/RegisterRecord.cs";
    private const string Recent = "core/RecentOperations.cs";
    private const string MayHide = "!ShowsAllSince(since) || Recent.MayHide(";
    private const string SeenHidesNothing = "ShowsAllSince(since) && Recent.MayHide(";

    public static readonly Mutant[] All =
    [
        new(
            "retry-applies-twice",
            "A retry does not look for its own id.",
            new Patch(Folding, "_base.Recent.Age(id) is { } age)", "_base.Recent.Age(id) is { } age && age < 0)")),
        new(
            "forgotten-ids-trusted",
            "An id that is not among the recent ones counts as never applied, however far the register has moved.",
            new Patch(Record, MayHide, SeenHidesNothing)),
        new(
            "tombstone-drops-ids",
            "A tombstone does not keep the recent ids, and nobody notices the gap (noticed, it would cost an Unknown).",
            new Patch(Record, "recent.Add(applied", "(IsTombstone ? RecentOperations.None : recent).Add(applied"),
            new Patch(Record, MayHide, SeenHidesNothing)),
        new(
            "known-position-ignored",
            "A first try that others follow is applied although the ids may no longer show what the others did.",
            new Patch(Waiting, "Origin => Since ?? Operation.KnownSince;", "Origin => Since;")),
        new(
            "followed-past-the-ids",
            "What is known of a first try moves on with the register, although the ids may hide another try.",
            new Patch(Waiting, "&& !MayBeHiddenIn(chosen)\n", "")),
        new(
            "followed-past-itself",
            "What is known of a first try moves on with the register, past the change that another try made.",
            new Patch(Waiting, "&& chosen.Recent.Age(Operation.Id) is null\n", "")) { From = 5_000 },
        new(
            "retry-of-a-lower-version",
            "A retry is applied to a record of a lower version than its position, though other tries may follow.",
            new Patch(Waiting, "!(IsSingle && record", "!(record")) { From = 37_900 },
        new(
            "overtaken-while-in-doubt",
            "A first try that is in doubt itself is told that it was overtaken, and so not applied anywhere.",
            new Patch(
                Folding,
                "Answer(pending, pending.Since is { } since",
                "Answer(pending, pending.Since is { } since && pending.Operation.RetrySince is not null")),
        new(
            "doubt-cleared-below",
            "A doubt ends with whatever a quorum agrees on, also if that is older than the accept in doubt.",
            new Patch(Waiting, "if (agreed > _latest", "if (agreed > Ballot.Zero")) { From = 257_700 },
        new(
            "doubt-of-retry-cleared",
            "The doubt of a retry ends as if the accepts of its earlier tries were known.",
            new Patch(Waiting, "&& Operation.RetrySince is null\n", "")) { From = 2_700 },
        new(
            "refusal-not-settled",
            "A retry is refused for good although the record does not tell its other tries.",
            new Patch(Folding, " && TrySettle(pending.Operation, reason)", "")),
        new(
            "settlement-overlooked",
            "A try does not look whether its operation is settled.",
            new Patch(Folding, "(id) is { } settlement", "(id) is { Version: < 0 } settlement")),
        new(
            "settlement-forgotten",
            "What is settled at a version is forgotten with the next change.",
            new Patch(Recent, "one.Version >= oldestShown", "one.Version >= oldestShown + Ids.Length")),
        new(
            "settlement-erased-at-its-version",
            "A tombstone that settles an operation leaves its own version as floor, at which the other tries fit.",
            new Patch(Erasing, "record.Version + (record.Recent.Settled.IsEmpty ? 0 : 1)", "record.Version")),
        new(
            "followed-past-settlement",
            "What is known of a first try moves on with the register, past where another try was settled.",
            new Patch(Waiting, "&& chosen.Recent.FindSettlement(Operation.Id) is null\n", "")) { From = 216_700 },
        new(
            "fingerprints-ignored",
            "An operation that is like a fingerprint of an older change counts as never applied.",
            new Patch(Recent, ".Contains(id.Fingerprint)", ".IsEmpty && Shown < 0")),
        new(
            "fingerprints-of-nothing",
            "Ids that a record no longer shows leave fingerprints that are not theirs.",
            new Patch(Recent, "static id => id.Fingerprint)", "static id => (ushort)(id.Fingerprint + 1))")),
        new(
            "fingerprints-looked-through-by-half",
            "Of the changes since an operation began, the older half is not looked through.",
            new Patch(Recent, "[^(int)(changes - Ids.Length)..]", "[^(int)((changes - Ids.Length) / 2)..]")),
        new(
            "settlements-reach-less-far",
            "What was settled is forgotten although the changes since are still shown.",
            new Patch(Recent, "one.Version >= oldestShown", "one.Version >= version - Ids.Length")),
        new(
            "settlements-crowded-out",
            "Settlements that there is no room for are forgotten although the changes since are still shown.",
            new Patch(Recent, "Latest(Fingerprints, (int)(version - Ids.Length - oldestShown))", "Fingerprints")),
        new(
            "doubt-cleared-by-forgetting",
            "A doubt ends where only a fingerprint of the operation is left.",
            new Patch(Waiting, "!record.MayHide(Operation.Id, since)", "record.ShowsAllSince(since)")),
        new(
            "expected-version-yet-to-come",
            "An ETag of a version that is yet to come counts as gone for good.",
            new Patch(Folding, "(gone.CreationId != current.CreationId || gone.Version < current.Version)", "true")),
        new(
            "refusal-final-while-lost",
            "A client takes a refusal as final although an earlier try was never heard of.",
            new Patch(
                "engine/FollowedRun.cs",
                "_alive.Count == 0 && !_isLost && !_isInDoubt",
                "_alive.Count == 0 && !_isInDoubt")),
        new(
            "refused-without-newer-accept",
            "A retry is refused although an accept of its first try may still be adopted.",
            new Patch(Folding, "NeedsAccept |= pending.Since is not null;", ""))
        { From = 4_600 },
        new(
            "refusal-proves-too-much",
            "A refused accept counts as harmless although a first copy of it may have been taken.",
            new Patch(
                Rounds,
                "case AcceptorReply.Refused or AcceptorReply.Fenced when _settings.DeliveredOnce:",
                "case AcceptorReply.Refused or AcceptorReply.Fenced:")),
        new(
            "silence-is-harmless",
            "An operation whose accept got no answer is reported as unavailable.",
            new Patch(
                "core/Proposer.cs",
                "if (_attempt is AcceptAttempt accept)",
                "if (_attempt is AcceptAttempt { Accepted.Count: > 0 } accept)")),
        new(
            "setback-forgets-accept",
            "An attempt that found no quorum forgets that its accept may have taken effect.",
            new Patch(Setbacks, "accept.Operations.ForEach(pending => MayBeApplied(accept, pending));", "")),
        new(
            "combined-on-one-base",
            "Operations of one round are all evaluated on the record before the round.",
            new Patch(
                Folding,
                "catalog.Evaluate(operation.Change, _current.View)",
                "catalog.Evaluate(operation.Change, _base.View)")),
        new(
            "etag-repeated",
            "A register that is created anew has the creation id that it had.",
            new Patch(
                Folding,
                "CreationId = CreationIds.Of(_ballot, index: _applied.Count),",
                "CreationId = new Guid(1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0),")),
        new(
            "erase-at-a-quorum",
            "A register is erased as soon as a quorum has its tombstone.",
            new Patch(
                Erasing,
                "if (_heard.Count == _configuration.Slots)",
                """
                if (_heard.Count == _configuration.Slots
                    || (_request is AcceptorRequest.Accept && _heard.Count >= _configuration.AcceptQuorum))
                """)),
        new(
            "erase-of-the-living",
            "A register that exists is erased like a deleted one (trap T-G5).",
            new Patch(
                Erasing,
                "case null:\n                    End(ErasureResult.Live);",
                """
                case null:
                    Ask(new AcceptorRequest.Accept(_configuration.Epoch, _ballot, current.Value, Ballot.Zero));
                """)),
    ];
}
