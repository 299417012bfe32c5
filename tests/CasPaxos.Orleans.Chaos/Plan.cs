using System.Globalization;

namespace CasPaxos.Orleans.Chaos;

/// <summary>What can happen to a slot, its silo or its server; never to more than one slot at a time.</summary>
internal enum FaultKind
{
    /// <summary>The silo is killed with -9, and started again.</summary>
    KillSilo,

    /// <summary>The silo stands still, and goes on; by then the others may have declared it dead.</summary>
    PauseSilo,

    /// <summary>The server is killed with -9, and started again.</summary>
    KillServer,

    /// <summary>The server stands still, and goes on.</summary>
    PauseServer,

    /// <summary>The server answers 600 ms later.</summary>
    SlowServer,

    /// <summary>Silo and server are killed with -9, as when their machine dies, and started again.</summary>
    KillBoth,
}

/// <summary>One fault of the plan.</summary>
/// <param name="Begin">When it begins; later if what was before it is not over.</param>
/// <param name="Lasts">How long it lasts.</param>
/// <param name="Kind">What happens.</param>
/// <param name="Slot">To whom.</param>
internal sealed record Fault(TimeSpan Begin, TimeSpan Lasts, FaultKind Kind, int Slot)
{
    /// <summary>True if clients of the slot's silo are served no more.</summary>
    public bool StopsSilo => Kind is FaultKind.KillSilo or FaultKind.PauseSilo or FaultKind.KillBoth;

    /// <summary>For people.</summary>
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"{Begin.TotalSeconds,6:N1} s  {Kind,-12} {Slot}  for {Lasts.TotalSeconds:N1} s");
}

/// <summary>What happens when, by a seed alone.</summary>
internal static class Plan
{
    /// <summary>The faults of a run, in their order.</summary>
    public static IReadOnlyList<Fault> Make(int seed, TimeSpan length, int slots)
    {
        var random = new Random(seed);
        var kinds = Enum.GetValues<FaultKind>();
        var faults = new List<Fault>();
        var begin = Seconds(random, 8, 12);
        while (true)
        {
            var kind = kinds[random.Next(kinds.Length)];
            var lasts = kind == FaultKind.PauseSilo ? Seconds(random, 2, 30) : Seconds(random, 2, 10);
            var fault = new Fault(begin, lasts, kind, random.Next(slots));
            if (begin + lasts + TimeSpan.FromSeconds(10) > length)
            {
                return faults;
            }

            faults.Add(fault);
            begin += lasts + Seconds(random, 10, 18); // Time to recover, and some in which nothing is wrong.
        }
    }

    private static TimeSpan Seconds(Random random, int min, int max) =>
        TimeSpan.FromMilliseconds(random.Next(min * 1000, max * 1000));
}
