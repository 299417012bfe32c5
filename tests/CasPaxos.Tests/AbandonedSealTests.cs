using static CasPaxos.Tests.Make;

namespace CasPaxos.Tests;

/// <summary>
/// A sealed read that waits for the last slot is given up, and the last slot reports what a minority holds. The other
/// operations of its round must not be answered from that (rule 13): two slots agree, but on another value.
/// </summary>
public sealed class AbandonedSealTests
{
    private readonly Cluster _cluster = new();

    [Fact]
    public void A_plain_read_is_not_answered_from_a_minority()
    {
        _cluster.Proposer().Do(Put("old"));
        _cluster.AcceptAt([2], Encoded("minority", version: 2, ids: [700]), counter: 500);

        var (heir, read) = AbandonBeside(proposer => proposer.Operation(new Change.Read()));

        var later = Show(_cluster.Proposer(counter: 2_000).DoThrough(new Change.Read(), 0, 1));
        Assert.Equal(later, Show(heir.Answer(read)));
    }

    [Fact]
    public void A_creation_is_not_refused_by_a_minority()
    {
        _cluster.Proposer().Do(Put("old"));
        _cluster.AcceptAt([2], Encoded("minority", version: 2, ids: [700]), counter: 500);

        var (heir, create) = AbandonBeside(proposer => proposer.Operation(new Change.Create(Bytes("y"))));

        var refused = Assert.IsType<Outcome.Refused>(heir.Answer(create));
        var later = Show(_cluster.Proposer(counter: 2_000).DoThrough(new Change.Read(), 0, 1));
        Assert.Equal(later, Text(refused.Current.Payload));
    }

    [Fact]
    public void The_etag_of_a_minoritys_state_is_not_told_and_comes_to_name_another_state()
    {
        var owner = _cluster.Proposer();
        owner.Do(Put("old"));
        owner.Submit(Put("minority")); // One round trip: its accept reaches slot 2 only.
        owner.Exchange(2);
        owner.Hold();

        var (heir, read) = AbandonBeside(proposer => proposer.Operation(new Change.Read()));

        var seen = Assert.IsType<Outcome.Applied>(heir.Answer(read));
        _cluster.Proposer(counter: 2_000).DoThrough(Put("other"), 0, 1);
        var swap = _cluster.Proposer(counter: 3_000).DoThrough(
            new Change.CompareAndSwap(seen.ETag, Bytes("lost update")), 0, 1);
        Assert.Equal("refused: ETagMismatch", Show(swap));
    }

    [Fact]
    public void A_retry_that_a_minority_shows_is_not_acknowledged_from_there()
    {
        var writer = _cluster.Proposer();
        writer.DoMany(20, "a");
        var change = writer.Operation(Append("X"));
        writer.Submit(change);
        writer.Exchange(2);
        writer.Hold();

        var (heir, retry) = AbandonBeside(
            _ => change with { RetrySince = RegisterRecord.Absent(0).Position });

        var later = Show(_cluster.Proposer(counter: 2_000).DoThrough(new Change.Read(), 0, 1));
        Assert.Equal(heir.Answer(retry) is Outcome.Applied, later.Contains('X', StringComparison.Ordinal));
    }

    /// <summary>
    /// An operation and a sealed read share a prepare. Slots 0 and 1 agree, the sealed read is given up, and then slot
    /// 2 is heard.
    /// </summary>
    private (ProposerDriver Heir, long Beside) AbandonBeside(Func<ProposerDriver, Operation> operation)
    {
        var heir = _cluster.Proposer(counter: 1_000);
        heir.Submit(new Change.Read()); // The two others wait behind it, and so begin together.
        var beside = heir.Submit(operation(heir));
        var seal = heir.Submit(new Change.SealedRead());
        heir.Exchange(0, 1);
        Assert.IsType<AcceptorRequest.Prepare>(heir.Asking);
        heir.Exchange(0, 1);
        Assert.Null(heir.Answer(beside));

        heir.Abandon(seal);
        heir.Exchange(2);
        heir.Run();
        return (heir, beside);
    }
}
