namespace CasPaxos.Simulation;

/// <summary>Broken version floors and sealed reads (rules 19 and 20), at the proposer.</summary>
internal static class SealMutants
{
    private const string Rounds = "core/Proposer.Attempts.cs";
    private const string Setbacks = "core/Proposer.Setbacks.cs";
    private const string Attempts = "core/Attempt.cs";
    private const string AllAgree = "AllAgree => Promises.Agreeing == Configuration.Slots;";

    public static readonly Mutant[] All =
    [
        new(
            "absence-of-version-zero",
            "An absence that must be chosen is written with version 0, which hides the floor from then on.",
            new Patch(
                Rounds,
                "RecordCodec.Encode(fold.Record)",
                "RecordCodec.Encode(fold.Record.DeletedAt == 0 ? RegisterRecord.None : fold.Record)")),
        new(
            "seal-by-agreed-read",
            "A sealed read is answered from what a read quorum reports.",
            new Patch(
                Rounds,
                "pending is { Operation.Change: Change.Read, Since: null }",
                "pending is { Operation.Change.IsRead: true, Since: null }"),
            new Patch("core/Fold.cs", "Seals |= operation.Change is Change.SealedRead;", "")),
        new(
            "seal-by-prepare-only",
            "A sealed read is answered as soon as a prepare quorum has promised.",
            new Patch(Attempts, AllAgree, "AllAgree => true;")),
        new(
            "seal-by-a-quorum",
            "A sealed read is answered when a read quorum has promised and agrees.",
            new Patch(Attempts, AllAgree, "AllAgree => Promises.Agreeing >= Configuration.ReadQuorum;")),
        new(
            "seal-with-one-silent-slot",
            "A sealed read is answered when all slots but one have promised and agree.",
            new Patch(Attempts, AllAgree, "AllAgree => Promises.Agreeing >= Math.Max(1, Configuration.Slots - 1);")),
        new(
            "seal-though-one-disagrees",
            "A sealed read is answered when all slots have promised, whatever they hold.",
            new Patch(Attempts, AllAgree, "AllAgree => Promises.Count == Configuration.Slots;")),
        new(
            "seal-on-an-old-promise",
            "A sealed read is answered from the record of a promise that was given before it began.",
            new Patch(
                Rounds,
                "if (fold.NeedsAccept || fold.Seals)\n            {",
                """
                if (fold.Seals && !fold.NeedsAccept)
                {
                    End(fold);
                    Advance();
                    return;
                }

                if (fold.NeedsAccept)
                {
                """)),
        new(
            "seal-after-an-agreed-read",
            "A sealed read that began as a plain one, since nothing remembered reached its position, stays one.",
            new Patch(
                Rounds,
                "if (fold.NeedsAccept || fold.Seals)\n        {\n            BeginPrepare",
                "if (fold.NeedsAccept)\n        {\n            BeginPrepare")),
        new(
            "agreed-is-taken-for-the-highest",
            "What a minority holds is answered where a quorum agrees on something else, once a seal is given up.",
            new Patch(
                Attempts,
                "Agreeing >= quorum && Agreed.AcceptedBallot == Highest.AcceptedBallot",
                "Agreeing >= quorum")) { From = 13_000 },
        new(
            "seal-ballot-survives-a-refusal",
            "The ballot of a seal is used again after an accept with it found no quorum.",
            new Patch(Rounds, "_prepared = null; // Its ballot is used now, whatever comes of it (rule 9).", ""),
            new Patch(
                Setbacks,
                "EndAttempt();\n        _prepared = null;",
                "EndAttempt();\n        _prepared = _prepared?.Ballot == (attempt as AcceptAttempt)?.Ballot "
                    + "? _prepared : null;")),
    ];
}
