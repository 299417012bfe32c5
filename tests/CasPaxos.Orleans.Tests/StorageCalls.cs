using System.Text;
using CasPaxos.Registers;

namespace CasPaxos.Orleans.Tests;

/// <summary>Short ways to ask an acceptor, and to compare what record equality cannot: values by their bytes.</summary>
internal static class StorageCalls
{
    public static ProposerId P1 { get; } = new(new Guid("11111111-1111-1111-1111-111111111111"));

    public static ProposerId P2 { get; } = new(new Guid("22222222-2222-2222-2222-222222222222"));

    public static Ballot B(long counter, ProposerId? proposer = null) => new(counter, proposer ?? P1);

    public static ReadOnlyMemory<byte> Bytes(string text) => Encoding.UTF8.GetBytes(text);

    public static AcceptorCall PrepareCall(string key, Ballot ballot, long epoch = 1) =>
        new(new RegisterKey(key), new AcceptorRequest.Prepare(epoch, ballot));

    public static AcceptorCall AcceptCall(
        string key, Ballot ballot, string value, Ballot next = default, long epoch = 1) =>
        new(new RegisterKey(key), new AcceptorRequest.Accept(epoch, ballot, Bytes(value), next));

    public static AcceptorCall ReadCall(string key, long epoch = 1) =>
        new(new RegisterKey(key), new AcceptorRequest.Read(epoch));

    public static AcceptorCall EraseCall(string key, Ballot accepted, long version = 0, long epoch = 1) =>
        new(new RegisterKey(key), new AcceptorRequest.Erase(epoch, accepted, version));

    public static async Task<AcceptorReply> AskAsync(this IAcceptor acceptor, AcceptorCall call) =>
        Assert.Single(await acceptor.AskAsync([call], default));

    public static Task<AcceptorReply> PrepareAsync(
        this IAcceptor acceptor, string key, Ballot ballot, long epoch = 1) =>
        acceptor.AskAsync(PrepareCall(key, ballot, epoch));

    public static Task<AcceptorReply> AcceptAsync(
        this IAcceptor acceptor, string key, Ballot ballot, string value, Ballot next = default, long epoch = 1) =>
        acceptor.AskAsync(AcceptCall(key, ballot, value, next, epoch));

    public static Task<AcceptorReply> ReadAsync(this IAcceptor acceptor, string key, long epoch = 1) =>
        acceptor.AskAsync(ReadCall(key, epoch));

    public static Task<AcceptorReply> EraseAsync(
        this IAcceptor acceptor, string key, Ballot accepted, long version = 0, long epoch = 1) =>
        acceptor.AskAsync(EraseCall(key, accepted, version, epoch));

    public static string Text(AcceptorReply reply) => reply switch
    {
        AcceptorReply.Promised promised =>
            $"promised {Full(promised.AcceptedBallot)} {Hex(promised.Value)} at {promised.VersionFloor}",
        AcceptorReply.Report report =>
            $"report {Full(report.AcceptedBallot)} {Hex(report.Value)} at {report.VersionFloor}",
        AcceptorReply.Accepted accepted => $"accepted {Full(accepted.Promise)}",
        AcceptorReply.Refused refused => $"refused {Full(refused.Winner)}",
        AcceptorReply.Kept kept => $"kept {Full(kept.AcceptedBallot)}",
        _ => reply.ToString(),
    };

    public static void AssertEqual(AcceptorReply expected, AcceptorReply actual) =>
        Assert.Equal(Text(expected), Text(actual));

    /// <summary>A request of any kind, with few distinct ballots and values so that ties are common.</summary>
    public static AcceptorRequest NextRequest(Random random, long epoch, int step, bool epochs = true)
    {
        epoch += random.Next(60) switch { 0 when epochs => 1, 1 when epochs && epoch > 1 => -1, _ => 0 };
        var ballot = NextBallot(random, step);
        return random.Next(10) switch
        {
            < 3 => new AcceptorRequest.Prepare(epoch, ballot),
            < 7 => new AcceptorRequest.Accept(
                epoch, ballot, Bytes(random.Next(3) == 0 ? "" : $"v{random.Next(2)}"),
                random.Next(2) == 0 ? Ballot.Zero : NextBallot(random, step)),
            7 => new AcceptorRequest.Read(epoch),
            _ => new AcceptorRequest.Erase(
                epoch, random.Next(3) == 0 ? Ballot.Zero : ballot, random.Next(step + 2)),
        };
    }

    // They rise, so that a long sequence does not end up refusing everything.
    private static Ballot NextBallot(Random random, int step) => random.Next(10) == 0
        ? Ballot.Zero
        : new Ballot((step / 8) + random.Next(4), random.Next(2) == 0 ? P1 : P2);

    private static string Full(Ballot ballot) => $"{ballot.Counter}/{ballot.Proposer.Value}";

    private static string Hex(ReadOnlyMemory<byte> value) => Convert.ToHexString(value.Span);
}
