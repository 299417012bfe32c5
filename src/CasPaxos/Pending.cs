namespace CasPaxos;

/// <summary>An operation that waits for its answer.</summary>
internal sealed class Pending(long ticket, Operation operation)
{
    private Ballot _latest; // Of the accepts that may apply it, the greatest.
    private (long Version, OperationId Latest)? _followed; // A chosen record that no try is part of.

    /// <summary>The caller's name for this call; two calls may carry one operation.</summary>
    public long Ticket { get; } = ticket;

    public Operation Operation { get; } = operation;

    /// <summary>
    /// Not null once an accept that applies the operation may have reached an acceptor: where the register stood
    /// before any try of it.
    /// </summary>
    public ETag? Since { get; private set; } =
        operation.RetrySince is { } since ? Earlier(since, operation.KnownSince) : null;

    /// <summary>
    /// Where the register stood before any try of the operation; null if there is only this one, and no accept of it.
    /// </summary>
    public ETag? Origin => Since ?? Operation.KnownSince;

    /// <summary>The caller has its answer; the operation takes part in no further attempt.</summary>
    public bool Answered { get; set; }

    /// <summary>
    /// Takes note of a record that is chosen while the operation waits, if no try of it is part of the record or
    /// settled in it: whatever is chosen later in this life of the register descends from it. So many rounds of others
    /// do not overtake the operation in its own proposer's queue.
    /// </summary>
    public void Follow(RegisterRecord chosen)
    {
        if (Origin is not null
            && !MayBeHiddenIn(chosen)
            && chosen.Recent.Age(Operation.Id) is null
            && chosen.Recent.FindSettlement(Operation.Id) is null
            && chosen.Recent.Ids is [.., var latest])
        {
            _followed = (chosen.Version, latest);
        }
    }

    /// <summary>
    /// True if a try of the operation, this one or another, may be part of a record though its ids do not show it.
    /// </summary>
    /// <remarks>
    /// What was followed counts only where the record shows the very change that it ended with, and so all that came
    /// after. Its version alone would not do: the register may have been erased and written anew up to that version, by
    /// another try among others. The position that all tries began from needs no such proof: none of them is applied to
    /// a record of a lower version, in whatever life of the register. Only a single try is: its accept was built on a
    /// record that was never chosen, and it goes on from the lower version, which is its position from then on.
    /// </remarks>
    public bool MayBeHiddenIn(RegisterRecord record) =>
        Origin is { } origin
        && record.MayHide(Operation.Id, origin)
        && !(IsSingle && record.Version < origin.Version)
        && !DescendsFromFollowed(record);

    /// <summary>Nobody else tries the operation before this one is answered, nor has before.</summary>
    private bool IsSingle => Operation is { RetrySince: null, KnownSince: null };

    private bool DescendsFromFollowed(RegisterRecord record) =>
        _followed is (var version, var latest)
        && record.Recent.Age(latest) is { } age && record.Version - age == version;

    /// <summary>
    /// Remembers an accept that may have taken effect. The earliest position counts: it asks most of the ids. That is
    /// <see cref="Operation.KnownSince"/>, where it is given: the other try may have been applied to a record that this
    /// accept knows nothing of, of a lower version than the one that it was built on and that was never chosen.
    /// </summary>
    /// <param name="position">What the accept was built on.</param>
    /// <param name="ballot">The ballot of the accept.</param>
    public void MayBeAppliedSince(ETag position, Ballot ballot)
    {
        Since = Earlier(Earlier(position, Since), Operation.KnownSince);
        _latest = Ballot.Max(_latest, ballot);
    }

    /// <summary>
    /// Ends the doubt, if it can be seen that no accept of this operation was chosen, or ever will be. The ids need not
    /// reach back to its first accept any more then, but only to its next one.
    /// </summary>
    /// <remarks>
    /// Why: a read quorum has accepted <paramref name="agreed"/>. It is an accept quorum, so that ballot is chosen, and
    /// whatever is proposed above it descends from its record (paper §2.2). It is a prepare quorum, so nothing below
    /// can be chosen any more: every accept quorum has a member that refuses. And nothing below that has the operation
    /// was chosen: the record would descend from it and show the operation, as it shows all changes since before the
    /// first accept. The operation's own accepts are below; and so is a proposal that adopted one of them, as one above
    /// would have found this record or a later one in its prepare quorum. Nobody else has the operation: where others
    /// may, <see cref="Operation.KnownSince"/> stays in force, and with <see cref="Operation.RetrySince"/> there are
    /// accepts of earlier tries whose ballots are not known here, so the doubt stays.
    /// </remarks>
    /// <param name="agreed">A ballot that a read quorum reports as accepted last.</param>
    /// <param name="record">The record accepted with it.</param>
    public void Clear(Ballot agreed, RegisterRecord record)
    {
        if (agreed > _latest
            && Operation.RetrySince is null
            && Since is { } since && !record.MayHide(Operation.Id, since)
            && record.Recent.Age(Operation.Id) is null)
        {
            Since = null;
        }
    }

    /// <summary>
    /// The earlier of two positions, by version; it asks most of the ids.
    /// </summary>
    private static ETag Earlier(ETag one, ETag? other) =>
        other is { } position && position.Version <= one.Version ? position : one;
}
