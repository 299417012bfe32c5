namespace CasPaxos.Registers;

/// <summary>Which registers to list, and what of them.</summary>
/// <param name="Prefix">Only keys that begin with this text; empty for all.</param>
public sealed record ListQuery(string Prefix)
{
    /// <summary>How many rows a page looks at when nothing else is said: 1,000.</summary>
    public const int LimitDefault = 1000;

    private static readonly TimeSpan TimePerRow = TimeSpan.FromMilliseconds(2);

    /// <summary>The <see cref="RegisterPage.Next"/> of the page before; null for the first.</summary>
    public RegisterKey? After { get; init; }

    /// <summary>Only keys up to this one, in the order of their bytes; null for all.</summary>
    public RegisterKey? Through { get; init; }

    /// <summary>Most rows to look at; 1 to <see cref="RegisterPage.Max"/>.</summary>
    public int Limit { get; init; } = LimitDefault;

    /// <summary>
    /// Registers come with their values. A page then ends sooner, with 4 MiB of them.
    /// </summary>
    public bool WithValues { get; init; }

    /// <summary>How long its page may take: longer than an operation, by what the rows may cost.</summary>
    /// <param name="timeout">What an operation may take.</param>
    internal TimeSpan PageTime(TimeSpan timeout) => timeout + (Limit * TimePerRow);

    /// <summary>Throws, naming the first property that is outside its limits.</summary>
    /// <exception cref="ArgumentException">One is.</exception>
    internal void Validate()
    {
        ArgumentNullException.ThrowIfNull(Prefix);
        ArgumentOutOfRangeException.ThrowIfLessThan(Limit, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(Limit, RegisterPage.Max);
    }
}

/// <summary>A register in a listing.</summary>
/// <param name="Key">The register.</param>
/// <param name="ETag">Names its state when it was listed.</param>
public readonly record struct ListedRegister(RegisterKey Key, ETag ETag)
{
    /// <summary>Its value then, where values were asked for; otherwise empty.</summary>
    public ReadOnlyMemory<byte> Value { get; init; }
}

/// <summary>A register that cannot be listed: damaged, or written by a newer version.</summary>
/// <param name="Key">The register.</param>
/// <param name="Problem">What is wrong with it, for people.</param>
public readonly record struct UnreadableRegister(RegisterKey Key, string Problem);

/// <summary>A page of a listing.</summary>
/// <param name="Registers">In the byte order of keys. May be short or empty although more follow.</param>
/// <param name="Next">Where the next page begins; null when there is none.</param>
public sealed record RegisterPage(IReadOnlyList<ListedRegister> Registers, RegisterKey? Next)
{
    /// <summary>The most rows of a page.</summary>
    public const int Max = 10_000;

    /// <summary>Registers of this page that are there and cannot be read, in the byte order of keys.</summary>
    public IReadOnlyList<UnreadableRegister> Unreadable { get; init; } = [];
}
