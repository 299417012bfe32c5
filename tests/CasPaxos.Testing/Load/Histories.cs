using System.Diagnostics;
using CasPaxos.Checker;

namespace CasPaxos.Testing.Load;

/// <summary>Turns what a client was told into the words of the checker, which shares none with the protocol.</summary>
public static class Histories
{
    /// <summary>What was asked.</summary>
    public static HistoryAction Asked(Change change) => change switch
    {
        Change.Read or Change.SealedRead => HistoryAction.Read.Instance,
        Change.Put put => new HistoryAction.Put(Text(put.Payload)),
        Change.Create create => new HistoryAction.Create(Text(create.Payload)),
        Change.CompareAndSwap swap => new HistoryAction.CompareAndSwap(Tag(swap.Expected), Text(swap.Payload)),
        Change.Delete delete => new HistoryAction.Delete(delete.Expected is { } expected ? Tag(expected) : null),
        Change.Increment increment => new HistoryAction.Increment(increment.By),
        Change.Append append => new HistoryAction.Append(Text(append.Bytes)),
        _ => throw new ArgumentException($"The checker has no model of {change}.", nameof(change)),
    };

    /// <summary>What was answered.</summary>
    public static HistoryOutcome Answered(Outcome outcome) => outcome switch
    {
        Outcome.Applied applied =>
            new HistoryOutcome.Applied(Tag(applied.ETag), Snapshot(applied.Current), applied.Recovered),
        Outcome.Refused refused => new HistoryOutcome.Refused(
            Reason(refused.Reason),
            refused.Recovered ? HistorySnapshot.NotReported.Instance : Snapshot(refused.Current)), // As it is now.
        Outcome.Unknown => HistoryOutcome.Unknown.Instance,
        Outcome.Unavailable => HistoryOutcome.Unavailable.Instance,
        _ => throw new UnreachableException(),
    };

    private static HistoryRefusal Reason(RefusalReason reason) => reason switch
    {
        RefusalReason.Exists => HistoryRefusal.Exists,
        RefusalReason.Absent => HistoryRefusal.Absent,
        RefusalReason.ETagMismatch => HistoryRefusal.ETagMismatch,
        RefusalReason.NotANumber => HistoryRefusal.NotANumber,
        RefusalReason.Overflow => HistoryRefusal.Overflow,
        RefusalReason.TooLarge => HistoryRefusal.TooLarge,
        _ => HistoryRefusal.Unspecified,
    };

    private static HistorySnapshot Snapshot(Snapshot snapshot) => snapshot.Exists
        ? new HistorySnapshot.Present(Tag(snapshot.ETag), Text(snapshot.Payload))
        : HistorySnapshot.Absent.Instance;

    private static HistoryETag? Tag(ETag etag) =>
        etag.IsAbsent ? null : new HistoryETag(etag.CreationId.ToString("N"), etag.Version);

    private static string Text(ReadOnlyMemory<byte> bytes) => PayloadText.FromBytes(bytes.Span);
}
