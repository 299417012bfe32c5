using System.CommandLine;
using Npgsql;

namespace CasPaxos.Client;

/// <summary>Copies grain states from Orleans' ADO.NET storage into registers.</summary>
internal static class ImportCommand
{
    private const int ValueBytesLeast = 1024;
    private const int ValueBytesMost = 64 * 1024 * 1024;

    private static readonly Option<string?> From = new("--from")
    {
        Description = "The PostgreSQL database with the table OrleansStorage. CASPAXOS_IMPORT_FROM.",
        HelpName = "STRING",
    };

    private static readonly Option<string[]> State = new("--state")
    {
        Description = "Rows of the state NAME are of grains of type GRAINTYPE (account for a class AccountGrain), " +
            "whose keys are of kind string, integer, guid, integer+string or guid+string; repeatable, also with one " +
            "name for several kinds. Of texts that look like hexadecimal numbers or Guids (12, ada) the table keeps " +
            "neither zeros in front nor case: string refuses them, string-lower and string-upper take them without " +
            "such zeros and with small or capital letters.",
        HelpName = "NAME=GRAINTYPE:KEYKIND",
    };

    private static readonly Option<bool> DryRun = new("--dry-run")
    {
        Description = "Change nothing, and print a line a row: what would become of it, tab, key, tab, why.",
    };

    private static readonly Option<bool> Overwrite = new("--overwrite")
    {
        Description = "Overwrite registers that hold another state. What grains have written there since is lost.",
    };

    private static readonly Option<bool> SkipUnmapped = new("--skip-unmapped")
    {
        Description = "Rows of states that no --state names are no failure.",
    };

    private static readonly Option<bool> AnyHash = new("--any-hash")
    {
        Description = "The rows were written with another HashPicker than Orleans' default, such as " +
            "UseOrleans3CompatibleHasher. Then nothing tells whether a KEYKIND is right, and a text x from 0+x.",
    };

    private static readonly Option<string> KeyPrefix = new("--key-prefix")
    {
        Description = "The KeyPrefix of the grain storage.",
        HelpName = "TEXT",
        DefaultValueFactory = _ => "grains",
    };

    private static readonly Option<int> ValueBytesMax = new("--value-bytes-max")
    {
        Description = "The ValueBytesMax of the grain storage.",
        HelpName = "BYTES",
        DefaultValueFactory = _ => ChangeCatalog.PayloadBytesDefault,
    };

    public static Command Create()
    {
        var command = new Command(
            "import-adonet",
            "Copies grain states from the table of Orleans' ADO.NET storage into registers, as the CASPaxos grain " +
            "storage keeps them; needs --direct. Creates what is absent, leaves and reports what holds another " +
            "state. Run again it goes on where it ended. With --service-id only rows of that service. Exit code 0 " +
            "if every row is done, 2 if any is left.")
        {
            From, State, DryRun, Overwrite, SkipUnmapped, AnyHash, KeyPrefix, ValueBytesMax,
        };
        CommandLineProgram.SetAction(command, RunAsync);
        return command;
    }

    private static async Task<int> RunAsync(CommandContext context)
    {
        var mappings = StateMappings.Parse(context.Get(State) ?? [], context.Get(AnyHash));
        var settings = ReadSettings(context);
        var serviceId = context.Get(GlobalOptions.ServiceId) ?? Variable("CASPAXOS_SERVICE_ID");
        if (context.Settings is not ConnectionSettings.Direct direct)
        {
            throw CommandFailedException.Usage(
                "The states are written to the databases themselves: give each slot's by --direct.");
        }

        await using var source = OpenSource(context);
        await using var service = await DirectService.OpenAsync(
            direct, context.Token, new ChangeCatalog(settings.ValueBytesMax));
        await using var report = new ImportReport(context, settings.DryRun);
        var import = new StateImport(service.Registers, mappings, settings, report.Row);
        var (exitCode, reason) = (ExitCodes.Applied, default(string));
        try
        {
            await report.WatchAsync(
                import, import.RunAsync(new StockTable(source, serviceId).ReadAsync(context.Token), context.Token));
        }
#pragma warning disable CA1031 // What was done until then is told in any case.
        catch (Exception failure)
#pragma warning restore CA1031
        {
            (exitCode, reason) = Explain(failure, context.Interruption.Happened);
        }

        var left = import.Count(RowResult.Conflict) + import.Count(RowResult.Refused)
            + (context.Get(SkipUnmapped) ? 0 : import.Count(RowResult.Unmapped));
        exitCode = exitCode == ExitCodes.Applied && left > 0 ? ExitCodes.Refused : exitCode;
        await report.EndAsync(import, mappings, exitCode, reason);
        return exitCode;
    }

    private static ImportSettings ReadSettings(CommandContext context)
    {
        var prefix = context.Get(KeyPrefix)!;
        if (prefix.Length is 0 or > 64 || prefix.Any(letter => letter is <= ' ' or > '~' or '/' or '%'))
        {
            throw CommandFailedException.Usage("--key-prefix is 1 to 64 printable ASCII characters without / and %.");
        }

        var bytes = context.Get(ValueBytesMax);
        return bytes is >= ValueBytesLeast and <= ValueBytesMost
            ? new ImportSettings(prefix, bytes, context.Get(Overwrite), context.Get(DryRun))
            : throw CommandFailedException.Usage($"--value-bytes-max is {ValueBytesLeast} to {ValueBytesMost}.");
    }

    private static NpgsqlDataSource OpenSource(CommandContext context)
    {
        var text = context.Get(From) ?? Variable("CASPAXOS_IMPORT_FROM")
            ?? throw CommandFailedException.Usage("Say where the states are: --from, or CASPAXOS_IMPORT_FROM.");
        try
        {
            return NpgsqlDataSource.Create(text);
        }
        catch (Exception failure) when (failure is ArgumentException or FormatException)
        {
            // Not what Npgsql says of it: it may quote a password.
            throw CommandFailedException.Usage("The connection string of --from cannot be read.");
        }
    }

    private static (int ExitCode, string Reason) Explain(Exception failure, bool interrupted) => failure switch
    {
        _ when interrupted => (ExitCodes.Interrupted, "Interrupted. Run again: it goes on where it ended."),
        CommandFailedException known => (known.ExitCode, $"{known.Message} Run again: it goes on where it ended."),
        NpgsqlException => (ExitCodes.Failed, $"The states cannot be read: {CommandRunner.Sentence(failure)}"),
        _ => CommandRunner.Explain(failure, interrupted),
    };

    private static string? Variable(string name) =>
        Environment.GetEnvironmentVariable(name) is { Length: > 0 } text ? text : null;
}
