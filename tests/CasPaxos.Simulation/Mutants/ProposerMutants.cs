namespace CasPaxos.Simulation;

/// <summary>Broken proposers: rounds, quorums, ballots and the one-round-trip path.</summary>
internal static class ProposerMutants
{
    private const string Rounds = "core/Proposer.Attempts.cs";
    private const string Setbacks = "core/Proposer.Setbacks.cs";
    private const string Messages = "core/Proposer.cs";
    private const string Attempts = "core/Attempt.cs";
    private const string Confirmation =
        "_configuration == configuration && _confirmed.Count >= configuration.PrepareQuorum";

    /// <summary>A host that gives a restarted proposer the id that it had, and lets it begin at 0 again.</summary>
    public static readonly Patch RepeatedIds = new(
        "engine/ProposerNode.cs",
        "new ProposerId(world.Random.NextGuid()), FirstCounter());",
        "new ProposerId(new Guid(index + 1, (short)register, 0, 0, 0, 0, 0, 0, 0, 0, 0)), 0);");

    public static readonly Mutant[] All =
    [
        new(
            "accept-quorum-one-short",
            "One acceptance less than a quorum is enough.",
            new Patch(
                Rounds,
                "var quorum = accept.Configuration.AcceptQuorum;",
                "var quorum = Math.Max(1, accept.Configuration.AcceptQuorum - 1);")),
        new(
            "prepare-quorum-one-short",
            "One promise less than a quorum is enough.",
            new Patch(
                Rounds,
                "var quorum = prepare.Configuration.PrepareQuorum;",
                "var quorum = Math.Max(1, prepare.Configuration.PrepareQuorum - 1);")),
        new(
            "errors-are-replies",
            "A failure counts as a promise of an acceptor that has nothing.",
            new Patch(
                Rounds,
                "var quorum = prepare.Configuration.PrepareQuorum;",
                """
                if (reply is AcceptorReply.Failed)
                {
                    prepare.Promises.Add(Ballot.Zero, default, 0);
                }

                var quorum = prepare.Configuration.PrepareQuorum;
                """)),
        new(
            "acceptor-counts-twice",
            "A reply that comes twice counts twice.",
            new Patch(Attempts, " && !Heard.Contains(slot)", "")),
        new(
            "foreign-reply-counts",
            "A reply to an earlier attempt counts for the one under way.",
            new Patch(Messages, "if (_attempt?.Id == attempt)", "if (_attempt is not null)")),
        new(
            "first-value-adopted",
            "Of the promised values the first to arrive is adopted and not the one with the highest ballot.",
            new Patch(Attempts, "if (accepted > Highest.AcceptedBallot)", "if (_reports.Count == 1)")),
        new(
            "one-trip-without-promise",
            "The next ballot skips its prepare although nobody was asked to promise it.",
            new Patch(Rounds, "ballot, bytes, next)", "ballot, bytes, Ballot.Zero)"),
            new Patch(Messages, Confirmation, "_configuration == configuration")),
        new(
            "prepared-ballot-used-again",
            "The ballot of an accept that found no quorum is used again.",
            new Patch(Rounds, "_prepared = null; // Its ballot is used now, whatever comes of it (rule 9).", ""),
            new Patch(Setbacks, "EndAttempt();\n        _prepared = null;", "EndAttempt();"),
            new Patch(Rounds, "_prepared = null; // The prepare outbids it.", "")),
        new(
            "prepared-before-confirmed",
            "An accept without a quorum already counts as the base of the next one.",
            new Patch(
                Setbacks,
                "EndAttempt();\n        _prepared = null;",
                """
                EndAttempt();
                _prepared = attempt is AcceptAttempt lost ? new PreparedBallot(lost) : null;
                """),
            new Patch(Messages, Confirmation, "_configuration == configuration")),
        new(
            "ballot-repeated-by-restart",
            "A restarted proposer has the id that it had and begins at 0.",
            RepeatedIds),
        new(
            "counter-goes-back",
            "A proposer whose attempt failed begins at 0 again.",
            new Patch(
                Setbacks,
                "EndAttempt();\n        _prepared = null;",
                "EndAttempt();\n        _counter = 0;\n        _prepared = null;")),
        new(
            "read-from-minority",
            "A read answers with the highest value of a prepare quorum, which a minority may hold.",
            new Patch(
                Rounds,
                "if (read.Reports.Agreeing >= configuration.ReadQuorum)",
                "if (read.Reports.Count >= configuration.PrepareQuorum)"),
            new Patch(
                Rounds, "TryFold(read.Reports, read.Reports.Agreed, ", "TryFold(read.Reports, read.Reports.Highest, ")),
        new(
            "read-quorum-too-small",
            "A read answers when an accept quorum agrees that is no prepare quorum.",
            new Patch(
                "core/Configuration.cs", "Math.Max(PrepareQuorum, AcceptQuorum)", "AcceptQuorum")),
        new(
            "answer-without-agreement",
            "A refusal is answered from promises that do not agree.",
            new Patch(
                Rounds,
                "if (!fold.NeedsAccept && !fold.Seals && isAgreed)",
                "if (!fold.NeedsAccept && !fold.Seals)")),
        new(
            "late-operations-join-read",
            "Operations that came during a read are answered from its reports.",
            new Patch(
                Rounds,
                "if (TryFold(read.Reports, read.Reports.Agreed, read.Operations, Ballot.Zero) is not { } fold)",
                """
                read.Operations.AddRange(TakeWaiting(64));
                if (TryFold(read.Reports, read.Reports.Agreed, read.Operations, Ballot.Zero) is not { } fold)
                """)),
        new(
            "late-operations-join-promises",
            "Operations that came during a prepare are answered from its promises, without an accept.",
            new Patch(
                Rounds,
                "if (TryFold(promises, promises.Highest, prepare.Operations, prepare.Ballot, isAgreed)" +
                " is not { } fold)",
                """
                prepare.Operations.AddRange(TakeWaiting(64));
                if (TryFold(promises, promises.Highest, prepare.Operations, prepare.Ballot, isAgreed) is not { } fold)
                """)),
        new(
            "configurations-mixed",
            "An attempt that prepared under one configuration accepts under the next.",
            new Patch(
                Rounds,
                "BeginAccept(prepare.Configuration, prepare.Ballot, joined)",
                "BeginAccept(_configuration, prepare.Ballot, joined)")) { From = 3_600 },
        new(
            "attempt-without-room",
            "An attempt begins before there is room for it.",
            new Patch(
                Rounds,
                """
                            AskForRoom();
                            return;
                """,
                "            AskForRoom();")),
        new(
            "room-kept-after-setback",
            "An attempt that failed keeps its room while the next one waits for its time.",
            new Patch(Setbacks, "EndAttempt();", "_attempt = null;")),
        new(
            "room-for-nobody",
            "A proposer whose callers have all given up still waits for room, and keeps it.",
            new Patch(Messages, "if (_waiting.Count == 0 && AwaitsRoom)", "if (_waiting.Count < 0 && AwaitsRoom)")),
    ];
}
