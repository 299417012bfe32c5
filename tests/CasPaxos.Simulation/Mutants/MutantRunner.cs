using System.Diagnostics;
using System.Globalization;
using System.Reflection;

namespace CasPaxos.Simulation;

/// <summary>What became of a mutant.</summary>
/// <param name="Mutant">Which.</param>
/// <param name="Seed">The seed that caught it; null if it survived.</param>
/// <param name="CaughtBy">How.</param>
/// <param name="Seeds">How many seeds that took.</param>
/// <param name="Elapsed">How long, compilation included.</param>
internal sealed record MutantResult(Mutant Mutant, long? Seed, string CaughtBy, long Seeds, TimeSpan Elapsed);

/// <summary>Runs mutants against seeds.</summary>
internal static class MutantRunner
{
    /// <summary>Seeds after which a mutant counts as a survivor.</summary>
    public const int SeedsMax = 40_000;

    // Seeds beyond one that only an invariant objects to, in which the checker may still object to another.
    private const int SeedsForChecker = 100;

    /// <summary>Looks for a seed that catches a mutant.</summary>
    public static MutantResult Run(Mutant mutant, long first)
    {
        var clock = Stopwatch.StartNew();
        first = Math.Max(first, mutant.From);
        var found = Call<string[]>(mutant, nameof(Campaign.FindViolation), first, SeedsMax, SeedsForChecker);
        if (found.Length == 0)
        {
            return new MutantResult(mutant, null, "survived", SeedsMax, clock.Elapsed);
        }

        var seed = long.Parse(found[0], CultureInfo.InvariantCulture);
        return new MutantResult(mutant, seed, found[1], seed - first + 1, clock.Elapsed);
    }

    /// <summary>What is wrong with a seed under a mutant, with all messages.</summary>
    public static string Explain(Mutant mutant, long seed) => Call<string>(mutant, nameof(Campaign.Explain), seed);

    private static T Call<T>(Mutant mutant, string method, params object[] arguments)
    {
        var type = MutantCompiler.Load(mutant).GetType(typeof(Campaign).FullName!)!;
        var entry = type.GetMethod(method, BindingFlags.Public | BindingFlags.Static)!;
        return (T)entry.Invoke(null, arguments)!;
    }
}
