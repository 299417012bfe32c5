namespace CasPaxos.Simulation;

/// <summary>Broken acceptors, and broken hosts of acceptors.</summary>
internal static class AcceptorMutants
{
    private const string Rules = "core/Acceptor.cs";
    private const string Database = "engine/Database.cs";

    public static readonly Mutant[] All =
    [
        new(
            "promise-not-durable",
            "An acceptor that crashes forgets what it promised beyond what it accepted.",
            new Patch(
                Database,
                "_batch = null;\n        _waiting.Clear();",
                """
                _batch = null;
                _waiting.Clear();
                for (var i = 0; i < _durable.Length; i++)
                {
                    var row = _durable[i].Row;
                    _durable[i] = _durable[i] with { Row = row is null ? null : row with { Promised = row.Accepted } };
                }
                """)),
        new(
            "reply-before-durable",
            "An acceptor answers while its write is still under way.",
            new Patch(
                Database,
                "var (delay, failure) = DrawWrite();",
                "var (delay, failure) = DrawWrite(); batch.Host.Committed(batch, false);"),
            new Patch(Database, "batch.Host.Committed(batch, failure is not null);", "")),
        new(
            "failed-write-answered",
            "An acceptor answers as if its write had not failed.",
            new Patch(
                Database, "batch.Host.Committed(batch, failure is not null);", "batch.Host.Committed(batch, false);")),
        new(
            "stale-memory",
            "An activation decides from the row that it remembers; a duplicate may have written another since.",
            new Patch(
                "engine/AcceptorHost.cs",
                "private bool _busy;",
                "private bool _busy;\n    public Dictionary<int, AcceptorState> Remembered { get; } = [];"),
            new Patch(
                Database,
                "var state = _running[request.Register];",
                """
                var memory = _batch!.Host.Remembered;
                var state = memory.GetValueOrDefault(request.Register, _running[request.Register]);
                """),
            new Patch(
                Database,
                "_running[request.Register] = persist;",
                "_running[request.Register] = persist; memory[request.Register] = persist;")),
        new(
            "equal-ballot-promised",
            "An equal ballot is promised again, in a world where a restarted proposer repeats its ballots "
            + "(strict acceptors alone would stop that one).",
            new Patch(Rules, "if (request.Ballot <= winner)", "if (request.Ballot < winner)"),
            new Patch(
                Rules,
                "request.Ballot < state.Promised || request.Ballot <= state.Accepted",
                "request.Ballot < state.Promised || request.Ballot < state.Accepted"),
            ProposerMutants.RepeatedIds),
        new(
            "accept-below-promise",
            "An accept below the promise is taken, if it is above what was accepted.",
            new Patch(
                Rules,
                "request.Ballot < state.Promised || request.Ballot <= state.Accepted",
                "request.Ballot <= state.Accepted")),
        new(
            "next-promise-not-stored",
            "The promise for the proposer's next ballot is confirmed and not stored.",
            new Patch(
                Rules,
                "new AcceptorRow(promised, request.Ballot, request.Value)",
                "new AcceptorRow(request.Ballot, request.Ballot, request.Value)")),
        new(
            "promise-hides-value",
            "A promise tells nothing of what was accepted.",
            new Patch(
                Rules,
                "new AcceptorReply.Promised(row.Accepted, row.Value, state.AbsentAt)",
                "new AcceptorReply.Promised(Ballot.Zero, default)")),
        new(
            "no-fence",
            "An acceptor serves requests of configurations older than the one it knows.",
            new Patch(Rules, "if (request.Epoch < state.Epoch)", "if (request.Epoch < 0)")),
        new(
            "erase-without-floor",
            "An erased row leaves no floor.",
            new Patch(Rules, "state with { Floor = floor, Row = null,", "state with { Row = null,")),
        new(
            "floor-forgets-promise",
            "The floor is the ballot accepted last and not the promise above it (trap T-G4).",
            new Patch(
                Rules,
                "Ballot.Max(state.Floor, Ballot.Max(row.Promised, row.Accepted))",
                "Ballot.Max(state.Floor, row.Accepted)")),
        new(
            "sweep-drops-promise",
            "A row that holds only a promise is swept, and the floor does not take the promise over.",
            new Patch(
                Rules,
                "Ballot.Max(state.Floor, Ballot.Max(row.Promised, row.Accepted))",
                """
                row.Accepted.IsZero ? state.Floor : Ballot.Max(state.Floor, Ballot.Max(row.Promised, row.Accepted))
                """)),
        new(
            "erase-without-version-floor",
            "An erased tombstone leaves no version: the register begins again at version 1.",
            new Patch(Rules, "Math.Max(state.VersionFloor, request.Version)", "state.VersionFloor")),
        new(
            "promise-hides-version-floor",
            "A row that holds only a promise reports version 0 although the register was erased before.",
            new Patch(Rules, "Accepted.IsZero ? VersionFloor : 0", "Row is null ? VersionFloor : 0")),
        new(
            "erase-compares-nothing",
            "An erase removes the row whatever was accepted since (trap T-G6).",
            new Patch(Rules, "if (row.Accepted != request.Accepted)", "if (request.Epoch < 0)")),
    ];
}
