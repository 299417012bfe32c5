using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Parsing;
using System.Text.RegularExpressions;

namespace CasPaxos.Client;

/// <summary>The command line: its commands, and what becomes of one that cannot be understood.</summary>
internal static partial class CommandLineProgram
{
    private static string[] _arguments = [];

    /// <summary>Runs the program.</summary>
    /// <returns>One of <see cref="ExitCodes"/>.</returns>
    public static async Task<int> RunAsync(string[] arguments)
    {
        _arguments = arguments;
        var root = CreateRoot();
        var parsed = root.Parse(arguments, new ParserConfiguration
        {
            ResponseFileTokenReplacer = null, // A value may begin with @.
            EnablePosixBundling = false,
        });
        if (parsed.Action is not (HelpWithExamples or CommandAction) && parsed.Errors.Count == 0)
        {
            return await parsed.InvokeAsync(); // --version
        }

        if (parsed.Action is not HelpWithExamples && FindMistake(parsed) is { } mistake)
        {
            var command = parsed.CommandResult.Command;
            var help = command is RootCommand ? "caspaxos --help" : $"caspaxos {command.Name} --help";
            await Console.Error.WriteLineAsync(Redaction.Apply($"{mistake}\nSee {help}."));
            return ExitCodes.Usage;
        }

        return await parsed.InvokeAsync(new InvocationConfiguration { ProcessTerminationTimeout = null });
    }

    /// <summary>Gives a command its body.</summary>
    public static void SetAction(Command command, Func<CommandContext, Task<int>> body) =>
        command.Action = new CommandAction(body);

    private static RootCommand CreateRoot()
    {
        var root = new RootCommand(
            "Reads and changes the registers of a CASPaxos service: linearizable values under keys, which outlive " +
            "the loss of any minority of their databases.")
        {
            OperationCommand.Get(),
            OperationCommand.OfValue(
                "put",
                "Writes a value whatever is there. Prints the new ETag.",
                value => new Change.Put(value)),
            OperationCommand.OfValue(
                "create",
                "Writes the first value; refused if the register exists. Prints the new ETag.",
                value => new Change.Create(value)),
            OperationCommand.CompareAndSwap(),
            OperationCommand.Delete(),
            OperationCommand.Increment(),
            OperationCommand.OfValue(
                "append",
                "Adds bytes at the end of a value; an absent register counts as empty. Prints the new ETag.",
                value => new Change.Append(value)),
            ListCommand.Create(),
            StatusCommand.Create(),
            ContextCommand.Create(),
            BenchCommand.Create(),
            ImportCommand.Create(),
        };
        foreach (var option in GlobalOptions.All)
        {
            root.Add(option);
        }

        root.Directives.Clear(); // A key may begin with a bracket.
        var help = root.Options.OfType<HelpOption>().Single();
        help.Action = new HelpWithExamples((HelpAction)help.Action!);
        return root;
    }

    /// <summary>What is wrong with a command line; null if nothing is. Quotes nothing that may be a secret.</summary>
    private static string? FindMistake(ParseResult parsed)
    {
        // A mistyped option must not become a key or a value.
        var unknown = parsed.Tokens.Any(token => token.Type == TokenType.DoubleDash)
            ? null
            : parsed.Tokens.FirstOrDefault(token => token.Type == TokenType.Argument && IsOption(token.Value)
                && !IsOptionValue(parsed, token));
        if (unknown is not null)
        {
            var name = unknown.Value.Split('=', ':')[0];
            return $"There is no option {name} here. For a key or a value of that kind write -- before it.";
        }

        if (parsed.CommandResult.Command is RootCommand && parsed.UnmatchedTokens.Count > 0)
        {
            return $"There is no command {parsed.UnmatchedTokens[0]}.";
        }

        return parsed.Errors.Count == 0 ? null : Readable(parsed.Errors[0].Message);
    }

    /// <summary>A message of the parser on one line, and without the names of types.</summary>
    private static string Readable(string message) =>
        LineBreaks().Replace(Types().Replace(message, type => type.Value.Contains("Double", StringComparison.Ordinal)
            ? "as a number"
            : "as a whole number"), " ").Trim();

    [GeneratedRegex(@"as expected type '[^']*'")]
    private static partial Regex Types();

    [GeneratedRegex(@"\s*[\r\n]+\s*")]
    private static partial Regex LineBreaks();

    private static bool IsOption(string word) =>
        word.Length > 1 && word[0] == '-' && (word[1] == '-' || char.IsAsciiLetter(word[1]));

    private static bool IsOptionValue(ParseResult parsed, Token token) =>
        Children(parsed.RootCommandResult).OfType<OptionResult>().Any(option => option.Tokens.Contains(token));

    private static IEnumerable<SymbolResult> Children(CommandResult command) =>
        command.Children.Concat(command.Children.OfType<CommandResult>().SelectMany(Children));

    /// <summary>Runs a command with what is common to all.</summary>
    private sealed class CommandAction(Func<CommandContext, Task<int>> body)
        : System.CommandLine.Invocation.AsynchronousCommandLineAction
    {
        public override Task<int> InvokeAsync(ParseResult parseResult, CancellationToken cancellationToken = default) =>
            CommandRunner.RunAsync(parseResult, _arguments, body);
    }
}
