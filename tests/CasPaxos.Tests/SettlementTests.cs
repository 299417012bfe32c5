using static CasPaxos.Tests.Make;

namespace CasPaxos.Tests;

/// <summary>
/// A retry that changes nothing rules out that an earlier try comes up later, when it fits: the record says that the
/// operation is over (rules 11 and 12).
/// </summary>
public sealed class SettlementTests
{
    private static readonly ChangeCatalog Catalog = new(custom: new Dictionary<string, ChangeFunction>
    {
        ["ensure"] = static (current, arguments) =>
            current.Exists ? new ChangeResult.Keep() : new ChangeResult.Write(arguments),
        ["refuse-as-99"] = static (_, _) => new ChangeResult.Refuse((RefusalReason)99),
    });

    public static TheoryData<string> Kinds => ["create", "swap-absent", "ensure"];

    // The trap: X is paused with a first try, its retry at Y does not fit, others delete the register, and X goes on.
    [Theory]
    [MemberData(nameof(Kinds))]
    public void A_try_that_a_paused_silo_holds_does_not_come_up_after_a_retry_that_changed_nothing(string kind)
    {
        var cluster = new Cluster { Catalog = Catalog };
        var (x, y, z) = (cluster.Proposer(), cluster.Proposer(counter: 10), cluster.Proposer(counter: 20));
        z.Do(Put("there"));
        var since = z.Core.Position!.Value;
        var operation = x.Operation(Change(kind));
        var first = x.Submit(operation with { KnownSince = since }); // X is paused: nothing leaves it.

        var settled = y.Do(operation with { RetrySince = since });
        z.Do(new Change.Delete(null, 7));
        x.Run();

        Assert.Equal("absent", Show(cluster));
        Assert.True(IsFinal(settled));
        Assert.True(IsRecovered(x.Answer(first)!));
        Assert.Equal(settled is Outcome.Refused, x.Answer(first) is Outcome.Refused);
    }

    // The same for a deletion of what is not there, and created in the meantime.
    [Fact]
    public void A_deletion_that_a_paused_silo_holds_does_not_delete_what_was_created_after_its_retry()
    {
        var cluster = new Cluster();
        var (x, y, z) = (cluster.Proposer(), cluster.Proposer(counter: 10), cluster.Proposer(counter: 20));
        var operation = x.Operation(new Change.Delete(null, 7));
        x.Submit(operation with { KnownSince = ETag.Absent });

        Assert.True(IsFinal(y.Do(operation with { RetrySince = ETag.Absent })));
        z.Do(Put("created"));
        x.Run();

        Assert.Equal("created", cluster.Read());
    }

    [Fact]
    public void A_retry_of_what_is_settled_is_told_the_same_though_it_would_fit_now()
    {
        var cluster = new Cluster();
        var proposer = cluster.Proposer();
        proposer.Do(Put("there"));
        var since = proposer.Core.Position!.Value;
        var retry = proposer.Operation(Change("create")) with { RetrySince = since };
        var etag = Assert.IsType<Outcome.Refused>(proposer.Do(retry)).Current.ETag;
        proposer.Do(new Change.Delete(null, 7));

        var again = Assert.IsType<Outcome.Refused>(proposer.Do(retry));

        Assert.Equal(new Outcome.Refused(RefusalReason.Exists, Snapshot.Absent, Recovered: true), again);
        Assert.Equal(since, etag); // Settling is no change: the ETag stays.
    }

    [Fact]
    public void An_operation_settled_in_a_round_is_not_applied_by_its_other_try_in_the_same_round()
    {
        var record = Record("there");
        var create = Change("create");
        var retry = new Operation(Op(1), create, RetrySince: record.Position);

        var fold = Over(record, retry, Other(2, new Change.Delete(null, 7)), retry);

        Assert.True(fold.Record.IsTombstone);
        Assert.Equal([new Settlement(Op(1), 1, RefusalReason.Exists)], fold.Record.Recent.Settled.ToArray());
        Assert.True(IsRecovered(fold.Verdicts[2].Outcome));
        Assert.Null(fold.Verdicts[2].AppliedSince);
    }

    // A refusal costs a read, and so it stays for all that are tried once.
    [Fact]
    public void A_first_try_is_not_settled()
    {
        var record = Record("there");

        var fold = Over(record, new Operation(Op(1), Change("create"), KnownSince: record.Position));

        Assert.False(fold.NeedsAccept);
        Assert.False(IsFinal(fold.Verdicts[0].Outcome));
        Assert.Same(record, fold.Record);
    }

    // Rule 17: an ETag that is gone never comes back. A version that is yet to come may, in the creation that is there.
    [Theory]
    [InlineData(50, 2, true)]
    [InlineData(50, 4, false)]
    [InlineData(51, 4, true)]
    public void What_expects_an_ETag_that_is_gone_needs_no_settling(int creation, long version, bool isGone)
    {
        var record = Record("x", version: 3, ids: [100, 101, 102]);
        var expected = new ETag(Id(creation), version);

        foreach (var change in new Change[]
            {
                new Change.CompareAndSwap(expected, Bytes("y")), new Change.Delete(expected, 7),
            })
        {
            var first = Over(record, new Operation(Op(1), change, KnownSince: record.Position));
            var retry = Over(record, new Operation(Op(1), change, RetrySince: record.Position));

            Assert.Equal(isGone, IsFinal(first.Verdicts[0].Outcome));
            Assert.True(IsFinal(retry.Verdicts[0].Outcome));
            Assert.Equal(isGone ? 0 : 1, retry.Record.Recent.Settled.Length);
        }
    }

    [Fact]
    public void A_deleted_creation_has_no_version_yet_to_come()
    {
        var tombstone = Record("", version: 3, ids: [100, 101, 102]) with { DeletedAt = 7 };
        var swap = new Change.CompareAndSwap(new ETag(Id(50), 4), Bytes("y"));

        var fold = Over(tombstone, new Operation(Op(1), swap, KnownSince: tombstone.Position));

        Assert.True(IsFinal(fold.Verdicts[0].Outcome));
    }

    // What was settled is remembered for as long as a try is applied that began no later: while the ids reach back.
    [Fact]
    public void A_settlement_lasts_as_long_as_the_ids_that_reach_back_to_it()
    {
        var record = Record("x", version: 20, ids: [.. Enumerable.Range(100, 16)]);
        var since = record.Position;
        record = Over(record, new Operation(Op(1), Change("create"), RetrySince: since)).Record;
        var next = 1000;
        while (record.ShowsAllSince(since))
        {
            Assert.NotNull(record.Recent.FindSettlement(Op(1)));
            record = Over(record, Other(next++, Put("y"))).Record;
        }

        Assert.Null(record.Recent.FindSettlement(Op(1)));
        Assert.True(next > 1000 + RecentOperations.IdsMin);
    }

    [Fact]
    public void Where_there_is_no_room_a_retry_that_changes_nothing_is_not_final()
    {
        var record = Record("there");
        Operation Retry(int number) => new(Op(number), Change("create"), record.Position);
        record = Over(record, [.. Enumerable.Range(1, RecentOperations.IdsMin).Select(Retry)]).Record;

        var fold = Over(record, Retry(99));

        Assert.Equal(RecentOperations.IdsMin, record.Recent.Settled.Length);
        Assert.False(Assert.IsType<Outcome.Refused>(fold.Verdicts[0].Outcome).Final);
        Assert.True(fold.NeedsAccept);
        Assert.Same(record, fold.Record);
        Assert.True(IsRecovered(Over(record, Retry(1)).Verdicts[0].Outcome));
    }

    // A tombstone is erased some time after what it tells; only a deletion tells a time.
    [Fact]
    public void What_tells_no_time_is_not_settled_in_a_tombstone()
    {
        var tombstone = Record("", version: 3, ids: [100, 101, 102]) with { DeletedAt = 7 };
        var refuse = new Change.Custom("refuse-as-99", default);

        var custom = Over(tombstone, new Operation(Op(1), refuse, tombstone.Position));
        var delete = Over(tombstone, new Operation(Op(1), new Change.Delete(null, 9), tombstone.Position));
        var older = Over(tombstone, new Operation(Op(1), new Change.Delete(null, 5), tombstone.Position));

        Assert.False(IsFinal(custom.Verdicts[0].Outcome));
        Assert.Empty(custom.Record.Recent.Settled);
        Assert.True(IsFinal(delete.Verdicts[0].Outcome));
        Assert.Equal(9, delete.Record.DeletedAt);
        Assert.Equal(7, older.Record.DeletedAt);
    }

    [Fact]
    public void A_reason_of_the_application_s_own_is_stored_as_such()
    {
        var record = Record("there");
        var refuse = new Change.Custom("refuse-as-99", default);

        var fold = Over(record, new Operation(Op(1), refuse, record.Position));

        var decoded = RecordCodec.Decode(RecordCodec.Encode(fold.Record).Bytes);
        Assert.Equal(RefusalReason.Custom, decoded.Recent.FindSettlement(Op(1))!.Value.Refusal);
    }

    // A try that waits in a queue does not follow the register past a settlement of it.
    [Fact]
    public void A_settled_operation_is_not_followed()
    {
        var record = Record("x", version: 20, ids: [.. Enumerable.Range(100, 16)]);
        var since = record.Position;
        var waiting = new Pending(1, new(Op(1), Change("create"), KnownSince: since));
        record = Over(record, new Operation(Op(1), Change("create"), RetrySince: since)).Record;
        waiting.Follow(record);
        for (var i = 0; i < 2 * RecentOperations.IdsMin; i++)
        {
            record = Over(record, Other(1000 + i, i == 5 ? new Change.Delete(null, 7) : Put("y"))).Record;
            waiting.Follow(record);
        }

        Assert.True(waiting.MayBeHiddenIn(record));
    }

    private static Change Change(string kind) => kind switch
    {
        "create" => new Change.Create(Bytes("mine")),
        "swap-absent" => new Change.CompareAndSwap(ETag.Absent, Bytes("mine")),
        _ => new Change.Custom(kind, Bytes("mine")),
    };

    private static Operation Other(int number, Change change) => new(Op(number), change);

    private static Fold Over(RegisterRecord record, params Operation[] operations) =>
        Fold.Over(record, operations.Select((operation, i) => new Pending(i + 1, operation)), Catalog);

    private static string Show(Cluster cluster) =>
        cluster.Proposer(counter: 1_000).Do(new Change.Read()) is Outcome.Applied { Current.Exists: false }
            ? "absent"
            : cluster.Read();

    private static bool IsFinal(Outcome outcome) =>
        outcome is Outcome.Refused { Final: true } or Outcome.Applied { Final: true };

    private static bool IsRecovered(Outcome outcome) =>
        outcome is Outcome.Refused { Recovered: true, Final: true } or Outcome.Applied { Recovered: true, Final: true };
}
