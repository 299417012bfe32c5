using System.Text.Json;

namespace CasPaxos.Checker;

/// <content>The reading half. Strict: a field that is missing, misspelt or of another type is an error.</content>
public static partial class History
{
    private static readonly string[] Common = ["client", "key", "kind", "start", "end", "outcome"];

    /// <summary>Reads one line.</summary>
    /// <exception cref="FormatException">It is no operation.</exception>
    public static HistoryOperation Parse(string line)
    {
        ArgumentNullException.ThrowIfNull(line);
        try
        {
            using var document = JsonDocument.Parse(line);
            return ParseOperation(document.RootElement);
        }
        catch (Exception failure) when (failure is JsonException or InvalidOperationException or KeyNotFoundException)
        {
            throw new FormatException(failure.Message, failure);
        }
    }

    private static HistoryOperation ParseOperation(JsonElement json)
    {
        var known = new List<string>(Common);
        var action = ParseAction(json, known);
        var outcome = ParseOutcome(json, known);
        foreach (var field in json.EnumerateObject())
        {
            if (!known.Contains(field.Name))
            {
                throw new FormatException($"The field '{field.Name}' does not belong here.");
            }
        }

        var end = outcome is HistoryOutcome.Unknown && !json.TryGetProperty("end", out _)
            ? HistoryOperation.NeverEnded
            : Number(json, "end");
        var client = ParseClient(Required(json, "client"));
        return new(client, Text(json, "key"), action, outcome, Number(json, "start"), end);
    }

    private static string ParseClient(JsonElement client) =>
        client.ValueKind == JsonValueKind.Number ? client.GetRawText() : NotNull(client, "client");

    private static HistoryAction ParseAction(JsonElement json, List<string> known)
    {
        var kind = Text(json, "kind");
        known.AddRange(kind switch
        {
            "read" => [],
            "put" or "create" => ["payload"],
            "cas" => ["expected", "payload"],
            "delete" => ["expected"],
            "increment" => ["by"],
            "append" => ["bytes"],
            _ => throw new FormatException($"There is no kind '{kind}'."),
        });
        return kind switch
        {
            "put" => new HistoryAction.Put(Payload(json, "payload")),
            "create" => new HistoryAction.Create(Payload(json, "payload")),

            // Required, also as null: left out by mistake it would silently mean "must not exist".
            "cas" => new HistoryAction.CompareAndSwap(
                ParseETag(Required(json, "expected"), "expected"), Payload(json, "payload")),
            "delete" => new HistoryAction.Delete(OptionalETag(json, "expected")),
            "increment" => new HistoryAction.Increment(Number(json, "by")),
            "append" => new HistoryAction.Append(Payload(json, "bytes")),
            _ => HistoryAction.Read.Instance,
        };
    }

    private static HistoryOutcome ParseOutcome(JsonElement json, List<string> known)
    {
        var outcome = Text(json, "outcome");
        switch (outcome)
        {
            case "applied":
                known.AddRange(["etag", "recovered", "current"]);
                var recovered = json.TryGetProperty("recovered", out var flag) && flag.GetBoolean();
                return new HistoryOutcome.Applied(OptionalETag(json, "etag"), ParseSnapshot(json), recovered);
            case "refused":
                known.AddRange(["reason", "current"]);
                return new HistoryOutcome.Refused(ParseReason(json), ParseSnapshot(json));
            case "unknown":
                return HistoryOutcome.Unknown.Instance;
            case "unavailable":
                return HistoryOutcome.Unavailable.Instance;
            default:
                throw new FormatException($"There is no outcome '{outcome}'.");
        }
    }

    private static HistoryRefusal ParseReason(JsonElement json)
    {
        if (!json.TryGetProperty("reason", out var reason))
        {
            return HistoryRefusal.Unspecified;
        }

        return reason.GetString() switch
        {
            "exists" => HistoryRefusal.Exists,
            "absent" => HistoryRefusal.Absent,
            "etag-mismatch" => HistoryRefusal.ETagMismatch,
            "not-a-number" => HistoryRefusal.NotANumber,
            "overflow" => HistoryRefusal.Overflow,
            "too-large" => HistoryRefusal.TooLarge,
            var other => throw new FormatException($"There is no reason '{other}'."),
        };
    }

    private static HistorySnapshot ParseSnapshot(JsonElement json)
    {
        if (!json.TryGetProperty("current", out var current))
        {
            return HistorySnapshot.NotReported.Instance;
        }

        if (current.ValueKind == JsonValueKind.String)
        {
            return current.GetString() == "absent"
                ? HistorySnapshot.Absent.Instance
                : throw new FormatException("The only text that 'current' can be is \"absent\".");
        }

        foreach (var field in current.EnumerateObject())
        {
            if (field.Name is not ("etag" or "payload"))
            {
                throw new FormatException($"The field '{field.Name}' does not belong into 'current'.");
            }
        }

        return new HistorySnapshot.Present(
            OptionalETag(current, "etag"),
            current.TryGetProperty("payload", out _) ? Payload(current, "payload") : null);
    }

    private static HistoryETag? OptionalETag(JsonElement json, string name) =>
        json.TryGetProperty(name, out var etag) ? ParseETag(etag, name) : null;

    private static HistoryETag? ParseETag(JsonElement etag, string name)
    {
        if (etag.ValueKind == JsonValueKind.Null)
        {
            return null;
        }

        return etag.EnumerateObject().Count() == 2
            ? new HistoryETag(Text(etag, "creation"), Number(etag, "version"))
            : throw new FormatException($"'{name}' has two fields, 'creation' and 'version'.");
    }

    private static string Payload(JsonElement json, string name)
    {
        var text = Text(json, name);
        if (PayloadText.IsEncoded(text))
        {
            // Two texts for the same bytes would count as two payloads.
            var bytes = PayloadText.ToBytes(text);
            return PayloadText.FromBytes(bytes) == text
                ? text
                : throw new FormatException($"'{name}' has another, shorter text.");
        }

        return text;
    }

    private static JsonElement Required(JsonElement json, string name) =>
        json.TryGetProperty(name, out var value) ? value : throw new FormatException($"The field '{name}' is missing.");

    private static string Text(JsonElement json, string name) => NotNull(Required(json, name), name);

    private static string NotNull(JsonElement value, string name) =>
        value.GetString() ?? throw new FormatException($"The field '{name}' is null.");

    private static long Number(JsonElement json, string name) => Required(json, name).GetInt64();
}
