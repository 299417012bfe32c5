using System.Collections.Immutable;

namespace CasPaxos;

/// <summary>What a register stores: its version, where it descends from, a payload or a tombstone, and the ids of the
/// operations that were applied last.</summary>
/// <param name="Version">Rises by one with each change, the deleting one included.</param>
/// <param name="CreationId">Random, new with each creation; a tombstone keeps it.</param>
/// <param name="CreationVersion">The version that this creation began with; a tombstone keeps it.</param>
/// <param name="DeletedAt">For a tombstone, when it was written, in Unix milliseconds; null for a live record.</param>
/// <param name="Payload">The value; empty in a tombstone.</param>
/// <param name="Recent">The latest operations; a tombstone and what is created from it keep them (rule 12).</param>
public sealed record RegisterRecord(
    long Version,
    Guid CreationId,
    long CreationVersion,
    long? DeletedAt,
    ReadOnlyMemory<byte> Payload,
    RecentOperations Recent)
{
    /// <summary>No version is greater; far below overflow, so that no round can reach it.</summary>
    public const long VersionMax = long.MaxValue / 2;

    /// <summary>The record of a register that was never written: an absent register of version 0.</summary>
    public static readonly RegisterRecord None = new(0, Guid.Empty, 0, DeletedAt: 0, default, RecentOperations.None);

    /// <summary>
    /// What acceptors that have accepted nothing hold: an absent register at the version floor, on which a creation
    /// builds (rule 19). Written only where the absence itself must be chosen, so that an earlier accept that is still
    /// in flight cannot take effect afterwards.
    /// </summary>
    /// <param name="version">The greatest version floor of a quorum; 0 or more.</param>
    public static RegisterRecord Absent(long version) =>
        version == 0 ? None : None with { Version = version, CreationVersion = version };

    /// <summary>True for a register that does not exist: deleted and not erased yet, or <see cref="None"/>.</summary>
    public bool IsTombstone => DeletedAt is not null;

    /// <summary>Where this record stands among those of its register, tombstones included.</summary>
    public ETag Position => new(CreationId, Version);

    /// <summary>What users see of the record: a tombstone is an absent register.</summary>
    public Snapshot View => IsTombstone ? Snapshot.Absent : new(Position, Payload);

    /// <summary>
    /// True if every change since a position is shown: an operation tried first on that position, or later, and neither
    /// among the ids nor like a fingerprint, is not part of this record (rule 12).
    /// </summary>
    /// <remarks>
    /// Versions alone decide: they never restart (rule 19). A record of a lower version shows nothing. The floors of
    /// databases differ for a while, so a position may lie above what another quorum reports; an operation applied
    /// there would be applied a second time once the register has grown past that position.
    /// </remarks>
    /// <param name="since">Where the register stood before the operation was first tried.</param>
    public bool ShowsAllSince(ETag since) => since.Version >= OldestShown && since.Version <= Version;

    /// <summary>
    /// True if an operation may be part of this record though the recent ids do not show it (rule 12).
    /// </summary>
    /// <param name="id">The operation.</param>
    /// <param name="since">Where the register stood before the operation was first tried.</param>
    public bool MayHide(OperationId id, ETag since) =>
        !ShowsAllSince(since) || Recent.MayHide(id, Version - since.Version);

    /// <summary>Takes note of one round.</summary>
    /// <param name="applied">The operations that made this version and payload of the record before, in order.</param>
    /// <param name="settled">The operations that are settled without a change.</param>
    /// <param name="idsMin">Ids to keep at the least.</param>
    /// <param name="reach">Changes before those ids to show at the least.</param>
    internal RegisterRecord Remember(
        ImmutableArray<OperationId> applied, ImmutableArray<Settlement> settled, int idsMin, int reach = 0)
    {
        var recent = Recent.WithReach(Math.Max(reach, ReachAfter(applied.Length)));
        recent = applied.IsEmpty ? recent : recent.Add(applied, idsMin);
        recent = settled.IsEmpty && (applied.IsEmpty || Recent.Settled.IsEmpty)
            ? recent
            : recent.Settle(settled, Version, most: idsMin);
        return recent == Recent ? this : this with { Recent = recent };
    }

    /// <summary>
    /// Callers from far back may have gone: half as many changes are shown whenever sixteen times as many were made. If
    /// they have not gone, one of them is overtaken once more.
    /// </summary>
    private int ReachAfter(int applied)
    {
        var reach = Recent.Reach;
        var stays = reach == 0 || Version / (16L * reach) == (Version - applied) / (16L * reach);
        return stays ? reach : reach / 2;
    }

    /// <summary>The version from which on every change is shown.</summary>
    private long OldestShown => Version - Recent.Shown;
}
