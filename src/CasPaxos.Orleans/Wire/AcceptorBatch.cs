using System.Diagnostics;
using CasPaxos.Orleans.Wire;
using CasPaxos.Registers;

namespace CasPaxos.Orleans;

/// <summary>Which request an <see cref="AcceptorCallMessage"/> carries. No default: zero is none.</summary>
internal enum RequestKind : byte
{
    Prepare = 1,
    Accept,
    Read,
    Erase,
}

/// <summary>Requests of one lane and epoch on their way to an acceptor grain.</summary>
[GenerateSerializer, Immutable, Alias("caspaxos.AcceptorBatch")]
internal sealed class AcceptorBatch
{
    /// <summary>
    /// The slot's incarnation, which only a silo with a way to the databases knows: whoever does not is refused, and
    /// acceptors of another database never answer by mistake (rule 5).
    /// </summary>
    [Id(0)]
    public Guid Incarnation { get; init; }

    [Id(1)]
    public long Epoch { get; init; }

    [Id(2)]
    public AcceptorCallMessage[] Calls { get; init; } = [];

    public static AcceptorBatch From(Guid incarnation, IReadOnlyList<AcceptorCall> calls)
    {
        var messages = new AcceptorCallMessage[calls.Count];
        for (var i = 0; i < messages.Length; i++)
        {
            messages[i] = AcceptorCallMessage.From(calls[i]);
        }

        return new AcceptorBatch { Incarnation = incarnation, Epoch = calls[0].Request.Epoch, Calls = messages };
    }
}

/// <summary>One request on its way to an acceptor grain.</summary>
[GenerateSerializer, Immutable, Alias("caspaxos.AcceptorCall")]
internal readonly record struct AcceptorCallMessage(
    [property: Id(0)] RequestKind Kind,
    [property: Id(1)] string Key,
    [property: Id(2)] BallotMessage Ballot,
    [property: Id(3)] byte[]? Value,
    [property: Id(4)] BallotMessage Next,
    [property: Id(5)] long Version)
{
    public static AcceptorCallMessage From(AcceptorCall call) => call.Request switch
    {
        AcceptorRequest.Prepare prepare =>
            new(RequestKind.Prepare, call.Key.Text, BallotMessage.From(prepare.Ballot), null, default, 0),
        AcceptorRequest.Accept accept => new(
            RequestKind.Accept,
            call.Key.Text,
            BallotMessage.From(accept.Ballot),
            WireBytes.Of(accept.Value),
            BallotMessage.From(accept.Next),
            0),
        AcceptorRequest.Read => new(RequestKind.Read, call.Key.Text, default, null, default, 0),
        AcceptorRequest.Erase erase =>
            new(RequestKind.Erase, call.Key.Text, BallotMessage.From(erase.Accepted), null, default, erase.Version),
        _ => throw new UnreachableException(),
    };

    /// <summary>The call.</summary>
    /// <exception cref="ArgumentException">No call can look like this: the sender is of another version.</exception>
    public AcceptorCall ToCall(long epoch) => new(new RegisterKey(Key), Kind switch
    {
        RequestKind.Prepare => new AcceptorRequest.Prepare(epoch, Ballot.ToBallot()),
        RequestKind.Accept => new AcceptorRequest.Accept(epoch, Ballot.ToBallot(), Value, Next.ToBallot()),
        RequestKind.Read => new AcceptorRequest.Read(epoch),
        RequestKind.Erase => new AcceptorRequest.Erase(epoch, Ballot.ToBallot(), Version),
        _ => throw new ArgumentException($"No request has the number {(int)Kind}."),
    });
}

/// <summary>A ballot on the wire.</summary>
[GenerateSerializer, Immutable, Alias("caspaxos.Ballot")]
internal readonly record struct BallotMessage([property: Id(0)] long Counter, [property: Id(1)] Guid Proposer)
{
    public static BallotMessage From(Ballot ballot) => new(ballot.Counter, ballot.Proposer.Value);

    public Ballot ToBallot() => new(Counter, new ProposerId(Proposer));
}
