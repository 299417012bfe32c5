namespace CasPaxos.Checker;

/// <summary>What a check found. Closed.</summary>
public abstract record CheckResult
{
    private CheckResult()
    {
    }

    /// <summary>Every key has an order of its operations that explains every answer.</summary>
    public sealed record Linearizable : CheckResult
    {
        /// <summary>The one value.</summary>
        public static Linearizable Instance { get; } = new();
    }

    /// <summary>No order explains the answers of one key.</summary>
    /// <param name="Key">The register.</param>
    /// <param name="WindowStart">Start of the earliest of <paramref name="Operations"/>, in nanoseconds.</param>
    /// <param name="WindowEnd">End of the last answer needed to see it, in nanoseconds.</param>
    /// <param name="Operations">What remains when all that is not needed to see it is left out, by start.</param>
    /// <param name="Explanation">For people: the operations, and where every order gets stuck.</param>
    public sealed record Violation(
        string Key,
        long WindowStart,
        long WindowEnd,
        IReadOnlyList<HistoryOperation> Operations,
        string Explanation) : CheckResult
    {
        /// <summary>The explanation.</summary>
        public override string ToString() => Explanation;
    }

    /// <summary>The budget was spent before an answer was found. Callers must treat it as a failure.</summary>
    /// <param name="Key">The register.</param>
    /// <param name="Why">How much was spent, and where.</param>
    public sealed record Undecided(string Key, string Why) : CheckResult;
}

/// <summary>How much a check may spend.</summary>
/// <param name="ConfigurationsMax">
/// Configurations visited per key before <see cref="CheckResult.Undecided"/>. Default 1,000,000, some 100 MB at the
/// worst; 1 or more. A count and not a time, so that a verdict does not depend on the machine.
/// </param>
/// <param name="ExplainConfigurationsMax">
/// Configurations visited to shorten the explanation of a violation. Default 100,000; 0 explains it as it is.
/// </param>
public sealed record CheckerLimits(int ConfigurationsMax = 1_000_000, int ExplainConfigurationsMax = 100_000)
{
    /// <summary>The defaults.</summary>
    public static CheckerLimits Default { get; } = new();
}
