using System.Buffers;
using System.Diagnostics;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace CasPaxos.Checker;

/// <content>The writing half.</content>
public static partial class History
{
    private static readonly JsonWriterOptions Readable = new()
    {
        // The lines are read by people and by this checker, never put into a web page.
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>One operation as a line of JSON, without a line feed.</summary>
    public static string Format(HistoryOperation operation)
    {
        ArgumentNullException.ThrowIfNull(operation);
        var buffer = new ArrayBufferWriter<byte>(256);
        using (var json = new Utf8JsonWriter(buffer, Readable))
        {
            json.WriteStartObject();
            json.WriteString("client", operation.Client);
            json.WriteString("key", operation.Key);
            WriteAction(json, operation.Action);
            json.WriteNumber("start", operation.Start);
            if (operation.End != HistoryOperation.NeverEnded)
            {
                json.WriteNumber("end", operation.End);
            }

            WriteOutcome(json, operation.Outcome);
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    private static void WriteAction(Utf8JsonWriter json, HistoryAction action)
    {
        json.WriteString("kind", KindOf(action));
        switch (action)
        {
            case HistoryAction.Read:
                break;
            case HistoryAction.Put put:
                json.WriteString("payload", put.Payload);
                break;
            case HistoryAction.Create create:
                json.WriteString("payload", create.Payload);
                break;
            case HistoryAction.CompareAndSwap swap:
                WriteETag(json, "expected", swap.Expected, absentAsNull: true);
                json.WriteString("payload", swap.Payload);
                break;
            case HistoryAction.Delete delete:
                WriteETag(json, "expected", delete.Expected, absentAsNull: false);
                break;
            case HistoryAction.Increment increment:
                json.WriteNumber("by", increment.By);
                break;
            case HistoryAction.Append append:
                json.WriteString("bytes", append.Bytes);
                break;
            default:
                throw new UnreachableException();
        }
    }

    internal static string KindOf(HistoryAction action) => action switch
    {
        HistoryAction.Read => "read",
        HistoryAction.Put => "put",
        HistoryAction.Create => "create",
        HistoryAction.CompareAndSwap => "cas",
        HistoryAction.Delete => "delete",
        HistoryAction.Increment => "increment",
        HistoryAction.Append => "append",
        _ => throw new UnreachableException(),
    };

    private static void WriteOutcome(Utf8JsonWriter json, HistoryOutcome outcome)
    {
        switch (outcome)
        {
            case HistoryOutcome.Applied applied:
                json.WriteString("outcome", "applied");
                if (applied.Recovered)
                {
                    json.WriteBoolean("recovered", true);
                }

                WriteETag(json, "etag", applied.ETag, absentAsNull: false);
                WriteSnapshot(json, applied.Current);
                break;
            case HistoryOutcome.Refused refused:
                json.WriteString("outcome", "refused");
                if (refused.Reason != HistoryRefusal.Unspecified)
                {
                    json.WriteString("reason", NameOf(refused.Reason));
                }

                WriteSnapshot(json, refused.Current);
                break;
            case HistoryOutcome.Unknown:
                json.WriteString("outcome", "unknown");
                break;
            case HistoryOutcome.Unavailable:
                json.WriteString("outcome", "unavailable");
                break;
            default:
                throw new UnreachableException();
        }
    }

    private static void WriteSnapshot(Utf8JsonWriter json, HistorySnapshot snapshot)
    {
        switch (snapshot)
        {
            case HistorySnapshot.NotReported:
                break;
            case HistorySnapshot.Absent:
                json.WriteString("current", "absent");
                break;
            case HistorySnapshot.Present present:
                json.WriteStartObject("current");
                WriteETag(json, "etag", present.ETag, absentAsNull: false);
                if (present.Payload is { } payload)
                {
                    json.WriteString("payload", payload);
                }

                json.WriteEndObject();
                break;
            default:
                throw new UnreachableException();
        }
    }

    private static void WriteETag(Utf8JsonWriter json, string name, HistoryETag? etag, bool absentAsNull)
    {
        if (etag is { } told)
        {
            json.WriteStartObject(name);
            json.WriteString("creation", told.CreationId);
            json.WriteNumber("version", told.Version);
            json.WriteEndObject();
        }
        else if (absentAsNull)
        {
            json.WriteNull(name);
        }
    }

    private static string NameOf(HistoryRefusal reason) => reason switch
    {
        HistoryRefusal.Exists => "exists",
        HistoryRefusal.Absent => "absent",
        HistoryRefusal.ETagMismatch => "etag-mismatch",
        HistoryRefusal.NotANumber => "not-a-number",
        HistoryRefusal.Overflow => "overflow",
        HistoryRefusal.TooLarge => "too-large",
        _ => throw new UnreachableException(),
    };
}
