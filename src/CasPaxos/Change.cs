namespace CasPaxos;

/// <summary>
/// A change to a register: a deterministic function from what is there to what comes next, named and made of data only,
/// never shipped code (trap T-P16). Closed; users add theirs as <see cref="Custom"/>, by name.
/// </summary>
public abstract record Change
{
    private Change()
    {
    }

    /// <summary>True for a change that asks what is there and changes nothing.</summary>
    public bool IsRead => this is Read or SealedRead;

    /// <summary>Changes nothing and answers with what is there (the identity change).</summary>
    public sealed record Read : Change;

    /// <summary>
    /// A read for who takes over from a dead proposer (rule 20): no attempt that had the promise of a prepare quorum
    /// before the read began takes effect afterwards, unless the answer contains it. Costs one durable write at every
    /// acceptor; a <see cref="Read"/> costs none. It does not end attempts that begin later: of a proposer that was
    /// paused, or of a live one for a client that has died.
    /// </summary>
    public sealed record SealedRead : Change;

    /// <summary>Writes a payload whatever is there.</summary>
    /// <param name="Payload">The new value.</param>
    public sealed record Put(ReadOnlyMemory<byte> Payload) : Change;

    /// <summary>Writes the first payload; refused if the register exists.</summary>
    /// <param name="Payload">The new value.</param>
    public sealed record Create(ReadOnlyMemory<byte> Payload) : Change;

    /// <summary>Writes a payload if the register is still as it was seen; otherwise refused.</summary>
    /// <param name="Expected">The ETag last seen; <see cref="ETag.Absent"/> means that it must not exist.</param>
    /// <param name="Payload">The new value.</param>
    public sealed record CompareAndSwap(ETag Expected, ReadOnlyMemory<byte> Payload) : Change;

    /// <summary>Deletes the register by a tombstone (rule 15); refused if it does not exist.</summary>
    /// <param name="Expected">Refused unless this is its ETag; null deletes whatever is there.</param>
    /// <param name="At">
    /// When, in Unix milliseconds, by the caller's clock: a tombstone is erased no sooner than the longest time in
    /// which an operation may be retried after it (rule 12).
    /// </param>
    public sealed record Delete(ETag? Expected, long At) : Change;

    /// <summary>
    /// Adds to a 64-bit number written in decimal digits; an absent register counts as 0. Refused if the payload is no
    /// such number or the sum is none.
    /// </summary>
    /// <param name="By">What to add; may be negative.</param>
    public sealed record Increment(long By) : Change;

    /// <summary>Adds bytes at the end; an absent register counts as empty.</summary>
    /// <param name="Bytes">What to add.</param>
    public sealed record Append(ReadOnlyMemory<byte> Bytes) : Change;

    /// <summary>A change of the application's own, registered by name in a <see cref="ChangeCatalog"/>.</summary>
    /// <param name="Name">The registered name.</param>
    /// <param name="Arguments">What the function is given beside the register.</param>
    public sealed record Custom(string Name, ReadOnlyMemory<byte> Arguments) : Change;
}

/// <summary>Why a change was refused. The numbers are stored in records: new reasons come at the end.</summary>
public enum RefusalReason
{
    /// <summary>Create: the register exists.</summary>
    Exists,

    /// <summary>Delete: the register does not exist.</summary>
    Absent,

    /// <summary>The ETag is not the expected one.</summary>
    ETagMismatch,

    /// <summary>Increment: the payload is not a 64-bit number in decimal digits.</summary>
    NotANumber,

    /// <summary>Increment: the sum is not a 64-bit number.</summary>
    Overflow,

    /// <summary>The new value would be larger than the limit.</summary>
    TooLarge,

    /// <summary>A change of the application's own refused.</summary>
    Custom,
}

/// <summary>What a change makes of a register. Closed.</summary>
public abstract record ChangeResult
{
    private ChangeResult()
    {
    }

    /// <summary>The register gets a new payload.</summary>
    /// <param name="Payload">The new value.</param>
    public sealed record Write(ReadOnlyMemory<byte> Payload) : ChangeResult;

    /// <summary>The register is deleted.</summary>
    /// <param name="At">When, in Unix milliseconds.</param>
    public sealed record Delete(long At) : ChangeResult;

    /// <summary>The register stays as it is, and that is what was wanted.</summary>
    public sealed record Keep : ChangeResult;

    /// <summary>The register stays as it is because the change does not fit it.</summary>
    /// <param name="Reason">Why.</param>
    public sealed record Refuse(RefusalReason Reason) : ChangeResult;
}
