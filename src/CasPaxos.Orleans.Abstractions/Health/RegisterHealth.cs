namespace CasPaxos.Orleans;

/// <summary>
/// How one use of registers in this process is: of the register service, or of a provider's own databases. The data of
/// the health check, by the name of the use.
/// </summary>
/// <param name="HasQuorum">True if enough slots serve for every operation.</param>
/// <param name="Slots">The slots, in their order; empty if nobody could be asked.</param>
/// <param name="Problem">Why nothing is known of the slots; null if it is.</param>
/// <param name="ClusterId">Names the cluster of acceptors; null if it is not known.</param>
/// <param name="Epoch">Its configuration epoch; null if it is not known.</param>
public sealed record RegisterHealth(
    bool HasQuorum,
    IReadOnlyList<SlotHealth> Slots,
    string? Problem = null,
    Guid? ClusterId = null,
    long? Epoch = null)
{
    /// <summary>True if a quorum serves and some slot does not: one more loss may stop everything.</summary>
    public bool IsDegraded => HasQuorum && Slots.Any(slot => !slot.Reachable);

    /// <summary>What is wrong, for people; empty if nothing is.</summary>
    public override string ToString() => Problem
        ?? string.Join(' ', Slots.Where(slot => !slot.Reachable).Select(slot => $"Slot {slot.Slot}: {slot.Problem}"));
}

/// <summary>One slot, as this process sees it.</summary>
/// <param name="Slot">The position in the configuration.</param>
/// <param name="Reachable">True if it serves.</param>
/// <param name="Problem">Null if it does; otherwise why not.</param>
public sealed record SlotHealth(int Slot, bool Reachable, string? Problem);
