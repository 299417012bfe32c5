namespace CasPaxos.Checker;

/// <summary>
/// The operations of one key, ready for the search: those with an answer by start and by end, those of unknown outcome
/// in classes of equal ones. Operations that cannot have an effect and were told nothing are left out: every
/// unavailable one, so that an effect of it that shows has no cause, and reads without an answer.
/// </summary>
internal sealed class KeyHistory
{
    public KeyHistory(
        KeyOperation[] answered, KeyOperation[][] unknown, PayloadTable payloads, List<string> creations, bool etags)
    {
        Answered = answered;
        Unknown = unknown;
        Payloads = payloads;
        Creations = creations;
        MentionsETags = etags;
        ByEnd = new int[answered.Length];
        var ends = new (long, int)[answered.Length];
        for (var place = 0; place < answered.Length; place++)
        {
            ByEnd[place] = place;
            ends[place] = (answered[place].End, place);
        }

        Array.Sort(ends, ByEnd);
    }

    /// <summary>By start.</summary>
    public KeyOperation[] Answered { get; }

    /// <summary>Places in <see cref="Answered"/>, by end.</summary>
    public int[] ByEnd { get; }

    /// <summary>
    /// Classes of operations of unknown outcome, each by start. Inside a class the earliest may always go first: all
    /// are open for ever, so whichever of them a linearization uses can be exchanged for an earlier one.
    /// </summary>
    public KeyOperation[][] Unknown { get; }

    public PayloadTable Payloads { get; }

    public IReadOnlyList<string> Creations { get; }

    /// <summary>False: no answer and no expectation has an ETag, so versions make no difference.</summary>
    public bool MentionsETags { get; }

    /// <summary>Prepares the operations of one key, given in any order.</summary>
    /// <param name="operations">All of the same key.</param>
    /// <param name="tellsApart">Numbers one by one even the payloads that no answer shows: slower, printable.</param>
    public static KeyHistory Build(IReadOnlyList<HistoryOperation> operations, bool tellsApart = false) =>
        new KeyHistoryBuilder(operations, tellsApart).Build();
}
