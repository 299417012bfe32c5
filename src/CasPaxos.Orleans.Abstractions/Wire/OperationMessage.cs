using System.Diagnostics;

namespace CasPaxos.Orleans.Wire;

/// <summary>Which change an <see cref="OperationMessage"/> carries. No default: zero is none.</summary>
internal enum ChangeKind : byte
{
    Read = 1,
    Put,
    Create,
    CompareAndSwap,
    Delete,
    Increment,
    Append,
    Custom,
    SealedRead,
}

/// <summary>An operation on its way to a register's proposer.</summary>
[GenerateSerializer, Immutable, Alias("caspaxos.Operation")]
internal sealed class OperationMessage
{
    [Id(0)]
    public ChangeKind Kind { get; init; }

    [Id(1)]
    public Guid Id { get; init; }

    /// <summary>Where the register stood before the first try; null for a first try.</summary>
    [Id(2)]
    public ETagMessage? RetrySince { get; init; }

    /// <summary>How long the caller waits.</summary>
    [Id(3)]
    public TimeSpan Timeout { get; init; }

    /// <summary>The payload, what to append, or the arguments of a custom change.</summary>
    [Id(4)]
    public byte[]? Bytes { get; init; }

    [Id(5)]
    public ETagMessage? Expected { get; init; }

    /// <summary>What to add; or when a delete was asked for, in Unix milliseconds.</summary>
    [Id(6)]
    public long Number { get; init; }

    /// <summary>The name of a custom change.</summary>
    [Id(7)]
    public string? Name { get; init; }

    /// <summary>Where the register stood before a first try that may be followed by others; null for none.</summary>
    [Id(8)]
    public ETagMessage? KnownSince { get; init; }

    /// <summary>
    /// When it was sent, in Unix milliseconds by the sender's clock: a silo that was paused does not begin what its
    /// caller gave up long ago.
    /// </summary>
    [Id(9)]
    public long SentAt { get; init; }

    /// <summary>A try before this one was overtaken.</summary>
    [Id(10)]
    public bool Overtaken { get; init; }

    public static OperationMessage From(Operation operation, TimeSpan timeout, DateTimeOffset now)
    {
        var (kind, bytes, expected, number, name) = operation.Change switch
        {
            Change.Read => (ChangeKind.Read, default(ReadOnlyMemory<byte>?), default(ETag?), 0L, default(string)),
            Change.SealedRead => (ChangeKind.SealedRead, null, null, 0, null),
            Change.Put put => (ChangeKind.Put, put.Payload, null, 0, null),
            Change.Create create => (ChangeKind.Create, create.Payload, null, 0, null),
            Change.CompareAndSwap swap => (ChangeKind.CompareAndSwap, swap.Payload, swap.Expected, 0, null),
            Change.Delete delete => (ChangeKind.Delete, null, delete.Expected, delete.At, null),
            Change.Increment increment => (ChangeKind.Increment, null, null, increment.By, null),
            Change.Append append => (ChangeKind.Append, append.Bytes, null, 0, null),
            Change.Custom custom => (ChangeKind.Custom, custom.Arguments, null, 0, custom.Name),
            _ => throw new UnreachableException(),
        };
        return new OperationMessage
        {
            Kind = kind,
            Id = operation.Id.Value,
            RetrySince = ETagMessage.From(operation.RetrySince),
            KnownSince = ETagMessage.From(operation.KnownSince),
            Overtaken = operation.Overtaken,
            Timeout = timeout,
            SentAt = now.ToUnixTimeMilliseconds(),
            Bytes = bytes is { } memory ? WireBytes.Of(memory) : null,
            Expected = ETagMessage.From(expected),
            Number = number,
            Name = name,
        };
    }

    /// <summary>The operation.</summary>
    /// <exception cref="ArgumentException">
    /// No operation can look like this: the sender is of another version.
    /// </exception>
    public Operation ToOperation() => new(
        new OperationId(Id),
        ToChange(),
        RetrySince is { } since ? since.ToETag() : null,
        KnownSince is { } known ? known.ToETag() : null,
        Overtaken);

    private Change ToChange() => Kind switch
    {
        ChangeKind.Read => new Change.Read(),
        ChangeKind.SealedRead => new Change.SealedRead(),
        ChangeKind.Put => new Change.Put(Bytes),
        ChangeKind.Create => new Change.Create(Bytes),
        ChangeKind.CompareAndSwap => new Change.CompareAndSwap(Expected?.ToETag() ?? ETag.Absent, Bytes),
        ChangeKind.Delete => new Change.Delete(Expected is { } expected ? expected.ToETag() : null, Number),
        ChangeKind.Increment => new Change.Increment(Number),
        ChangeKind.Append => new Change.Append(Bytes),
        ChangeKind.Custom => new Change.Custom(Name ?? "", Bytes),
        _ => throw new ArgumentException($"No change has the number {(int)Kind}."),
    };
}
