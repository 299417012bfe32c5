namespace CasPaxos.Simulation;

/// <summary>Messages, records and answers in a few words, for traces.</summary>
internal static class Describe
{
    public static string Request(Envelope envelope) => $"{Request(envelope.Request)} from {envelope.Sender}";

    public static string Request(AcceptorRequest request) => request switch
    {
        AcceptorRequest.Prepare prepare => $"prepare {prepare.Ballot}",
        AcceptorRequest.Accept accept => $"accept {accept.Ballot} {Value(accept.Value)}, next {accept.Next}",
        AcceptorRequest.Read => "read",
        AcceptorRequest.Erase erase => $"erase {erase.Accepted} of version {erase.Version}",
        _ => request.ToString(),
    } + $" (epoch {request.Epoch})";

    public static string Reply(Envelope envelope, AcceptorReply reply) => $"attempt {envelope.Attempt}: " + reply switch
    {
        AcceptorReply.Promised promised =>
            $"promised, has {Held(promised.AcceptedBallot, promised.Value, promised.VersionFloor)}",
        AcceptorReply.Report report => $"reports {Held(report.AcceptedBallot, report.Value, report.VersionFloor)}",
        AcceptorReply.Accepted accepted => $"accepted, promises {accepted.Promise}",
        AcceptorReply.Refused refused => $"refused for {refused.Winner}",
        _ => reply.ToString(),
    };

    public static string Value(ReadOnlyMemory<byte> value) =>
        value.IsEmpty ? "nothing" : Record(RecordCodec.Decode(value));

    public static string Record(RegisterRecord record)
    {
        var last = record.Recent.Ids.IsEmpty ? "no change" : $"{record.Recent.Ids[^1]}"[..8];
        var creation = $"{record.CreationId:N}"[..8];
        var content = record.IsTombstone ? $"absent since {record.DeletedAt}" : Payload(record.Payload);
        var settled = string.Concat(record.Recent.Settled.Select(
            settlement => $", {$"{settlement.Id}"[..8]} settled at {settlement.Version}"));
        return $"[{record.Version}-{creation} {content} by {last}{settled}]";
    }

    public static string ETag(ETag etag) => etag.IsAbsent ? "absent" : $"{etag.Version}-{etag.CreationId:N}"[..^24];

    public static string Change(Change change) => change switch
    {
        CasPaxos.Change.Put put => $"put {Payload(put.Payload)}",
        CasPaxos.Change.Create create => $"create {Payload(create.Payload)}",
        CasPaxos.Change.CompareAndSwap swap => $"swap {ETag(swap.Expected)} for {Payload(swap.Payload)}",
        CasPaxos.Change.Delete delete =>
            $"delete{(delete.Expected is { } expected ? $" {ETag(expected)}" : "")} at {delete.At}",
        CasPaxos.Change.Increment increment => $"increment by {increment.By}",
        CasPaxos.Change.Append append => $"append {Payload(append.Bytes)}",
        CasPaxos.Change.Custom custom => $"{custom.Name} {Payload(custom.Arguments)}",
        CasPaxos.Change.SealedRead => "sealed read",
        _ => "read",
    };

    public static string Outcome(Outcome outcome) => outcome switch
    {
        CasPaxos.Outcome.Applied applied =>
            $"applied{(applied.Recovered ? " before" : "")} as {ETag(applied.ETag)}, now {Snapshot(applied.Current)}",
        CasPaxos.Outcome.Refused refused => $"refused ({refused.Reason}), now {Snapshot(refused.Current)}",
        CasPaxos.Outcome.Unknown unknown => $"unknown since {ETag(unknown.Since)}: {unknown.Reason}",
        CasPaxos.Outcome.Unavailable unavailable => $"unavailable: {unavailable.Reason}",
        CasPaxos.Outcome.Faulted faulted => $"faulted: {faulted.Exception.Message}",
        _ => outcome.ToString(),
    };

    private static string Held(Ballot accepted, ReadOnlyMemory<byte> value, long versionFloor) =>
        accepted.IsZero ? $"nothing, floor at version {versionFloor}" : $"{accepted} {Value(value)}";

    private static string Snapshot(Snapshot snapshot) =>
        snapshot.Exists ? $"{ETag(snapshot.ETag)} {Payload(snapshot.Payload)}" : "absent";

    private static string Payload(ReadOnlyMemory<byte> payload) => System.Text.Encoding.UTF8.GetString(payload.Span);
}
