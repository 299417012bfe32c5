using System.CommandLine;

namespace CasPaxos.Simulation;

/// <summary>The command line.</summary>
internal static class SimulationCommand
{
    private static readonly Option<long> Seeds = new("--seeds")
    {
        Description = "How many seeds to run.",
        DefaultValueFactory = static _ => 1000,
    };

    private static readonly Option<long> First = new("--first")
    {
        Description = "The first seed.",
        DefaultValueFactory = static _ => 1,
    };

    private static readonly Option<long?> Seed = new("--seed") { Description = "Replay this one seed." };

    private static readonly Option<bool> Trace = new("--trace") { Description = "With --seed: print every message." };

    private static readonly Option<bool> Mutants = new("--mutants")
    {
        Description = "Break the protocol in every way that is known, and look for a seed that notices.",
    };

    private static readonly Option<string?> Mutant = new("--mutant")
    {
        Description = "One mutant by name; with --seed it is replayed, otherwise seeds are tried.",
    };

    private static readonly Option<FileInfo?> Export = new("--export")
    {
        Description = "Write all histories as JSON lines to this file, in the checker's format.",
    };

    public static RootCommand Create()
    {
        var command = new RootCommand(
            "Runs the protocol in a simulated cluster with faults, one deterministic run a seed, and judges every "
            + "history with the linearizability checker. Exits 1 on any violation, and names the seed and how to "
            + "replay it.")
        {
            Seeds, First, Seed, Trace, Mutants, Mutant, Export,
        };
        command.Validators.Add(static result =>
        {
            if (result.GetResult(Seeds) is { Implicit: false } seeds && seeds.GetValueOrDefault<long>() < 1)
            {
                result.AddError("--seeds must be 1 or more.");
            }

            if (result.GetValue(Mutant) is { } name && MutantCatalog.Find(name) is null)
            {
                var names = string.Join(", ", MutantCatalog.All.Select(mutant => mutant.Name));
                result.AddError($"There is no mutant '{name}'. There are: {names}.");
            }
        });
        command.SetAction(static result => Run(result, result.InvocationConfiguration.Output));
        return command;
    }

    private static int Run(ParseResult result, TextWriter output)
    {
        var first = result.GetValue(First);
        var mutant = result.GetValue(Mutant) is { } name ? MutantCatalog.Find(name) : null;
        if (result.GetValue(Mutants))
        {
            return MutantReport.Run(MutantCatalog.All, first, output);
        }

        if (result.GetValue(Seed) is { } seed)
        {
            return Replay.Run(seed, mutant, result.GetValue(Trace), output);
        }

        return mutant is not null
            ? MutantReport.Run([mutant], first, output)
            : CampaignReport.Run(first, result.GetValue(Seeds), result.GetValue(Export), output);
    }
}
