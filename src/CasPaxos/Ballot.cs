using System.Globalization;

namespace CasPaxos;

/// <summary>
/// Names one proposer instance. Random and fresh for every instance, so a restarted proposer cannot repeat a ballot
/// of its former life (rule 7).
/// </summary>
/// <param name="Value">128 random bits; all zero belongs to <see cref="Ballot.Zero"/> alone.</param>
public readonly record struct ProposerId(Guid Value)
{
    /// <summary>
    /// Orders ids as the bytes of their textual form do, which is also PostgreSQL's order of <c>uuid</c>.
    /// </summary>
    public int CompareTo(ProposerId other) => Value.CompareTo(other.Value);

    /// <summary>The first eight hexadecimal digits: enough for a trace.</summary>
    public override string ToString() => Value.ToString("N", CultureInfo.InvariantCulture)[..8];
}

/// <summary>
/// Names one attempt of one proposer to change one register (paper §2.2). Totally ordered: by counter, and by proposer
/// where counters are equal. Used by one attempt, once (rule 7).
/// </summary>
/// <param name="Counter">0 only in <see cref="Zero"/>; at most <see cref="CounterMax"/>.</param>
/// <param name="Proposer">The proposer instance that owns the ballot.</param>
public readonly record struct Ballot(long Counter, ProposerId Proposer) : IComparable<Ballot>
{
    /// <summary>The greatest counter there is. Counters are refused beyond it, never wrapped.</summary>
    public const long CounterMax = long.MaxValue;

    /// <summary>Stands for "none": it loses against every ballot that an attempt can have.</summary>
    public static Ballot Zero => default;

    /// <summary>True for <see cref="Zero"/>.</summary>
    public bool IsZero => this == Zero;

    /// <summary>The ballot of the same proposer with the next counter.</summary>
    /// <exception cref="OverflowException">The counter is <see cref="CounterMax"/> already.</exception>
    public Ballot Next() => this with { Counter = checked(Counter + 1) };

    /// <summary>The greater of two ballots.</summary>
    public static Ballot Max(Ballot left, Ballot right) => left >= right ? left : right;

    /// <inheritdoc/>
    public int CompareTo(Ballot other)
    {
        // Compared, not subtracted: a difference of counters can wrap.
        var byCounter = Counter.CompareTo(other.Counter);
        return byCounter != 0 ? byCounter : Proposer.CompareTo(other.Proposer);
    }

    /// <summary>Total order, see <see cref="CompareTo"/>.</summary>
    public static bool operator <(Ballot left, Ballot right) => left.CompareTo(right) < 0;

    /// <summary>Total order, see <see cref="CompareTo"/>.</summary>
    public static bool operator >(Ballot left, Ballot right) => left.CompareTo(right) > 0;

    /// <summary>Total order, see <see cref="CompareTo"/>.</summary>
    public static bool operator <=(Ballot left, Ballot right) => left.CompareTo(right) <= 0;

    /// <summary>Total order, see <see cref="CompareTo"/>.</summary>
    public static bool operator >=(Ballot left, Ballot right) => left.CompareTo(right) >= 0;

    /// <summary>Counter and proposer, as <c>17.5f0c1a2b</c>; <c>zero</c> for <see cref="Zero"/>.</summary>
    public override string ToString() =>
        IsZero ? "zero" : string.Create(CultureInfo.InvariantCulture, $"{Counter}.{Proposer}");
}
