namespace CasPaxos;

/// <summary>One change wanted by one caller.</summary>
/// <param name="Id">Names it; the same for every retry.</param>
/// <param name="Change">What to do.</param>
/// <param name="RetrySince">
/// Null for a first try. For an operation whose outcome was unknown, what <see cref="Outcome.Unknown"/> told, where the
/// register stood before the first try, the same for all of them: the operation then looks for its own id before it is
/// tried again (rule 12). Its version decides; it is applied to no record of a lower one (rule 19).
/// </param>
/// <param name="KnownSince">
/// For a first try whose caller may try again elsewhere before this one has ended: where the register stood then, or
/// earlier. A record that does not show all changes since may hide that the other try was applied, so this one is not
/// applied to it. Null if nobody tries again before this one is answered.
/// </param>
/// <param name="Overtaken">
/// True if a try before this one was overtaken, and this one begins from where the register stood then: its caller is
/// so far away that the register moves on by more than its ids show while a call is on its way.
/// </param>
public sealed record Operation(
    OperationId Id,
    Change Change,
    ETag? RetrySince = null,
    ETag? KnownSince = null,
    bool Overtaken = false);

/// <summary>How an operation ended: exactly what is known (rule 11). Closed.</summary>
public abstract record Outcome
{
    private Outcome()
    {
    }

    /// <summary>It took effect, once, and is durable on an accept quorum. A read: this was agreed.</summary>
    /// <param name="ETag">
    /// Names the state that it made; for a read, that it saw. <see cref="ETag.Absent"/> for a recovered operation that
    /// had kept what it found, or whose register was deleted and created anew since: that state has no name any more.
    /// </param>
    /// <param name="Current">
    /// What the register holds: right after the operation, or, when <paramref name="Recovered"/>, at the time of the
    /// answer.
    /// </param>
    /// <param name="Recovered">
    /// The operation found itself applied by an earlier try; others may have changed the register since.
    /// </param>
    /// <param name="Final">
    /// True if no other try takes effect any more: always, but for a custom change that kept what is there; see
    /// <see cref="Refused"/>.
    /// </param>
    /// <param name="Created">True if the register did not exist before the operation, and did after it.</param>
    public sealed record Applied(
        ETag ETag, Snapshot Current, bool Recovered = false, bool Final = true, bool Created = false) : Outcome;

    /// <summary>
    /// It did not fit what is there, took no effect and, if <paramref name="Final"/>, never will. Not a failure of the
    /// service.
    /// </summary>
    /// <param name="Reason">Why.</param>
    /// <param name="Current">What is there, as agreed as a read.</param>
    /// <param name="Recovered">
    /// An earlier try was refused, for that reason; others may have changed the register since, even so that it would
    /// fit now.
    /// </param>
    /// <param name="Final">
    /// True if no other try takes effect any more: for a retry, as long as the register has room to say so, and where
    /// what was expected can never be again. Otherwise it holds for this try, and only who has sent another one that
    /// may still be carried out needs to know; a single try is always final.
    /// </param>
    public sealed record Refused(
        RefusalReason Reason, Snapshot Current, bool Recovered = false, bool Final = true) : Outcome;

    /// <summary>It may be applied, now or later, or never: an accept was sent and no quorum answered.</summary>
    /// <param name="Id">Retry with the same id, and <paramref name="Since"/>, to learn the truth.</param>
    /// <param name="Since">Where the register stood before the operation was first tried.</param>
    /// <param name="Reason">For people.</param>
    public sealed record Unknown(OperationId Id, ETag Since, string Reason) : Outcome;

    /// <summary>Nothing was accepted anywhere and nothing will be: no quorum could be asked in time.</summary>
    /// <param name="Reason">For people.</param>
    /// <param name="Overtaken">
    /// The register has moved further since <see cref="Operation.KnownSince"/> than it shows: worth another try from
    /// where it stands now.
    /// </param>
    /// <param name="Unreadable">
    /// What a slot holds is damaged, or of a newer version: no other try would understand it either.
    /// </param>
    public sealed record Unavailable(string Reason, bool Overtaken = false, bool Unreadable = false) : Outcome;

    /// <summary>A custom change threw (rule 14): the register is as it was, and the operation is not retried.</summary>
    /// <param name="Exception">What it threw.</param>
    public sealed record Faulted(Exception Exception) : Outcome;
}
