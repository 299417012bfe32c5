using System.Collections.Immutable;

namespace CasPaxos;

/// <summary>
/// Which acceptors there are and how many of them decide (paper §2.2; flexible quorums). Immutable: an attempt keeps
/// the one that it began with (rule 10).
/// </summary>
public sealed class Configuration
{
    /// <summary>The most slots a configuration can have.</summary>
    public const int SlotsMax = 9;

    /// <summary>Describes a cluster of acceptors.</summary>
    /// <param name="clusterId">Names the cluster; written into every database of it.</param>
    /// <param name="epoch">Rises by one with every change of membership; 1 or more.</param>
    /// <param name="incarnations">
    /// For each slot, the random id written into its database when that was initialised. 1 to 9, all different: the
    /// same database twice would be counted twice.
    /// </param>
    /// <param name="prepareQuorum">How many slots must promise; 1 to the number of slots.</param>
    /// <param name="acceptQuorum">
    /// How many slots must accept; 1 to the number of slots. The two together must exceed the number of slots, so that
    /// every prepare quorum meets every accept quorum (rule 8).
    /// </param>
    /// <exception cref="ArgumentException">
    /// A number is outside its range, or the quorums need not intersect.
    /// </exception>
    public Configuration(
        Guid clusterId, long epoch, IEnumerable<Guid> incarnations, int prepareQuorum, int acceptQuorum)
    {
        ArgumentNullException.ThrowIfNull(incarnations);
        ArgumentOutOfRangeException.ThrowIfLessThan(epoch, 1);
        Incarnations = [.. incarnations];
        var slots = Incarnations.Length;
        if (slots is 0 or > SlotsMax)
        {
            throw new ArgumentException(
                $"A configuration has 1 to {SlotsMax} slots, not {slots}.", nameof(incarnations));
        }

        if (Incarnations.Distinct().Count() != slots || Incarnations.Contains(Guid.Empty))
        {
            throw new ArgumentException(
                "Every slot needs an incarnation of its own: the same acceptor must not count twice.",
                nameof(incarnations));
        }

        if (prepareQuorum < 1 || prepareQuorum > slots || acceptQuorum < 1 || acceptQuorum > slots)
        {
            throw new ArgumentException(
                $"Quorums of {slots} slots have 1 to {slots} members, not {prepareQuorum} to prepare and " +
                $"{acceptQuorum} to accept.");
        }

        if (prepareQuorum + acceptQuorum <= slots)
        {
            throw new ArgumentException(
                $"A prepare quorum of {prepareQuorum} and an accept quorum of {acceptQuorum} of {slots} slots need " +
                "not intersect: together they must exceed the number of slots.");
        }

        ClusterId = clusterId;
        Epoch = epoch;
        PrepareQuorum = prepareQuorum;
        AcceptQuorum = acceptQuorum;
    }

    /// <summary>A configuration whose quorums are both the smallest majority.</summary>
    /// <exception cref="ArgumentException">See the constructor.</exception>
    public static Configuration Majority(Guid clusterId, long epoch, IEnumerable<Guid> incarnations)
    {
        ImmutableArray<Guid> slots = [.. incarnations];
        var majority = (slots.Length / 2) + 1;
        return new Configuration(clusterId, epoch, slots, majority, majority);
    }

    /// <summary>Names the cluster.</summary>
    public Guid ClusterId { get; }

    /// <summary>Rises by one with every change of membership.</summary>
    public long Epoch { get; }

    /// <summary>For each slot, the incarnation of the database that holds it.</summary>
    public ImmutableArray<Guid> Incarnations { get; }

    /// <summary>The number of acceptor positions.</summary>
    public int Slots => Incarnations.Length;

    /// <summary>How many slots must promise.</summary>
    public int PrepareQuorum { get; }

    /// <summary>How many slots must accept.</summary>
    public int AcceptQuorum { get; }

    /// <summary>
    /// How many slots must report one and the same accepted ballot before a read may answer without writing: a set
    /// that is an accept quorum (so the value is chosen) and a prepare quorum (so nothing newer is) (rule 13).
    /// </summary>
    public int ReadQuorum => Math.Max(PrepareQuorum, AcceptQuorum);
}
