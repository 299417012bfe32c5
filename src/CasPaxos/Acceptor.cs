namespace CasPaxos;

/// <summary>What an acceptor has durably for one register. Written whole, never in parts (rule 4).</summary>
/// <param name="Promised">No ballot below this is accepted.</param>
/// <param name="Accepted">The ballot accepted last; zero when only a promise was given.</param>
/// <param name="Value">The value accepted with it; empty when only a promise was given.</param>
public sealed record AcceptorRow(Ballot Promised, Ballot Accepted, ReadOnlyMemory<byte> Value);

/// <summary>All that an acceptor decides from: its database's marks and one register's row.</summary>
/// <param name="Epoch">The newest configuration epoch that the database has heard of.</param>
/// <param name="Floor">The greatest ballot, promised or accepted, that the database has ever erased (rule 16).</param>
/// <param name="Row">The register's row, or null.</param>
/// <param name="VersionFloor">The greatest version of a tombstone that the database has ever erased (rule 19).</param>
public readonly record struct AcceptorState(long Epoch, Ballot Floor, AcceptorRow? Row, long VersionFloor = 0)
{
    /// <summary>
    /// The promise in force. A missing row promises the floor: it may be missing because it was erased.
    /// </summary>
    public Ballot Promised => Row?.Promised ?? Floor;

    /// <summary>The ballot accepted last; zero when none.</summary>
    public Ballot Accepted => Row?.Accepted ?? Ballot.Zero;

    /// <summary>
    /// The version floor as replies carry it: only where nothing is accepted. A row that holds only a promise must not
    /// hide the floor: the register may have been erased before that promise was given (rule 19).
    /// </summary>
    public long AbsentAt => Accepted.IsZero ? VersionFloor : 0;
}

/// <summary>A reply, and the state that must be durable before it is sent (null: nothing changed).</summary>
/// <param name="Reply">What to answer.</param>
/// <param name="Persist">What to make durable first, in one piece; null when nothing changed.</param>
public readonly record struct Decision(AcceptorReply Reply, AcceptorState? Persist = null);

/// <summary>
/// The acceptor's rules for one register (paper §2.2; rules 1, 6, 15, 16 and 19). The reference for every form of it:
/// the SQL functions are proven equal to this by random sequences run through both.
/// </summary>
public static class Acceptor
{
    /// <summary>Decides any request. Hosts persist, then reply, and decide nothing.</summary>
    public static Decision Decide(AcceptorState state, AcceptorRequest request)
    {
        ArgumentNullException.ThrowIfNull(request);

        // Fence first: a proposer with an old member list must reload it, not outbid it.
        if (request.Epoch < state.Epoch)
        {
            return new(new AcceptorReply.Fenced(state.Epoch));
        }

        var decision = request switch
        {
            AcceptorRequest.Prepare prepare => Prepare(state, prepare),
            AcceptorRequest.Accept accept => Accept(state, accept),
            AcceptorRequest.Read => Read(state),
            AcceptorRequest.Erase erase => Erase(state, erase),
            _ => throw new System.Diagnostics.UnreachableException(),
        };

        // A newer epoch is learnt durably, so that older senders are fenced from now on.
        return request.Epoch == state.Epoch
            ? decision
            : decision with { Persist = (decision.Persist ?? state) with { Epoch = request.Epoch } };
    }

    private static Decision Prepare(AcceptorState state, AcceptorRequest.Prepare request)
    {
        // Equal is refused too: a ballot names one attempt, so a second use means it was reused.
        var winner = Ballot.Max(state.Promised, state.Accepted);
        if (request.Ballot <= winner)
        {
            return new(new AcceptorReply.Refused(winner));
        }

        var row = state.Row ?? new AcceptorRow(Ballot.Zero, Ballot.Zero, default);
        return new(
            new AcceptorReply.Promised(row.Accepted, row.Value, state.AbsentAt),
            Persist: state with { Row = row with { Promised = request.Ballot } });
    }

    private static Decision Accept(AcceptorState state, AcceptorRequest.Accept request)
    {
        // The very same accept again, a repeated message: it holds already, so say so and change nothing.
        if (state.Row is { Accepted.IsZero: false } row
            && row.Accepted == request.Ballot
            && row.Value.Span.SequenceEqual(request.Value.Span))
        {
            return new(new AcceptorReply.Accepted(row.Promised));
        }

        // The ballot promised may be accepted, the ballot accepted may not: it names another value already.
        if (request.Ballot < state.Promised || request.Ballot <= state.Accepted)
        {
            return new(new AcceptorReply.Refused(Ballot.Max(state.Promised, state.Accepted)));
        }

        // Accepting raises the promise, to the proposer's next ballot where it asks for that (§2.2.1).
        var promised = Ballot.Max(request.Ballot, request.Next);
        return new(
            new AcceptorReply.Accepted(promised),
            Persist: state with { Row = new AcceptorRow(promised, request.Ballot, request.Value) });
    }

    private static Decision Read(AcceptorState state) =>
        new(new AcceptorReply.Report(state.Accepted, state.Row?.Value ?? default, state.AbsentAt));

    private static Decision Erase(AcceptorState state, AcceptorRequest.Erase request)
    {
        if (state.Row is not { } row)
        {
            return new(new AcceptorReply.Erased());
        }

        // By ballot, never by value: a second tombstone is another one (trap T-G6).
        if (row.Accepted != request.Accepted)
        {
            return new(new AcceptorReply.Kept(row.Accepted));
        }

        // What the row promised outlives it in the floor; otherwise an older ballot would be taken again (T-G4).
        var floor = Ballot.Max(state.Floor, Ballot.Max(row.Promised, row.Accepted));

        // So does the tombstone's version; otherwise a register created anew would repeat versions, and an operation
        // that was applied before could be applied again. A promise alone has no version.
        var versionFloor = row.Accepted.IsZero ? state.VersionFloor : Math.Max(state.VersionFloor, request.Version);
        return new(
            new AcceptorReply.Erased(),
            Persist: state with { Floor = floor, Row = null, VersionFloor = versionFloor });
    }
}
