namespace CasPaxos.Checker;

/// <summary>What is asked of a register. Closed. Payloads are written as <see cref="PayloadText"/> says.</summary>
public abstract record HistoryAction
{
    private HistoryAction()
    {
    }

    /// <summary>Answers with what is there.</summary>
    public sealed record Read : HistoryAction
    {
        /// <summary>The one value, so that a simulator need not make millions.</summary>
        public static Read Instance { get; } = new();
    }

    /// <summary>Writes a payload whatever is there.</summary>
    public sealed record Put(string Payload) : HistoryAction;

    /// <summary>Writes the first payload; refused if the register exists.</summary>
    public sealed record Create(string Payload) : HistoryAction;

    /// <summary>Writes a payload if the register is as it was seen; otherwise refused.</summary>
    /// <param name="Expected">The ETag last seen; null means that the register must not exist.</param>
    /// <param name="Payload">The new value.</param>
    public sealed record CompareAndSwap(HistoryETag? Expected, string Payload) : HistoryAction;

    /// <summary>Deletes the register; refused if it is absent.</summary>
    /// <param name="Expected">Refused unless this is its ETag; null deletes whatever is there.</param>
    public sealed record Delete(HistoryETag? Expected = null) : HistoryAction;

    /// <summary>Adds to a 64-bit decimal number; an absent register counts as 0.</summary>
    public sealed record Increment(long By) : HistoryAction;

    /// <summary>Adds bytes at the end; an absent register counts as empty.</summary>
    public sealed record Append(string Bytes) : HistoryAction;
}
