using System.CommandLine;
using System.Text.RegularExpressions;
using CasPaxos.Orleans;
using CasPaxos.Registers;

namespace CasPaxos.Client;

/// <summary>Runs a command, and turns whatever goes wrong into one or two lines and an exit code.</summary>
internal static partial class CommandRunner
{
    public static async Task<int> RunAsync(
        ParseResult parsed, IReadOnlyList<string> arguments, Func<CommandContext, Task<int>> command)
    {
        using var printer = new Printer { Json = parsed.GetValue(GlobalOptions.Json) };
        using var interruption = new Interruption();
        try
        {
            return await command(new CommandContext(parsed, arguments, printer, interruption));
        }
#pragma warning disable CA1031 // The last resort of the program: people get a sentence, not a stack trace.
        catch (Exception failure)
#pragma warning restore CA1031
        {
            var (exitCode, message) = Explain(failure, interruption.Happened);
            if (printer.Json)
            {
                printer.Object(json =>
                {
                    json.WriteString("command", parsed.CommandResult.Command.Name);
                    json.WriteString("outcome", OutcomeName(exitCode));
                    json.WriteNumber("exitCode", exitCode);
                    json.WriteString("reason", Redaction.Apply(message));
                });
            }

            printer.Note(message);
            return exitCode;
        }
    }

    /// <summary>The name of an exit code in JSON.</summary>
    public static string OutcomeName(int exitCode) => exitCode switch
    {
        ExitCodes.Applied => "applied",
        ExitCodes.Usage => "invalid",
        ExitCodes.Refused => "refused",
        ExitCodes.Absent => "absent",
        ExitCodes.Unavailable => "unavailable",
        ExitCodes.Unknown => "unknown",
        ExitCodes.Forbidden => "forbidden",
        ExitCodes.Interrupted => "interrupted",
        _ => "failed",
    };

    /// <summary>What a failure means. Operations on registers explain theirs before it comes to this.</summary>
    public static (int ExitCode, string Message) Explain(Exception failure, bool interrupted) => failure switch
    {
        _ when interrupted => (ExitCodes.Interrupted, "Interrupted. Nothing was changed."),
        CommandFailedException known => (known.ExitCode, known.Message),
        RegisterGrainUnavailableException or RegisterUnavailableException or AcceptorUnavailableException
            or TimeoutException or OperationCanceledException =>
            (ExitCodes.Unavailable, $"Unavailable, nothing was changed. Try again later. {Sentence(failure)}"),
        UnauthorizedAccessException => (ExitCodes.Forbidden, $"Forbidden: this did nothing. {Sentence(failure)}"),
        ArgumentException => (ExitCodes.Usage, Sentence(failure)),
        _ => (ExitCodes.Failed, $"Failed: {Sentence(failure)}"),
    };

    /// <summary>An exception's message on one line, without the name of a parameter that no user knows.</summary>
    public static string Sentence(Exception failure)
    {
        var message = LineBreaks().Replace(ParameterName().Replace(failure.Message, ""), " ").Trim();
        return message.Length > 0 ? message : failure.GetType().Name;
    }

    [GeneratedRegex(@"\s*\(Parameter '[^']*'\)")]
    private static partial Regex ParameterName();

    [GeneratedRegex(@"\s*[\r\n]+\s*")]
    private static partial Regex LineBreaks();
}
