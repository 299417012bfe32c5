using System.Diagnostics;
using CasPaxos.Orleans.Wire;

namespace CasPaxos.Orleans;

/// <summary>Which reply an <see cref="AcceptorReplyMessage"/> carries. No default: zero is none.</summary>
internal enum ReplyKind : byte
{
    Promised = 1,
    Accepted,
    Refused,
    Report,
    Erased,
    Kept,
    Fenced,

    /// <summary>Not answered; the request may have taken effect.</summary>
    Failed,

    /// <summary>Not answered; the request certainly did not and will not take effect.</summary>
    NotSent,
}

/// <summary>One reply on its way back.</summary>
[GenerateSerializer, Immutable, Alias("caspaxos.AcceptorReply")]
internal readonly record struct AcceptorReplyMessage(
    [property: Id(0)] ReplyKind Kind,
    [property: Id(1)] BallotMessage Ballot,
    [property: Id(2)] byte[]? Value,
    [property: Id(3)] string? Reason,
    [property: Id(4)] long VersionFloor = 0)
{
    public static AcceptorReplyMessage From(AcceptorReply reply) => reply switch
    {
        AcceptorReply.Promised promised => new(
            ReplyKind.Promised,
            BallotMessage.From(promised.AcceptedBallot),
            WireBytes.Of(promised.Value),
            null,
            promised.VersionFloor),
        AcceptorReply.Accepted accepted => Plain(ReplyKind.Accepted, accepted.Promise),
        AcceptorReply.Refused refused => Plain(ReplyKind.Refused, refused.Winner),
        AcceptorReply.Report report => new(
            ReplyKind.Report,
            BallotMessage.From(report.AcceptedBallot),
            WireBytes.Of(report.Value),
            null,
            report.VersionFloor),
        AcceptorReply.Erased => Plain(ReplyKind.Erased, CasPaxos.Ballot.Zero),
        AcceptorReply.Kept kept => Plain(ReplyKind.Kept, kept.AcceptedBallot),
        AcceptorReply.Fenced fenced => new(ReplyKind.Fenced, new BallotMessage(fenced.Epoch, Guid.Empty), null, null),
        AcceptorReply.Failed failed => new(
            failed.MayHaveTakenEffect ? ReplyKind.Failed : ReplyKind.NotSent, default, null, failed.Reason),
        _ => throw new UnreachableException(),
    };

    public AcceptorReply ToReply() => Kind switch
    {
        ReplyKind.Promised => new AcceptorReply.Promised(Ballot.ToBallot(), Value, VersionFloor),
        ReplyKind.Accepted => new AcceptorReply.Accepted(Ballot.ToBallot()),
        ReplyKind.Refused => new AcceptorReply.Refused(Ballot.ToBallot()),
        ReplyKind.Report => new AcceptorReply.Report(Ballot.ToBallot(), Value, VersionFloor),
        ReplyKind.Erased => new AcceptorReply.Erased(),
        ReplyKind.Kept => new AcceptorReply.Kept(Ballot.ToBallot()),
        ReplyKind.Fenced => new AcceptorReply.Fenced(Ballot.Counter),
        ReplyKind.Failed => new AcceptorReply.Failed(MayHaveTakenEffect: true, Reason ?? ""),
        ReplyKind.NotSent => new AcceptorReply.Failed(MayHaveTakenEffect: false, Reason ?? ""),
        _ => new AcceptorReply.Failed(MayHaveTakenEffect: true, $"No reply has the number {(int)Kind}."),
    };

    private static AcceptorReplyMessage Plain(ReplyKind kind, Ballot ballot) =>
        new(kind, BallotMessage.From(ballot), null, null);
}
