using static CasPaxos.Tests.Make;

namespace CasPaxos.Tests;

/// <summary>
/// First tries that others follow while they are under way, even after a long pause of the node that has them: whatever
/// the register's ids do not show may be what the other try did (rule 12).
/// </summary>
public sealed class FollowedTryTests
{
    private static readonly ChangeCatalog Catalog = new();

    [Fact]
    public void A_first_try_is_applied_where_the_record_shows_all_changes_since_it_began()
    {
        var record = Record("x", version: 20, ids: [.. Enumerable.Range(100, 16)]);

        var fold = Over(record, FirstTry(knownSince: 4));

        Assert.Equal("xy", Show(fold.Verdicts[0].Outcome));
        Assert.True(fold.NeedsAccept);
    }

    [Fact]
    public void A_first_try_that_could_hide_another_is_overtaken_and_leaves_the_register_as_it_is()
    {
        var record = Record("x", version: 20, ids: [.. Enumerable.Range(100, 16)]);

        var fold = Over(record, FirstTry(knownSince: 3));

        Assert.True(Assert.IsType<Outcome.Unavailable>(fold.Verdicts[0].Outcome).Overtaken);
        Assert.Null(fold.Verdicts[0].AppliedSince);
        Assert.Equal((record.Position, record.Payload), (fold.Record.Position, fold.Record.Payload));
        Assert.Equal(record.Recent.Ids, fold.Record.Recent.Ids);
    }

    // Rule 19: another quorum reported a higher floor; applied here, it would be applied again above that.
    [Fact]
    public void A_first_try_is_not_applied_to_a_record_of_a_lower_version_than_its_position()
    {
        var record = Record("x", version: 20, ids: [.. Enumerable.Range(100, 16)]);

        var fold = Over(record, FirstTry(knownSince: 21));

        Assert.True(Assert.IsType<Outcome.Unavailable>(fold.Verdicts[0].Outcome).Overtaken);
    }

    // Z has built on version 2, which one acceptor has and nobody chose, and nobody has Z's third version. Nobody else
    // tries what Z tries: it goes on from version 1, which is its position from then on.
    [Fact]
    public void A_single_try_goes_on_from_a_lower_version_than_that_of_its_accept()
    {
        var cluster = new Cluster();
        var (y, z) = (cluster.Proposer(), cluster.Proposer(counter: 10));
        y.Do(Put("o"));
        var chosen = y.Core.Position!.Value;
        y.Submit(Append("-"));
        y.Ask(0);
        y.Hold();
        var operation = z.Operation(Append("z"));
        var ticket = z.Submit(operation);
        z.Exchange(0, 1); // Finds version 2 at the first acceptor.
        z.Hold(); // Nobody gets the accept.
        z.Fire(); // It counts as lost.
        z.Fire(); // The pause before the next attempt is over.
        z.Exchange(1, 2); // Finds version 1.
        Assert.Null(z.Answer(ticket));
        z.Hold();

        var unknown = Assert.IsType<Outcome.Unknown>(z.Abandon(ticket));

        Assert.Equal(chosen, unknown.Since);
        var again = cluster.Proposer(counter: 10_000);
        var retry = again.Submit(operation with { RetrySince = unknown.Since });
        again.Exchange(1, 2);
        again.Exchange(1, 2);
        Assert.Equal("oz", Show(again.Answer(retry)));
    }

    // Rule 11: its own accept may yet be adopted, so "nothing was accepted anywhere" is not known of it.
    [Fact]
    public void A_first_try_that_is_overtaken_and_in_doubt_itself_is_unknown_since_the_earlier_position()
    {
        var record = Record("x", version: 20, ids: [.. Enumerable.Range(100, 16)]);
        var pending = new Pending(1, FirstTry(knownSince: 3));
        pending.MayBeAppliedSince(new ETag(record.CreationId, 10), B(5));

        var fold = Fold.Over(record, [pending], Catalog);

        Assert.Equal(3, Assert.IsType<Outcome.Unknown>(fold.Verdicts[0].Outcome).Since.Version);
        Assert.Equal(record.Recent.Ids, fold.Record.Recent.Ids);
    }

    // The second try may be applied to a record that the first one's accept knows nothing of: X builds on version 2,
    // which one acceptor has and nobody chose, and tells that it is in doubt. Told "since 2", a third try would not
    // miss the id of the second one, which made another version 2.
    [Fact]
    public void What_a_first_try_in_doubt_tells_reaches_back_to_where_all_tries_began()
    {
        var cluster = new Cluster();
        var (y, x, z) = (cluster.Proposer(), cluster.Proposer(counter: 10), cluster.Proposer(counter: 20));
        y.Do(Put("o"));
        var since = y.Core.Position!.Value;
        y.Submit(Append("-"));
        y.Ask(0);
        y.Hold();
        var operation = x.Operation(Append("x"));
        var first = x.Submit(operation with { KnownSince = since });
        x.Exchange(0, 1); // Finds version 2 at the first acceptor, and nobody hears of the third version.
        x.Hold();
        var unknown = Assert.IsType<Outcome.Unknown>(x.Abandon(first));
        var applied = z.Submit(operation with { RetrySince = since });
        z.Exchange(1, 2); // Finds version 1.
        z.Exchange(1, 2);
        Assert.Equal("ox", Show(z.Answer(applied)));
        z.DoMany(RecentOperations.IdsMin, "o");

        var again = cluster.Proposer(counter: 10_000).Do(operation with { RetrySince = unknown.Since });

        Assert.Equal(1, cluster.Read().Count(letter => letter == 'x'));
        Assert.IsType<Outcome.Unknown>(again);
        Assert.Equal(since, unknown.Since);
    }

    [Fact]
    public void A_first_try_that_another_has_applied_already_is_recovered()
    {
        var record = Record("xy", version: 20, ids: [.. Enumerable.Range(100, 15), 1]);

        var fold = Over(record, FirstTry(knownSince: 3)); // Found: how far the other ids reach does not matter.

        Assert.True(Assert.IsType<Outcome.Applied>(fold.Verdicts[0].Outcome).Recovered);
        Assert.Same(record, fold.Record);
    }

    // Version 0 is of no creation: an ETag of the new one with it would be one that nobody can read.
    [Fact]
    public void Before_the_first_change_of_a_register_is_its_absence()
    {
        var fold = Over(Record("y", version: 1, ids: [1]), FirstTry());

        Assert.Equal(ETag.Absent, fold.Verdicts[0].AppliedSince);
    }

    // The trap: X is paused with the operation in its queue, Y applies the second try, and so many others follow that
    // nothing shows it any more. X goes on as if nothing had happened.
    [Theory]
    [InlineData(15)]
    [InlineData(16)]
    [InlineData(40)]
    public void A_paused_proposer_that_resumes_does_not_apply_what_another_applied_long_ago(int changes)
    {
        var cluster = new Cluster();
        var (x, y) = (cluster.Proposer(), cluster.Proposer(counter: 10));
        y.Do(Put("o"));
        var since = y.Core.Position!.Value;
        var operation = x.Operation(Append("x"));
        var first = x.Submit(operation with { KnownSince = since });
        x.Hold(); // Nothing of it reaches anybody yet.
        Assert.Equal("ox", Show(y.Do(operation with { RetrySince = since })));
        y.DoMany(changes, "o");

        x.Run();

        Assert.Equal(1, cluster.Read().Count(letter => letter == 'x'));
        Assert.True(x.Answer(first) is Outcome.Applied { Recovered: true } or Outcome.Unavailable { Overtaken: true });
    }

    // The same, where X was paused between its promises and its fold: it sends an accept of what it knew, which is
    // refused everywhere. Only where a refusal proves that no copy took effect is the operation not in doubt then.
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_proposer_paused_before_its_fold_does_not_apply_what_another_applied_long_ago(bool deliveredOnce)
    {
        var cluster = new Cluster { Settings = ProposerSettings.Default with { DeliveredOnce = deliveredOnce } };
        var (y, x) = (cluster.Proposer(), cluster.Proposer(counter: 10));
        y.Do(Put("o"));
        var since = y.Core.Position!.Value;
        var operation = x.Operation(Append("x"));
        var first = x.Submit(operation with { KnownSince = since });
        x.Ask(0, 1, 2);
        var promises = x.HoldReplies();
        y.Do(operation with { RetrySince = since });
        y.DoMany(20, "o");

        promises.ForEach(x.Tell);
        Assert.IsType<AcceptorRequest.Accept>(x.Asking);
        x.Run();

        Assert.Equal(1, cluster.Read().Count(letter => letter == 'x'));
        Assert.Equal(deliveredOnce, x.Answer(first) is Outcome.Unavailable { Overtaken: true });
        Assert.Equal(!deliveredOnce, x.Answer(first) is Outcome.Unknown);
    }

    // What it is told when it is alone: begin again from here. The position is what the next try needs.
    [Fact]
    public void An_overtaken_first_try_succeeds_from_where_the_register_stands()
    {
        var cluster = new Cluster();
        var proposer = cluster.Proposer();
        proposer.DoMany(40, "o");
        var operation = proposer.Operation(Append("x"));
        var overtaken = proposer.Do(operation with { KnownSince = ETag.Absent });

        var outcome = proposer.Do(operation with { KnownSince = proposer.Core.Position });

        Assert.True(Assert.IsType<Outcome.Unavailable>(overtaken).Overtaken);
        Assert.False(Assert.IsType<Outcome.Applied>(outcome).Recovered);
    }

    // A busy register: by the time that it is its turn, the ids no longer reach back to where it began. Its proposer
    // has seen every change since, so nothing can be hidden.
    [Fact]
    public void A_first_try_that_waits_behind_many_rounds_of_its_own_proposer_is_not_overtaken()
    {
        var cluster = new Cluster { Settings = ProposerSettings.Default with { CombineMax = 2 } };
        var proposer = cluster.Proposer();
        proposer.Do(Put("o"));
        var since = proposer.Core.Position!.Value;
        proposer.Submit(Append("o")); // Under way, while the others come to wait behind it.
        for (var i = 0; i < 2 * RecentOperations.IdsMin; i++)
        {
            proposer.Submit(Append("o"));
        }

        var ticket = proposer.Submit(proposer.Operation(Append("x")) with { KnownSince = since });
        proposer.Run();

        Assert.False(Assert.IsType<Outcome.Applied>(proposer.Answer(ticket)).Recovered);
        Assert.EndsWith("x", cluster.Read(), StringComparison.Ordinal);
    }

    [Fact]
    public void What_a_chosen_record_shows_while_a_try_waits_need_not_be_shown_later()
    {
        var pending = new Pending(1, FirstTry(knownSince: 4));

        pending.Follow(Record("x", version: 20, ids: [.. Enumerable.Range(100, 16)]));

        Assert.False(pending.MayBeHiddenIn(Record("x", version: 35, ids: [.. Enumerable.Range(115, 16)])));
        Assert.True(pending.MayBeHiddenIn(Record("x", version: 36, ids: [.. Enumerable.Range(116, 16)])));
    }

    // Beyond what the ids show another try may be hidden; and what another try did is what must be found.
    [Theory]
    [InlineData(3, 100)]
    [InlineData(4, 0)]
    public void A_record_that_may_hide_or_shows_another_try_is_not_followed(long known, int firstId)
    {
        var pending = new Pending(1, FirstTry(known));

        pending.Follow(Record("x", version: 20, ids: [.. Enumerable.Range(firstId, 16)]));

        Assert.True(pending.MayBeHiddenIn(Record("x", version: 35, ids: [.. Enumerable.Range(firstId + 15, 16)])));
    }

    // The trap: X is seen to wait at a tombstone; the register is erased; Y applies the second try to the absent
    // register; others write on, beyond the version at which X was seen to wait, until nothing shows the second try.
    [Fact]
    public void A_try_that_was_followed_to_a_tombstone_is_not_applied_again_in_the_next_life_of_the_register()
    {
        var cluster = new Cluster();
        var (x, y) = (cluster.Proposer(), cluster.Proposer(counter: 10));
        y.Do(Put("old"));
        y.Do(new Change.Delete(null, At: 7));
        var read = x.Submit(new Change.Read());
        var operation = x.Operation(Append("x"));
        var first = x.Submit(operation with { KnownSince = y.Core.Position }); // It waits behind the read.
        while (x.Answer(read) is null)
        {
            x.Exchange(0, 1, 2);
        }

        x.Hold(); // Nothing more of it reaches anybody for long.
        Assert.Equal(ErasureResult.Erased, cluster.Eraser(counter: 1_000).Erase());
        var z = cluster.Proposer(counter: 10_000);
        Assert.Equal("x", Show(z.Do(operation with { RetrySince = y.Core.Position })));
        z.DoMany(1, "o");
        z.Do(new Change.Delete(null, At: 8)); // The life that follows begins above the version that was followed.
        z.DoMany(RecentOperations.IdsMin - 2, "o");

        x.Run();

        Assert.DoesNotContain('x', cluster.Read());
        Assert.True(Assert.IsType<Outcome.Unavailable>(x.Answer(first)).Overtaken);
    }

    [Fact]
    public void The_position_is_where_the_register_was_agreed_last_tombstones_included()
    {
        var cluster = new Cluster();
        var (proposer, other) = (cluster.Proposer(), cluster.Proposer(counter: 50));
        var positions = new List<ETag?> { proposer.Core.Position };
        proposer.Do(new Change.Read());
        positions.Add(proposer.Core.Position);
        var first = Assert.IsType<Outcome.Applied>(proposer.Do(Put("x"))).ETag;
        positions.Add(proposer.Core.Position);
        proposer.Do(new Change.Delete(null, At: 7));
        positions.Add(proposer.Core.Position);
        other.Do(Put("y"));
        positions.Add(proposer.Core.Position); // Not told.
        proposer.Do(new Change.Create(Bytes("z"))); // Refused, from what is agreed.
        positions.Add(proposer.Core.Position);

        Assert.Equal(
            [null, ETag.Absent, first, first with { Version = 2 }, first with { Version = 2 }, other.Core.Position],
            positions);
    }

    private static Operation FirstTry(long knownSince = 0) =>
        new(Op(1), Append("y"), KnownSince: new ETag(Id(50), knownSince));

    private static Fold Over(RegisterRecord record, Operation operation) =>
        Fold.Over(record, [new Pending(1, operation)], Catalog);
}
