namespace CasPaxos.Registers;

/// <summary>One register's request on its way to an acceptor.</summary>
/// <param name="Key">The register.</param>
/// <param name="Request">What is asked.</param>
public readonly record struct AcceptorCall(RegisterKey Key, AcceptorRequest Request);

/// <summary>
/// One acceptor: the port that joins the protocol to storage (design §3). The proposer cannot tell its implementations
/// apart. Safe for concurrent use.
/// </summary>
public interface IAcceptor
{
    /// <summary>Answers a batch of requests, each by the rule of <see cref="Acceptor.Decide"/>.</summary>
    /// <param name="batch">
    /// 1 or more calls of one <see cref="Lane"/> and one epoch. A register may occur more than once; its calls take
    /// effect in their order.
    /// </param>
    /// <param name="cancellationToken">
    /// Stops waiting. What was sent may still take effect, and the exception says so.
    /// </param>
    /// <returns>One reply a call, in the order of the batch. A positive one is durable (rule 3).</returns>
    /// <exception cref="AcceptorUnavailableException">
    /// The batch was not answered; says whether it may take effect.
    /// </exception>
    Task<IReadOnlyList<AcceptorReply>> AskAsync(IReadOnlyList<AcceptorCall> batch, CancellationToken cancellationToken);

    /// <summary>Lists what the acceptor has, in the byte order of keys.</summary>
    /// <exception cref="AcceptorUnavailableException">
    /// No answer, or the request's epoch is older than the acceptor's.
    /// </exception>
    Task<ScanPage> ScanAsync(ScanRequest request, CancellationToken cancellationToken);
}

/// <summary>Asks for a page of an acceptor's rows.</summary>
/// <param name="Epoch">Configuration epoch of the sender.</param>
/// <param name="Prefix">Only keys that begin with this text; empty for all.</param>
/// <param name="After">Only keys above this one; null to begin.</param>
/// <param name="Limit">At most so many rows; 1 to 10,000.</param>
public sealed record ScanRequest(long Epoch, string Prefix, RegisterKey? After, int Limit)
{
    /// <summary>A page with values ends behind the row with which they are so many bytes: 4 MiB.</summary>
    public const int ValueBytesMax = 4 * 1024 * 1024;

    /// <summary>Only keys up to this one; null for all.</summary>
    public RegisterKey? Through { get; init; }

    /// <summary>Rows come with their whole values.</summary>
    public bool WithValues { get; init; }
}

/// <summary>A page of an acceptor's rows.</summary>
/// <param name="Rows">In the byte order of keys.</param>
/// <param name="Complete">True when no row that was asked for lies behind the last one of this page.</param>
public sealed record ScanPage(IReadOnlyList<ScannedRow> Rows, bool Complete);

/// <summary>One row of a scan. What one acceptor has is not yet the truth about the register.</summary>
/// <param name="Key">The register.</param>
/// <param name="AcceptedBallot">What it accepted last; zero when only a promise was given.</param>
/// <param name="Value">
/// The encoded record: all of it where values were asked for, and otherwise its first <see cref="RecordHead.BytesMax"/>
/// bytes, or all of a shorter one: enough to tell a tombstone.
/// </param>
/// <param name="Promised">
/// What it has promised; not below the accepted ballot. Where nothing is accepted, tells whether the row is still as an
/// earlier scan saw it: a proposer that works on the register promises anew.
/// </param>
public readonly record struct ScannedRow(
    RegisterKey Key, Ballot AcceptedBallot, ReadOnlyMemory<byte> Value, Ballot Promised);

/// <summary>How a request may share a batch: each lane has statements of its own.</summary>
public enum Lane
{
    /// <summary>Prepare and accept: one commit for all of a batch.</summary>
    Write,

    /// <summary>Read: no commit.</summary>
    Read,

    /// <summary>Erase: excludes every writer of the database for the time of one commit.</summary>
    Erase,
}

/// <summary>An acceptor did not answer.</summary>
public sealed class AcceptorUnavailableException : Exception
{
    /// <summary>Says what happened.</summary>
    /// <param name="message">For people, without secrets.</param>
    /// <param name="mayHaveTakenEffect">False only if nothing of the batch has or ever will take effect.</param>
    /// <param name="innerException">The cause.</param>
    public AcceptorUnavailableException(string message, bool mayHaveTakenEffect, Exception? innerException = null)
        : base(message, innerException) => MayHaveTakenEffect = mayHaveTakenEffect;

    /// <summary>False only if nothing of the batch has or ever will take effect.</summary>
    public bool MayHaveTakenEffect { get; }
}
