namespace CasPaxos;

/// <summary>What an acceptor can be asked about one register. Closed.</summary>
/// <param name="Epoch">Configuration epoch of the sender; acceptors fence older ones (rule 6).</param>
public abstract record AcceptorRequest(long Epoch)
{
    /// <summary>Asks for the promise to accept nothing below a ballot (paper §2.2, step 2).</summary>
    /// <param name="Epoch">Configuration epoch of the sender.</param>
    /// <param name="Ballot">Above <see cref="CasPaxos.Ballot.Zero"/>; names one attempt.</param>
    public sealed record Prepare(long Epoch, Ballot Ballot) : AcceptorRequest(Epoch);

    /// <summary>Asks to accept a value (paper §2.2, step 4), and to promise the proposer's next ballot with it
    /// (§2.2.1, the one-round-trip path).</summary>
    /// <param name="Epoch">Configuration epoch of the sender.</param>
    /// <param name="Ballot">The ballot of the attempt.</param>
    /// <param name="Value">The encoded record; opaque to acceptors.</param>
    /// <param name="Next">The ballot to promise along with it; <see cref="CasPaxos.Ballot.Zero"/> for none.</param>
    public sealed record Accept(long Epoch, Ballot Ballot, ReadOnlyMemory<byte> Value, Ballot Next)
        : AcceptorRequest(Epoch);

    /// <summary>Asks what is accepted, without writing (rule 13).</summary>
    /// <param name="Epoch">Configuration epoch of the sender.</param>
    public sealed record Read(long Epoch) : AcceptorRequest(Epoch);

    /// <summary>Asks to forget a register, if what it accepted last is still this ballot (rule 15).</summary>
    /// <param name="Epoch">Configuration epoch of the sender.</param>
    /// <param name="Accepted">
    /// The tombstone's ballot, which every acceptor must have accepted before; or
    /// <see cref="CasPaxos.Ballot.Zero"/> to forget a row that holds a promise and nothing else.
    /// </param>
    /// <param name="Version">
    /// The tombstone's version, which the database's version floor rises to (rule 19); 0 with
    /// <see cref="CasPaxos.Ballot.Zero"/>. At most <see cref="RegisterRecord.VersionMax"/>.
    /// </param>
    public sealed record Erase(long Epoch, Ballot Accepted, long Version) : AcceptorRequest(Epoch);
}

/// <summary>What an acceptor answers. Closed; no default value of it means success.</summary>
public abstract record AcceptorReply
{
    private AcceptorReply()
    {
    }

    /// <summary>The promise is durable.</summary>
    /// <param name="AcceptedBallot">What it accepted last; zero when nothing.</param>
    /// <param name="Value">The value accepted then; empty when nothing.</param>
    /// <param name="VersionFloor">
    /// Where nothing is accepted, the database's version floor (rule 19): the register is absent at it, or later.
    /// </param>
    public sealed record Promised(Ballot AcceptedBallot, ReadOnlyMemory<byte> Value, long VersionFloor = 0)
        : AcceptorReply;

    /// <summary>The value is accepted and durable.</summary>
    /// <param name="Promise">
    /// What the acceptor has promised now. The promise for the proposer's next ballot is confirmed only if it is this.
    /// </param>
    public sealed record Accepted(Ballot Promise) : AcceptorReply;

    /// <summary>A prepare or accept lost; nothing changed.</summary>
    /// <param name="Winner">The greatest ballot that the acceptor knows for the register.</param>
    public sealed record Refused(Ballot Winner) : AcceptorReply;

    /// <summary>The answer to a read, from the database in this request.</summary>
    /// <param name="AcceptedBallot">What it accepted last; zero when nothing.</param>
    /// <param name="Value">The value accepted then; empty when nothing.</param>
    /// <param name="VersionFloor">Where nothing is accepted, the database's version floor (rule 19).</param>
    public sealed record Report(Ballot AcceptedBallot, ReadOnlyMemory<byte> Value, long VersionFloor = 0)
        : AcceptorReply;

    /// <summary>The acceptor has no row for the register (any more).</summary>
    public sealed record Erased : AcceptorReply;

    /// <summary>The register was not erased: something else was accepted meanwhile.</summary>
    /// <param name="AcceptedBallot">What is accepted.</param>
    public sealed record Kept(Ballot AcceptedBallot) : AcceptorReply;

    /// <summary>The request came from an older configuration; nothing changed (rule 6).</summary>
    /// <param name="Epoch">The epoch that the acceptor knows.</param>
    public sealed record Fenced(long Epoch) : AcceptorReply;

    /// <summary>No answer of the acceptor: the connection, the server or a limit got in the way.</summary>
    /// <param name="MayHaveTakenEffect">
    /// False only if the request certainly did not and will not reach the acceptor.
    /// </param>
    /// <param name="Reason">For people: what happened, without secrets.</param>
    public sealed record Failed(bool MayHaveTakenEffect, string Reason) : AcceptorReply;
}
