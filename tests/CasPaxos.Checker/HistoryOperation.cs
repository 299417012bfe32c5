namespace CasPaxos.Checker;

/// <summary>One operation as its client saw it.</summary>
/// <param name="Client">Who asked; only told back in explanations.</param>
/// <param name="Key">The register.</param>
/// <param name="Action">What was asked.</param>
/// <param name="Outcome">What was answered.</param>
/// <param name="Start">When it was asked, in nanoseconds by one clock for the whole history.</param>
/// <param name="End">
/// When it was answered, in nanoseconds by the same clock; not before <paramref name="Start"/>. One operation precedes
/// another if its end is below the other's start: equal times are concurrent. Of an operation of unknown outcome the
/// end means nothing; <see cref="NeverEnded"/> if there was none.
/// </param>
public sealed record HistoryOperation(
    string Client, string Key, HistoryAction Action, HistoryOutcome Outcome, long Start, long End)
{
    /// <summary>The end of an operation of unknown outcome that was never answered.</summary>
    public const long NeverEnded = long.MaxValue;
}

/// <summary>Names one state of one register, as a client was told.</summary>
/// <param name="CreationId">New with every creation, never used again in its key.</param>
/// <param name="Version">Rises by one with each change.</param>
public readonly record struct HistoryETag(string CreationId, long Version)
{
    /// <summary>As <c>3-0f8b</c>.</summary>
    public override string ToString() => $"{Version}-{CreationId}";
}
