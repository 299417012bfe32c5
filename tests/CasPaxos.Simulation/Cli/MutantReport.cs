using System.Diagnostics;
using System.Globalization;

namespace CasPaxos.Simulation;

/// <summary>Runs mutants and prints which seed caught each.</summary>
internal static class MutantReport
{
    /// <summary>Runs mutants; 1 if one survives.</summary>
    public static int Run(IReadOnlyList<Mutant> mutants, long first, TextWriter output)
    {
        var clock = Stopwatch.StartNew();
        foreach (var mutant in mutants)
        {
            MutantCompiler.Apply(mutant); // One that does not fit must not come to light after minutes.
        }

        var results = new MutantResult[mutants.Count];
        Parallel.For(
            0,
            mutants.Count,
            new ParallelOptions { MaxDegreeOfParallelism = Environment.ProcessorCount },
            i => results[i] = MutantRunner.Run(mutants[i], first));
        output.WriteLine($"{"mutant",-32}{"seed",8}{"seeds",8}{"seconds",9}  caught by");
        var survivors = 0;
        foreach (var result in results)
        {
            var seed = result.Seed?.ToString(CultureInfo.InvariantCulture) ?? "-";
            survivors += result.Seed is null ? 1 : 0;
            output.Write($"{result.Mutant.Name,-32}{seed,8}{result.Seeds,8}");
            output.WriteLine(string.Create(
                CultureInfo.InvariantCulture, $"{result.Elapsed.TotalSeconds,9:F1}  {result.CaughtBy}"));
        }

        output.WriteLine();
        output.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{mutants.Count} mutants, {mutants.Count - survivors} caught, {survivors} survived, "
            + $"{clock.Elapsed.TotalSeconds:F1} s. Replay one with --mutant NAME --seed SEED."));
        return survivors > 0 ? 1 : 0;
    }
}
