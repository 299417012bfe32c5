using System.CommandLine;
using System.Text.Json;
using CasPaxos.Registers;

namespace CasPaxos.Client;

/// <summary>Lists registers, page by page as they come.</summary>
internal static class ListCommand
{
    private const int PageRows = 1000;

    private static readonly Option<string> Prefix = new("--prefix")
    {
        Description = "Only keys that begin with it.",
        HelpName = "TEXT",
        DefaultValueFactory = _ => "",
    };

    private static readonly Option<int?> Limit = new("--limit")
    {
        Description = "Print at most so many. Default: all.",
        HelpName = "COUNT",
    };

    private static readonly Option<string?> After = new("--after")
    {
        Description = "Only keys behind this one, in the order of their bytes.",
        HelpName = "KEY",
    };

    public static Command Create()
    {
        var command = new Command(
            "list",
            "Lists the registers that exist, a line each: key, tab, ETag; control characters in keys are written as " +
            "escapes. No snapshot: each line is right on its own.")
        {
            Prefix, Limit, After,
        };
        CommandLineProgram.SetAction(command, RunAsync);
        return command;
    }

    private static async Task<int> RunAsync(CommandContext context)
    {
        var limit = context.Get(Limit) ?? int.MaxValue;
        if (limit < 1)
        {
            throw CommandFailedException.Usage("--limit is 1 or more.");
        }

        RegisterKey? after = context.Get(After) is { Length: > 0 } text ? new RegisterKey(text) : null;
        await using var service = await context.ConnectAsync();
        var listing = new Listing(context, service.Registers, context.Get(Prefix) ?? "");
        return context.Printer.Json ? await listing.JsonAsync(after, limit) : await listing.TextAsync(after, limit);
    }

    /// <summary>One listing.</summary>
    private sealed class Listing(CommandContext context, IRegisterClient registers, string prefix)
    {
        private readonly List<UnreadableRegister> _unreadable = [];
        private int _printed;
        private RegisterKey? _next;

        private int ExitCode => _unreadable.Count == 0 ? ExitCodes.Applied : ExitCodes.Failed;

        public async Task<int> TextAsync(RegisterKey? after, int limit)
        {
            await RunAsync(after, limit, page =>
            {
                foreach (var register in page.Registers)
                {
                    context.Printer.Line($"{ShellText.Escape(register.Key.Text)}\t{register.ETag}");
                }

                foreach (var (key, problem) in page.Unreadable)
                {
                    context.Printer.Note($"Register {ShellText.Quote(key.Text)} cannot be read: {problem}");
                }
            });
            if (_next is { } next)
            {
                context.Printer.Note($"More may follow: --after {ShellText.Quote(next.Text)}");
            }

            return ExitCode;
        }

        public async Task<int> JsonAsync(RegisterKey? after, int limit)
        {
            await using var json = context.Printer.Stream();
            json.WriteStartObject();
            json.WriteString("command", "list");
            json.WriteStartArray("registers");
            var (exitCode, reason) = (ExitCodes.Applied, default(string));
            try
            {
                await RunAsync(after, limit, page => Write(json, page.Registers));
                exitCode = ExitCode;
            }
#pragma warning disable CA1031 // The object was begun; whatever happens, it must be ended.
            catch (Exception failure)
#pragma warning restore CA1031
            {
                (exitCode, reason) = CommandRunner.Explain(failure, context.Interruption.Happened);
            }

            json.WriteEndArray();
            json.WriteStartArray("unreadable");
            foreach (var (key, problem) in _unreadable)
            {
                json.WriteStartObject();
                json.WriteString("key", key.Text);
                json.WriteString("problem", problem);
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteNumber("count", _printed);
            json.WriteString("next", _next?.Text);
            json.WriteString("outcome", CommandRunner.OutcomeName(exitCode));
            json.WriteNumber("exitCode", exitCode);
            if (reason is not null)
            {
                json.WriteString("reason", Redaction.Apply(reason));
                context.Printer.Note(reason);
            }

            json.WriteEndObject();
            await json.FlushAsync(CancellationToken.None);
            context.Printer.Line("");
            return exitCode;
        }

        private static void Write(Utf8JsonWriter json, IReadOnlyList<ListedRegister> page)
        {
            foreach (var register in page)
            {
                json.WriteStartObject();
                json.WriteString("key", register.Key.Text);
                json.WriteString("etag", register.ETag.ToString());
                json.WriteEndObject();
            }

            json.Flush(); // What is known is of use before the rest is.
        }

        private async Task RunAsync(RegisterKey? after, int limit, Action<RegisterPage> print)
        {
            _next = after;
            do
            {
                var query = new ListQuery(prefix) { After = _next, Limit = Math.Min(PageRows, limit - _printed) };
                using var deadline = CancellationTokenSource.CreateLinkedTokenSource(context.Token);
                deadline.CancelAfter(query.PageTime(context.Settings.Timeout) + TimeSpan.FromSeconds(1));
                var page = await registers.ListAsync(query, deadline.Token);
                print(page);
                _unreadable.AddRange(page.Unreadable);
                _printed += page.Registers.Count;
                _next = page.Next;
            }
            while (_next is not null && _printed < limit);
        }
    }
}
