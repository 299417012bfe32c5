namespace CasPaxos.Registers;

/// <summary>Makes a page of a listing of what the acceptors have.</summary>
/// <param name="withValues">Rows come with their whole values.</param>
/// <param name="quorum">How many must agree on a register.</param>
internal sealed class PageInTheMaking(bool withValues, int quorum)
{
    private readonly List<ListedRegister> _listed = [];
    private readonly List<UnreadableRegister> _unreadable = [];
    private readonly List<(RegisterKey Key, ETag Latest)> _disputed = [];

    /// <summary>
    /// Registers on which no quorum agrees, and the latest that was found of each. To be read, and then added.
    /// </summary>
    public IReadOnlyList<(RegisterKey Key, ETag Latest)> Disputed => _disputed;

    /// <summary>Takes what acceptors have of a register.</summary>
    public void Add(RegisterKey key, ScannedRow[] rows)
    {
        var latest = rows.MaxBy(row => row.AcceptedBallot);
        if (latest.AcceptedBallot.IsZero)
        {
            return; // A slot that has no row has accepted nothing either: a quorum knows of no register.
        }

        try
        {
            var found = withValues ? Whole(key, latest) : Head(key, latest);
            if (rows.Count(row => row.AcceptedBallot == latest.AcceptedBallot) >= quorum)
            {
                List(found);
            }
            else
            {
                _disputed.Add((key, found.ETag));
            }
        }
        catch (RecordFormatException failure)
        {
            Add(new UnreadableRegister(key, failure.Message));
        }
    }

    /// <summary>Takes a register that is not understood.</summary>
    public void Add(UnreadableRegister register) => _unreadable.Add(register);

    /// <summary>Takes what a read found.</summary>
    public void Add(RegisterKey key, Snapshot current) => List(new ListedRegister(key, current.ETag)
    {
        Value = withValues ? current.Payload : default,
    });

    public RegisterPage ToPage(RegisterKey? next)
    {
        // What was read came behind what was agreed on.
        if (_disputed.Count > 0)
        {
            _listed.Sort(static (left, right) => left.Key.CompareTo(right.Key));
        }

        return new RegisterPage(_listed, next) { Unreadable = _unreadable };
    }

    private void List(ListedRegister register)
    {
        if (!register.ETag.IsAbsent)
        {
            _listed.Add(register);
        }
    }

    private static ListedRegister Head(RegisterKey key, ScannedRow row)
    {
        var head = RecordCodec.DecodeHead(row.Value.Span);
        return new ListedRegister(
            key, head.DeletedAt is null ? new ETag(head.CreationId, head.Version) : ETag.Absent);
    }

    private static ListedRegister Whole(RegisterKey key, ScannedRow row)
    {
        var view = RecordCodec.Decode(row.Value).View;
        return new ListedRegister(key, view.ETag) { Value = view.Payload };
    }
}
