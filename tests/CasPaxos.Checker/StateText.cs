using System.Diagnostics;

namespace CasPaxos.Checker;

/// <summary>Words for states, operations and obstacles.</summary>
internal sealed class StateText(KeyHistory history)
{
    private const int PayloadCharactersMax = 40;

    /// <summary>A state, as <c>3-0f8b "text"</c>; the creation id is a question mark while no answer told it.</summary>
    public string Of(in RegisterState state)
    {
        if (state.IsAbsent)
        {
            return "no register";
        }

        var payload = state.Payload == PayloadTable.Unseen
            ? history.Payloads.TextOf(state.Payload)
            : Quote(history.Payloads.TextOf(state.Payload));
        if (!history.MentionsETags)
        {
            return payload;
        }

        var creation = state.IsBound ? history.Creations[state.Creation] : "?";
        return $"{new HistoryETag(creation, state.Version)} {payload}";
    }

    /// <summary>Why an operation cannot come next.</summary>
    public static string Of(KeyOperation operation, Obstacle obstacle)
    {
        var kind = History.KindOf(operation.Source.Action);
        var outcome = Of(operation.Source.Outcome);
        var why = obstacle switch
        {
            Obstacle.None => "fits, but then an answer that is still to be placed would fit nowhere",
            Obstacle.ItExists => "needs the register to be absent, and it exists",
            Obstacle.ItIsAbsent => "needs the register to exist, and it is absent",
            Obstacle.OtherPayload => "was told another payload than it would leave or find there",
            Obstacle.OtherETag => "was told, or expects, another ETag than it would leave or find there",
            Obstacle.CreationIdReused => "was told a creation id that an earlier creation had",
            Obstacle.NotANumber => "cannot add to what is no number",
            Obstacle.WouldOverflow => "cannot add past 64 bits",
            Obstacle.RefusedWithoutReason => "had no reason to be refused",
            Obstacle.ContradictsItself => "has an answer that contradicts itself or what it wrote",
            Obstacle.BeforeItsOwnEffect => "was told a snapshot that cannot be from before its own effect",
            _ => throw new UnreachableException(),
        };
        return $"{kind}, {outcome}: {why}";
    }

    /// <summary>What was asked and answered.</summary>
    public static string Of(HistoryOperation operation) =>
        $"{Of(operation.Action)} -> {Of(operation.Outcome)}";

    private static string Of(HistoryAction action) => action switch
    {
        HistoryAction.Put put => $"put {Quote(put.Payload)}",
        HistoryAction.Create create => $"create {Quote(create.Payload)}",
        HistoryAction.CompareAndSwap { Expected: { } expected } swap => $"cas {expected} to {Quote(swap.Payload)}",
        HistoryAction.CompareAndSwap swap => $"cas absent to {Quote(swap.Payload)}",
        HistoryAction.Delete { Expected: { } expected } => $"delete {expected}",
        HistoryAction.Increment increment => Plain($"increment by {increment.By}"),
        HistoryAction.Append append => $"append {Quote(append.Bytes)}",
        _ => History.KindOf(action),
    };

    private static string Of(HistoryOutcome outcome) => outcome switch
    {
        HistoryOutcome.Applied applied =>
            (applied.Recovered ? "applied, recovered" : "applied")
            + (applied.ETag is { } etag && (applied.Current as HistorySnapshot.Present)?.ETag != etag ? $" {etag}" : "")
            + Of(applied.Current),
        HistoryOutcome.Refused refused => $"refused ({refused.Reason})" + Of(refused.Current),
        HistoryOutcome.Unknown => "unknown",
        HistoryOutcome.Unavailable => "unavailable",
        _ => throw new UnreachableException(),
    };

    private static string Of(HistorySnapshot snapshot) => snapshot switch
    {
        HistorySnapshot.Present present =>
            (present.ETag is { } etag ? $" {etag}" : "") + (present.Payload is { } payload ? $" {Quote(payload)}" : ""),
        HistorySnapshot.Absent => ", absent",
        _ => "",
    };

    private static string Quote(string payload) =>
        payload.Length <= PayloadCharactersMax
            ? $"\"{payload}\""
            : Plain($"\"{payload[..PayloadCharactersMax]}...\" ({payload.Length} characters)");

    private static string Plain(FormattableString text) => FormattableString.Invariant(text);
}
