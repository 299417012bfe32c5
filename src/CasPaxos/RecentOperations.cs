using System.Buffers.Binary;
using System.Collections.Immutable;

namespace CasPaxos;

/// <summary>Names one operation of one caller; the same for every retry of it. 128 random bits.</summary>
/// <param name="Value">The bits.</param>
public readonly record struct OperationId(Guid Value)
{
    /// <summary>Sixteen bits that depend on the whole id: where they differ, the ids differ.</summary>
    internal ushort Fingerprint
    {
        get
        {
            Span<byte> bytes = stackalloc byte[16];
            Value.TryWriteBytes(bytes, bigEndian: true, out _); // The same on every machine: it is stored.
            var fingerprint = 0;
            for (; !bytes.IsEmpty; bytes = bytes[2..])
            {
                fingerprint = (fingerprint * 31) + BinaryPrimitives.ReadUInt16BigEndian(bytes);
            }

            return (ushort)(fingerprint ^ (fingerprint >> 16));
        }
    }

    /// <summary>The id as 32 hexadecimal digits.</summary>
    public override string ToString() => Value.ToString("N");
}

/// <summary>
/// Says that an operation took no effect and never will: a retry of it was refused, or kept what it found, while an
/// earlier try could still come up. Whichever try finds this is not applied any more (rule 12).
/// </summary>
/// <param name="Id">The operation.</param>
/// <param name="Version">The version at which it did not fit.</param>
/// <param name="Refusal">Why it was refused; null if it kept what was there, which was what it wanted.</param>
public readonly record struct Settlement(OperationId Id, long Version, RefusalReason? Refusal);

/// <summary>
/// The ids of a register's latest changes, oldest first, one for every version, grouped by the round that applied them
/// (rule 12). They tell a retry that it was applied before. Beside them, the operations that were settled meanwhile
/// without a change.
/// </summary>
/// <remarks>
/// Kept are the ids of the latest <see cref="RoundsMin"/> rounds, and of older ones while there are fewer than
/// <see cref="IdsMin"/>: a round that combines many operations must not push out the round that it overtook. For
/// callers so far away that the register moves on by more than that while they are on their way, fingerprints of older
/// ids are kept, as many as <see cref="Reach"/>: enough to see that an operation was not applied.
/// </remarks>
public sealed class RecentOperations
{
    /// <summary>Rounds whose ids are always kept.</summary>
    public const int RoundsMin = 4;

    /// <summary>
    /// Ids that are always kept, as far as there were so many; settings can ask for more, not for fewer.
    /// </summary>
    public const int IdsMin = 16;

    /// <summary>Fingerprints that are kept at the most; 2 bytes each.</summary>
    public const int ReachMax = 8_192;

    /// <summary>No ids.</summary>
    public static readonly RecentOperations None = new([], []);

    internal RecentOperations(ImmutableArray<OperationId> ids, ImmutableArray<int> rounds)
    {
        Ids = ids;
        Rounds = rounds;
    }

    /// <summary>
    /// The ids, oldest first. The last one made the record's version, the one before it version - 1, …
    /// </summary>
    public ImmutableArray<OperationId> Ids { get; }

    /// <summary>How many of the ids each round applied, oldest first; adds up to the number of ids.</summary>
    public ImmutableArray<int> Rounds { get; }

    /// <summary>
    /// Of the changes right before those of <see cref="Ids"/>, the <see cref="OperationId.Fingerprint"/>s, oldest
    /// first.
    /// </summary>
    public ImmutableArray<ushort> Fingerprints { get; internal init; } = [];

    /// <summary>
    /// How many fingerprints are kept, once there were so many changes: 0 unless callers come from further back than
    /// the ids show; <see cref="ReachMax"/> at most.
    /// </summary>
    public int Reach { get; internal init; }

    /// <summary>How many of the latest changes are shown, by their ids or by fingerprints.</summary>
    public int Shown => Ids.Length + Fingerprints.Length;

    /// <summary>
    /// The operations that were settled at a version from which on all changes are shown. Older ones are not needed:
    /// all tries of an operation carry one position, of a version that is not above the one at which it is settled, and
    /// none is applied where not all changes since are shown.
    /// </summary>
    public ImmutableArray<Settlement> Settled { get; internal init; } = [];

    /// <summary>The ids after one more round.</summary>
    /// <param name="round">The ids that the round applied, in order; at least one.</param>
    /// <param name="idsMin">Ids to keep at the least; <see cref="IdsMin"/> or more.</param>
    public RecentOperations Add(ImmutableArray<OperationId> round, int idsMin = IdsMin)
    {
        var dropped = 0;
        var droppedRounds = 0;
        while (Rounds.Length - droppedRounds >= RoundsMin
            && Ids.Length - dropped - Rounds[droppedRounds] + round.Length >= idsMin)
        {
            dropped += Rounds[droppedRounds++];
        }

        return new RecentOperations(
            [.. Ids.AsSpan()[dropped..], .. round], [.. Rounds.AsSpan()[droppedRounds..], round.Length])
        {
            Fingerprints = Reach == 0
                ? []
                : Latest([.. Fingerprints, .. Ids[..dropped].Select(static id => id.Fingerprint)], Reach),
            Reach = Reach,
            Settled = Settled,
        };
    }

    /// <summary>The same ids, and fingerprints of so many changes before them.</summary>
    internal RecentOperations WithReach(int reach) => reach == Reach ? this : new(Ids, Rounds)
    {
        Fingerprints = Latest(Fingerprints, reach),
        Reach = reach,
        Settled = Settled,
    };

    /// <summary>The same ids, and which operations are settled without a change.</summary>
    /// <param name="settled">More of them.</param>
    /// <param name="version">The version that the latest id made.</param>
    /// <param name="most">
    /// How many there may be: so many changes are shown, by fingerprints, that none of the rest is needed.
    /// </param>
    internal RecentOperations Settle(ImmutableArray<Settlement> settled, long version, int most)
    {
        // In the order of their versions. Those that the ids alone ask for are not too many: see Fold.
        ImmutableArray<Settlement> all = [.. Settled, .. settled];
        var oldestShown = all.Length <= most
            ? version - Shown
            : Math.Max(version - Shown, Math.Min(all[^(most + 1)].Version + 1, version - Ids.Length));
        return new RecentOperations(Ids, Rounds)
        {
            Fingerprints = Latest(Fingerprints, (int)(version - Ids.Length - oldestShown)),
            Reach = Reach,
            Settled = [.. all.Where(one => one.Version >= oldestShown)],
        };
    }

    /// <summary>
    /// How many fingerprints to keep for callers who come from so many changes back: twice as many as that, so that
    /// they suffice for a while; none if that is too far to be helped.
    /// </summary>
    internal static int ReachFor(long changes) =>
        changes is < 0 or > ReachMax ? 0 : (int)Math.Min(ReachMax, 2 * changes);

    /// <summary>True if one of the latest changes may be an operation that is not among the ids.</summary>
    /// <param name="id">The operation.</param>
    /// <param name="changes">How many of the changes count; <see cref="Shown"/> at most.</param>
    internal bool MayHide(OperationId id, long changes) =>
        changes > Ids.Length && Fingerprints.AsSpan()[^(int)(changes - Ids.Length)..].Contains(id.Fingerprint);

    /// <summary>How many of the operations were settled at a version or later.</summary>
    internal int SettledSince(long version) => Settled.Count(settlement => settlement.Version >= version);

    private static ImmutableArray<ushort> Latest(ImmutableArray<ushort> fingerprints, int most) =>
        fingerprints.Length <= most ? fingerprints : [.. fingerprints.AsSpan()[^most..]];

    /// <summary>
    /// How many changes ago an operation was applied: 0 for the latest; null when it is not among them.
    /// </summary>
    public int? Age(OperationId id)
    {
        var index = Ids.LastIndexOf(id);
        return index < 0 ? null : Ids.Length - 1 - index;
    }

    /// <summary>What was settled of an operation; null if nothing was.</summary>
    public Settlement? FindSettlement(OperationId id)
    {
        foreach (var settlement in Settled)
        {
            if (settlement.Id == id)
            {
                return settlement;
            }
        }

        return null;
    }
}
