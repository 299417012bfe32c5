using CasPaxos.Orleans.Wire;
using CasPaxos.Registers;
using Microsoft.Extensions.DependencyInjection;
using Orleans.Serialization;
using static CasPaxos.Orleans.Tests.StorageCalls;

namespace CasPaxos.Orleans.Tests;

/// <summary>What goes over the wire arrives as it was sent.</summary>
public sealed class WireTests : IDisposable
{
    private static readonly Guid Creation = new("33333333-3333-3333-3333-333333333333");
    private static readonly ETag Live = new(Creation, 4);

    /// <summary>Where a register stands that was erased at version 5.</summary>
    private static readonly ETag Gone = new(Guid.Empty, 5);

    private readonly ServiceProvider _services = new ServiceCollection().AddSerializer().BuildServiceProvider();

    public static TheoryData<AcceptorReply> Replies => new(
        new AcceptorReply.Promised(Ballot.Zero, default, VersionFloor: 7),
        new AcceptorReply.Promised(B(3), Bytes("v")),
        new AcceptorReply.Accepted(B(3)),
        new AcceptorReply.Refused(B(3, P2)),
        new AcceptorReply.Report(Ballot.Zero, default, VersionFloor: RegisterRecord.VersionMax),
        new AcceptorReply.Report(B(3), Bytes("v")),
        new AcceptorReply.Erased(),
        new AcceptorReply.Kept(B(3)),
        new AcceptorReply.Fenced(9));

    public static TheoryData<Change> Changes => new(
        new Change.Read(),
        new Change.SealedRead(),
        new Change.Put(Bytes("v")),
        new Change.Create(Bytes("v")),
        new Change.CompareAndSwap(Live, Bytes("v")),
        new Change.CompareAndSwap(ETag.Absent, Bytes("v")),
        new Change.Delete(Live, At: 17),
        new Change.Delete(null, At: 17),
        new Change.Increment(-3),
        new Change.Append(Bytes("v")),
        new Change.Custom("name", Bytes("v")));

    [Theory]
    [MemberData(nameof(Replies))]
    public void A_reply_arrives_as_it_was_sent(AcceptorReply reply) =>
        AssertEqual(reply, Carry(AcceptorReplyMessage.From(reply)).ToReply());

    [Fact]
    public void An_erase_arrives_with_its_version()
    {
        var call = EraseCall("a", B(3), version: 7, epoch: 2);

        Assert.Equal(call, Carry(AcceptorBatch.From(Creation, [call])).Calls[0].ToCall(epoch: 2));
    }

    [Fact]
    public void A_scanned_row_arrives_with_its_promise()
    {
        var page = new ScanPage([new ScannedRow(new RegisterKey("a"), B(3), Bytes("head"), B(5, P2))], Complete: true);

        var row = Assert.Single(Carry(ScanPageMessage.From(page)).ToPage().Rows);

        Assert.Equal((B(3), B(5, P2), 4), (row.AcceptedBallot, row.Promised, row.Value.Length));
    }

    [Fact]
    public void A_page_with_values_and_what_cannot_be_read_arrives_as_it_was_sent()
    {
        var (first, last) = (new RegisterKey("a"), new RegisterKey("z"));
        var query = new ListQuery("p") { After = first, Through = last, Limit = 7, WithValues = true };
        var listed = new ListedRegister(first, new ETag(Guid.NewGuid(), 3)) { Value = Bytes("v") };
        var page = new RegisterPage([listed], last)
        {
            Unreadable = [new UnreadableRegister(last, "damaged")],
        };

        var asked = Carry(ListQueryMessage.From(query)).ToQuery();
        var scanned = Carry(ScanRequestMessage.From(Guid.NewGuid(), new ScanRequest(2, "p", first, 7)
        {
            Through = last,
            WithValues = true,
        })).ToRequest();
        var answered = Carry(PageMessage.From(page, withValues: true)).ToPage();
        var withoutValues = Carry(PageMessage.From(page, withValues: false)).ToPage();

        Assert.Equal(query, asked);
        Assert.Equal(new ScanRequest(2, "p", first, 7) { Through = last, WithValues = true }, scanned);
        Assert.Equal("v"u8.ToArray(), Assert.Single(answered.Registers).Value.ToArray());
        Assert.Equal(page.Registers[0].ETag, answered.Registers[0].ETag);
        Assert.Equal(page.Unreadable, answered.Unreadable);
        Assert.Equal(last, answered.Next);
        Assert.True(Assert.Single(withoutValues.Registers).Value.IsEmpty);
    }

    [Theory]
    [MemberData(nameof(Changes))]
    public void An_operation_arrives_as_it_was_sent(Change change)
    {
        var operation = new Operation(
            new OperationId(Guid.NewGuid()), change, RetrySince: Gone, KnownSince: Live, Overtaken: true);

        var arrived = Carry(OperationMessage.From(operation, TimeSpan.FromSeconds(1), DateTimeOffset.UnixEpoch))
            .ToOperation();

        Assert.Equal(operation with { Change = arrived.Change }, arrived);
        Assert.Equal(Describe(change), Describe(arrived.Change));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void An_outcome_tells_whether_the_register_was_created(bool created)
    {
        var outcome = new Outcome.Applied(Live, new Snapshot(Live, Bytes("v")), Recovered: true, Created: created);

        var arrived = Assert.IsType<Outcome.Applied>(Carry(OutcomeMessage.From(outcome, Live)).ToOutcome());

        Assert.Equal(outcome with { Current = arrived.Current }, arrived);
    }

    [Theory]
    [InlineData(true, false)]
    [InlineData(false, true)]
    public void An_outcome_tells_why_nothing_was_done(bool overtaken, bool unreadable)
    {
        var outcome = new Outcome.Unavailable("why", overtaken, unreadable);

        Assert.Equal(outcome, Carry(OutcomeMessage.From(outcome, Live)).ToOutcome());
    }

    [Fact]
    public void The_position_of_an_erased_register_survives()
    {
        var located = Carry(OutcomeMessage.From(new Outcome.Applied(ETag.Absent, Snapshot.Absent), Gone));
        var unknown = Carry(OutcomeMessage.From(
            new Outcome.Unknown(new OperationId(Creation), Gone, "no answer"), position: null));

        Assert.Equal(Gone, located.Position!.Value.ToETag());
        Assert.Equal(Gone, Assert.IsType<Outcome.Unknown>(unknown.ToOutcome()).Since);
    }

    public void Dispose() => _services.Dispose();

    private static string Describe(Change change) => change switch
    {
        Change.Put put => $"put {Hex(put.Payload)}",
        Change.Create create => $"create {Hex(create.Payload)}",
        Change.CompareAndSwap swap => $"cas {swap.Expected} {Hex(swap.Payload)}",
        Change.Append append => $"append {Hex(append.Bytes)}",
        Change.Custom custom => $"{custom.Name} {Hex(custom.Arguments)}",
        _ => $"{change}",
    };

    private static string Hex(ReadOnlyMemory<byte> bytes) => Convert.ToHexString(bytes.Span);

    private T Carry<T>(T message)
    {
        var serializer = _services.GetRequiredService<Serializer>();
        return serializer.Deserialize<T>(serializer.SerializeToArray(message))!;
    }
}
