using System.Text;
using System.Text.Json;

namespace CasPaxos.Client;

/// <summary>Tells how an operation ended: on standard output what was asked for, on standard error the rest.</summary>
internal sealed class OutcomeReport(CommandContext context, string command, RegisterKey key, Operation operation)
{
    /// <summary>Prints it.</summary>
    /// <param name="outcome">How it ended.</param>
    /// <param name="interrupted">Ctrl-C ended the wait.</param>
    /// <returns>The exit code.</returns>
    public int Print(Outcome outcome, bool interrupted)
    {
        var said = CodeOf(outcome);
        var exitCode = interrupted ? ExitCodes.Interrupted : said;
        if (context.Printer.Json)
        {
            context.Printer.Object(json => Write(json, outcome, said, exitCode));
        }
        else if (outcome is Outcome.Applied applied && said == ExitCodes.Applied)
        {
            PrintAnswer(applied);
        }

        if (Message(outcome) is { } message)
        {
            var retry = outcome is Outcome.Unknown unknown ? Retry(unknown) : null;
            context.Printer.Note(interrupted ? $"Interrupted. {message}" : message, retry);
        }

        return exitCode;
    }

    private bool IsRead => operation.Change.IsRead;

    private int CodeOf(Outcome outcome) => outcome switch
    {
        Outcome.Applied applied => IsRead && !applied.Current.Exists ? ExitCodes.Absent : ExitCodes.Applied,
        Outcome.Refused { Reason: RefusalReason.Absent } => ExitCodes.Absent,
        Outcome.Refused => ExitCodes.Refused,
        Outcome.Unavailable => ExitCodes.Unavailable,
        Outcome.Unknown => ExitCodes.Unknown,
        _ => ExitCodes.Failed,
    };

    private void PrintAnswer(Outcome.Applied applied)
    {
        switch (operation.Change)
        {
            case Change.Read or Change.SealedRead:
                context.Printer.Raw(applied.Current.Payload);
                break;
            case Change.Increment:
                context.Printer.Line(Encoding.UTF8.GetString(applied.Current.Payload.Span));
                break;
            case Change.Delete:
                context.Printer.Line("deleted");
                break;
            default:
                context.Printer.Line(applied.ETag.ToString());
                break;
        }
    }

    private string? Message(Outcome outcome) => outcome switch
    {
        Outcome.Applied { Recovered: true } =>
            "An earlier try had applied it; others may have changed the register since.",
        Outcome.Applied applied => IsRead && !applied.Current.Exists ? $"Register '{key}' does not exist." : null,
        Outcome.Refused refused => Refusal(refused),
        Outcome.Unavailable unavailable => IsRead
            ? $"Unavailable. Try again later. {unavailable.Reason}"
            : $"Unavailable, nothing was changed. Try again later. {unavailable.Reason}",
        Outcome.Unknown unknown =>
            $"Unknown: operation {unknown.Id} may be applied to register '{key}' or not. {unknown.Reason}\n" +
            $"To learn the truth, and never apply it twice (since {unknown.Since}):",
        Outcome.Faulted faulted => $"Failed, nothing was changed: {CommandRunner.Sentence(faulted.Exception)}",
        _ => throw new System.Diagnostics.UnreachableException(),
    };

    private string Refusal(Outcome.Refused refused)
    {
        var at = refused.Current.Exists ? $"it is at ETag {refused.Current.ETag}" : "it does not exist";
        if (refused.Recovered)
        {
            return $"Refused: an earlier try was ({refused.Reason}), and so none takes effect any more; now {at}.";
        }

        return refused.Reason switch
        {
            RefusalReason.Absent => $"Register '{key}' does not exist: there is nothing to delete.",
            RefusalReason.Exists => $"Refused: register '{key}' exists; {at}.",
            RefusalReason.ETagMismatch =>
                $"Refused: register '{key}' is not as expected; {at}. Read it again, and decide.",
            RefusalReason.NotANumber => $"Refused: register '{key}' does not hold a number; {at}.",
            RefusalReason.Overflow => $"Refused: the sum is beyond 64 bits; register '{key}' stays as it is.",
            RefusalReason.TooLarge => $"Refused: the value would be over the limit; register '{key}' stays as it is.",
            _ => $"Refused by the change; register '{key}' stays as it is; {at}.",
        };
    }

    private string Retry(Outcome.Unknown unknown) => RetryCommandLine.Of(context.Arguments, command, unknown);

    private void Write(Utf8JsonWriter json, Outcome outcome, int said, int exitCode)
    {
        json.WriteString("command", command);
        json.WriteString("key", key.Text);
        json.WriteString("outcome", CommandRunner.OutcomeName(said));
        json.WriteNumber("exitCode", exitCode);
        json.WriteBoolean("interrupted", exitCode == ExitCodes.Interrupted);
        if (!IsRead)
        {
            json.WriteString("operationId", operation.Id.ToString());
        }

        switch (outcome)
        {
            case Outcome.Applied applied:
                json.WriteBoolean("recovered", applied.Recovered);
                if (!IsRead)
                {
                    json.WriteString("appliedETag", applied.ETag.ToString());
                }

                WriteCurrent(json, applied.Current, withValue: IsRead || operation.Change is Change.Increment);
                break;
            case Outcome.Refused refused:
                json.WriteBoolean("recovered", refused.Recovered);
                json.WriteString("refusal", refused.Reason.ToString());
                WriteCurrent(json, refused.Current, withValue: true);
                break;
            case Outcome.Unknown unknown:
                json.WriteString("since", unknown.Since.ToString());
                json.WriteString("reason", Redaction.Apply(unknown.Reason));
                json.WriteString("retry", Retry(unknown));
                break;
            case Outcome.Unavailable unavailable:
                json.WriteString("reason", Redaction.Apply(unavailable.Reason));
                break;
            case Outcome.Faulted faulted:
                json.WriteString("reason", Redaction.Apply(CommandRunner.Sentence(faulted.Exception)));
                break;
        }
    }

    /// <summary>What the register holds. Not what the caller has just sent: that may be a megabyte.</summary>
    private static void WriteCurrent(Utf8JsonWriter json, Snapshot current, bool withValue)
    {
        json.WriteBoolean("exists", current.Exists);
        json.WriteString("etag", current.ETag.ToString());
        json.WriteNumber("bytes", current.Payload.Length);
        if (current.Exists && withValue)
        {
            Printer.WriteValue(json, current.Payload);
        }
    }
}
