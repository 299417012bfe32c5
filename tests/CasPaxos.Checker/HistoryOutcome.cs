namespace CasPaxos.Checker;

/// <summary>What a client was told of a register's state. Closed; "absent" and "not reported" are different.</summary>
public abstract record HistorySnapshot
{
    private HistorySnapshot()
    {
    }

    /// <summary>Nothing was told; asserts nothing.</summary>
    public sealed record NotReported : HistorySnapshot
    {
        /// <summary>The one value.</summary>
        public static NotReported Instance { get; } = new();
    }

    /// <summary>The register did not exist.</summary>
    public sealed record Absent : HistorySnapshot
    {
        /// <summary>The one value.</summary>
        public static Absent Instance { get; } = new();
    }

    /// <summary>The register existed.</summary>
    /// <param name="ETag">Its ETag; null: not reported.</param>
    /// <param name="Payload">Its payload; null: not reported.</param>
    public sealed record Present(HistoryETag? ETag, string? Payload) : HistorySnapshot;
}

/// <summary>How an operation ended, as its client was told. Closed.</summary>
public abstract record HistoryOutcome
{
    private HistoryOutcome()
    {
    }

    /// <summary>It took effect exactly once, between its start and its end.</summary>
    /// <param name="ETag">
    /// Names the state that it made; for a read, that it saw; for a delete, the tombstone (the version after the last,
    /// same creation). Null: not reported.
    /// </param>
    /// <param name="Current">
    /// What the register held right after it; if <paramref name="Recovered"/>, at some moment after it took effect and
    /// before its end, so later changes may show.
    /// </param>
    /// <param name="Recovered">A retry that found itself applied by an earlier try.</param>
    public sealed record Applied(HistoryETag? ETag, HistorySnapshot Current, bool Recovered = false) : HistoryOutcome;

    /// <summary>It took no effect and never will; rightly so at a moment between its start and its end.</summary>
    /// <param name="Reason">Why.</param>
    /// <param name="Current">What was there at that moment.</param>
    public sealed record Refused(HistoryRefusal Reason, HistorySnapshot Current) : HistoryOutcome;

    /// <summary>It may take effect once, at any time after its start, also after its end; or never.</summary>
    public sealed record Unknown : HistoryOutcome
    {
        /// <summary>The one value.</summary>
        public static Unknown Instance { get; } = new();
    }

    /// <summary>It took no effect and never will; nothing was learned.</summary>
    public sealed record Unavailable : HistoryOutcome
    {
        /// <summary>The one value.</summary>
        public static Unavailable Instance { get; } = new();
    }
}

/// <summary>Why an operation was refused.</summary>
public enum HistoryRefusal
{
    /// <summary>Not told: any reason that its kind can have.</summary>
    Unspecified,

    /// <summary>The register exists.</summary>
    Exists,

    /// <summary>The register does not exist.</summary>
    Absent,

    /// <summary>The ETag is not the expected one.</summary>
    ETagMismatch,

    /// <summary>The payload is not a 64-bit number in decimal digits.</summary>
    NotANumber,

    /// <summary>The sum is not a 64-bit number.</summary>
    Overflow,

    /// <summary>The new value would be too large; the limit is not modelled, so this is judged as a read.</summary>
    TooLarge,
}
