using System.CommandLine;
using CasPaxos.Registers;

namespace CasPaxos.Client;

/// <summary>Commands that apply one operation to one register.</summary>
internal static class OperationCommand
{
    private static readonly Argument<string> Key = new("KEY")
    {
        Description = "The register: 1 to 1,024 bytes of UTF-8.",
    };

    private static readonly Option<string?> Id = new("--operation-id")
    {
        Description = "The id of the operation, a UUID: one of your own for a first try, so that you know it " +
            "whatever happens; or the one that was printed, for a retry.",
        HelpName = "ID",
    };

    private static readonly Option<string?> Since = new("--since")
    {
        Description = "Retry the operation of --operation-id, which is never applied twice: the ETag that was " +
            "printed with it.",
        HelpName = "ETAG",
    };

    /// <summary>Reads.</summary>
    public static Command Get()
    {
        var stale = new Option<bool>("--stale")
        {
            Description = "What the silo saw last, without asking a quorum: quick, and possibly old.",
        };
        var isSealed = new Option<bool>("--sealed")
        {
            Description = "To take over from a dead owner: what the answer does not show of its changes is never " +
                "applied. Costs a durable write at every slot.",
        };
        var command = new Command(
            "get", "Prints the value of a register as it is; its ETag is in --json. Linearizable.")
        {
            Key, stale, isSealed,
        };
        Run(command, async (context, key) =>
        {
            if (context.Get(stale) && context.Get(isSealed))
            {
                throw CommandFailedException.Usage(
                    "--stale asks nobody and --sealed asks all slots: give one of them.");
            }

            var operation = Fresh(context.Get(isSealed) ? new Change.SealedRead() : new Change.Read());
            await using var service = await context.ConnectAsync();
            return await ExecuteAsync(context, command.Name, key, operation, token => context.Get(stale)
                ? service.Registers.ReadPossiblyStaleAsync(key, token)
                : service.Registers.ExecuteAsync(key, operation, context.Settings.Timeout, token));
        });
        return command;
    }

    /// <summary>Changes to the value that is given: put, create and append.</summary>
    public static Command OfValue(string name, string description, Func<ReadOnlyMemory<byte>, Change> change)
    {
        var source = new ValueSource();
        var command = new Command(name, description) { Key };
        source.AddTo(command);
        RunChange(command, async context => change(await source.ReadAsync(context.Parsed, context.Token)));
        return command;
    }

    /// <summary>Compare and swap.</summary>
    public static Command CompareAndSwap()
    {
        var source = new ValueSource();
        var etag = new Option<string>("--etag")
        {
            Description = "The ETag that the register must have; absent if it must not exist.",
            HelpName = "ETAG",
            Required = true,
        };
        var command = new Command(
            "cas", "Writes a value if the register is still as it was seen. Prints the new ETag.") { Key, etag };
        source.AddTo(command);
        RunChange(command, async context =>
        {
            var expected = ParseETag(context.Get(etag)!, "--etag");
            return new Change.CompareAndSwap(expected, await source.ReadAsync(context.Parsed, context.Token));
        });
        return command;
    }

    /// <summary>Deletes.</summary>
    public static Command Delete()
    {
        var etag = new Option<string?>("--etag")
        {
            Description = "Only if the register has this ETag.",
            HelpName = "ETAG",
        };
        var command = new Command("delete", "Deletes a register.") { Key, etag };
        RunChange(command, context => Task.FromResult<Change>(new Change.Delete(
            context.Get(etag) is { } text ? ParseETag(text, "--etag") : null,
            TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds())));
        return command;
    }

    /// <summary>Adds to a number.</summary>
    public static Command Increment()
    {
        var by = new Argument<long>("BY")
        {
            Description = "What to add; may be negative.",
            DefaultValueFactory = _ => 1,
        };
        var command = new Command(
            "incr", "Adds to a number in decimal digits, and prints the sum. An absent register counts as 0.")
        {
            Key, by,
        };
        RunChange(command, context => Task.FromResult<Change>(new Change.Increment(context.Get(by))));
        return command;
    }

    private static void RunChange(Command command, Func<CommandContext, Task<Change>> read)
    {
        command.Add(Id);
        command.Add(Since);
        Run(command, async (context, key) =>
        {
            var (id, since) = ReadRetry(context);
            var operation = new Operation(id, await read(context), RetrySince: since);
            new ChangeCatalog(int.MaxValue).Validate(operation.Change); // What no cluster takes, before connecting.
            return await ExecuteAsync(context, command.Name, key, operation, async token =>
            {
                await using var service = await context.ConnectAsync();
                return (since is null ? await service.PrepareAsync(key, token) : null)
                    ?? await service.Registers.ExecuteAsync(key, operation, context.Settings.Timeout, token);
            });
        });
    }

    private static void Run(Command command, Func<CommandContext, RegisterKey, Task<int>> run) =>
        CommandLineProgram.SetAction(command, context => run(context, ParseKey(context.Get(Key))));

    private static async Task<int> ExecuteAsync(
        CommandContext context,
        string command,
        RegisterKey key,
        Operation operation,
        Func<CancellationToken, Task<Outcome>> execute)
    {
        var report = new OutcomeReport(context, command, key, operation);
        try
        {
            return report.Print(Whole(operation, await execute(context.Token)), interrupted: false);
        }
        catch (RegisterCanceledException cancelled)
        {
            return report.Print(Whole(operation, cancelled.Outcome), interrupted: true);
        }
        catch (Exception failure) when (operation.RetrySince is not null && (context.Interruption.Happened
            || failure is CommandFailedException { ExitCode: ExitCodes.Unavailable }))
        {
            var nothing = new Outcome.Unavailable(CommandRunner.Sentence(failure));
            return report.Print(Whole(operation, nothing), context.Interruption.Happened);
        }
#pragma warning disable CA1031 // A change that was sent must never be taken for one that was not.
        catch (Exception failure) when (!operation.Change.IsRead
            && failure is not (ArgumentException or UnauthorizedAccessException or OperationCanceledException
                or CommandFailedException))
#pragma warning restore CA1031
        {
            var unknown = new Outcome.Unknown(
                operation.Id, operation.RetrySince ?? ETag.Absent, CommandRunner.Sentence(failure));
            return report.Print(unknown, context.Interruption.Happened);
        }
    }

    /// <summary>
    /// That a retry did nothing says nothing of the first try, and that is what the caller asks about.
    /// </summary>
    private static Outcome Whole(Operation operation, Outcome outcome) =>
        operation.RetrySince is { } since && outcome is Outcome.Unavailable unavailable
            ? new Outcome.Unknown(operation.Id, since, unavailable.Reason)
            : outcome;

    private static (OperationId Id, ETag? Since) ReadRetry(CommandContext context)
    {
        var id = new OperationId(Guid.NewGuid());
        if (context.Get(Id) is { } text)
        {
            id = Guid.TryParse(text, out var parsed) && parsed != Guid.Empty
                ? new OperationId(parsed)
                : throw CommandFailedException.Usage($"'{text}' is no operation id: 32 hexadecimal digits are needed.");
        }
        else if (context.Get(Since) is not null)
        {
            throw CommandFailedException.Usage("--since belongs to a retry: give the --operation-id as well.");
        }

        return (id, context.Get(Since) is { } since ? ParseETag(since, "--since") : null);
    }

    private static Operation Fresh(Change change) => new(new OperationId(Guid.NewGuid()), change);

    private static RegisterKey ParseKey(string text)
    {
        try
        {
            return new RegisterKey(text);
        }
        catch (ArgumentException failure)
        {
            throw CommandFailedException.Usage(CommandRunner.Sentence(failure));
        }
    }

    private static ETag ParseETag(string text, string option) => ETag.TryParse(text, out var etag)
        ? etag
        : throw CommandFailedException.Usage(
            $"'{text}' is no ETag for {option}: one looks like 3-0f8b6d2c…, as put prints it, or is absent.");
}
