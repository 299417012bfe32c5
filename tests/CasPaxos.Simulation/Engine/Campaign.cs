namespace CasPaxos.Simulation;

/// <summary>Many seeds.</summary>
internal static class Campaign
{
    /// <summary>Runs seeds on all cores.</summary>
    /// <param name="first">The first seed.</param>
    /// <param name="count">How many.</param>
    /// <param name="violated">Told of every seed with a violation, from any thread.</param>
    /// <param name="finished">Told of every seed in no order, one at a time; null: nobody.</param>
    public static Statistics Run(
        long first, long count, Action<SeedResult> violated, Action<SeedResult>? finished = null)
    {
        var total = new Statistics();
        Parallel.For(
            first,
            first + count,
            () => new Statistics(),
            (seed, _, statistics) =>
            {
                var result = SeedRunner.Run(seed);
                statistics.Add(result.Statistics);
                if (result.IsViolation)
                {
                    violated(result);
                }

                if (finished is not null)
                {
                    lock (total)
                    {
                        finished(result);
                    }
                }

                return statistics;
            },
            statistics =>
            {
                lock (total)
                {
                    total.Add(statistics);
                }
            });
        return total;
    }

    /// <summary>
    /// Runs seeds in order until the checker objects, or only an invariant does and so many more seeds did not change
    /// that. Entry point of mutants, by reflection: names and numbers only, for their types are not ours.
    /// </summary>
    /// <returns>Seed, how it was caught, by what words; empty when it survived.</returns>
    public static string[] FindViolation(long first, int seedsMax, int moreMax)
    {
        SeedResult? found = null;
        for (var seed = first; seed < first + seedsMax; seed++)
        {
            var result = SeedRunner.Run(seed);
            if (result.Verdict is Checker.CheckResult.Violation)
            {
                found = result;
                break;
            }

            found ??= result.Breach is not null ? result : null;
            if (found is not null && seed - found.Seed >= moreMax)
            {
                break;
            }
        }

        return found is null
            ? []
            : [found.Seed.ToString(System.Globalization.CultureInfo.InvariantCulture), found.CaughtBy];
    }

    /// <summary>Entry point of mutants, by reflection: the words about one seed.</summary>
    public static string Explain(long seed) => SeedRunner.Explain(seed, linesMax: int.MaxValue);
}
