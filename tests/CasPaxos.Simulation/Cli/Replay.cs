namespace CasPaxos.Simulation;

/// <summary>Runs one seed again.</summary>
internal static class Replay
{
    /// <summary>Prints what a seed came to; 1 if it is a violation.</summary>
    public static int Run(long seed, Mutant? mutant, bool traced, TextWriter output)
    {
        if (mutant is not null)
        {
            var text = MutantRunner.Explain(mutant, seed);
            output.Write(text);
            return text.Contains(SeedRunner.NoViolation, StringComparison.Ordinal) ? 0 : 1;
        }

        var result = SeedRunner.Run(seed, traced);
        foreach (var line in result.Trace)
        {
            output.WriteLine(line);
        }

        if (result.IsViolation)
        {
            output.Write(SeedRunner.Explain(seed));
            return 1;
        }

        output.WriteLine($"seed {seed}: {result.History.Count} operations, {SeedRunner.NoViolation}");
        return 0;
    }
}
