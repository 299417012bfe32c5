using static CasPaxos.Tests.Make;

namespace CasPaxos.Tests;

/// <summary>What operations make of a record, one after the other, and what each of them is told.</summary>
public sealed class FoldTests
{
    private static readonly ChangeCatalog Catalog = new(custom: new Dictionary<string, ChangeFunction>
    {
        ["throw"] = (_, _) => throw new InvalidOperationException("No."),
    });

    [Fact]
    public void Operations_are_applied_in_order_and_each_has_the_answer_of_its_place()
    {
        var fold = Over(RegisterRecord.None, Put("a"), Append("b"), new Change.Read(), Append("c"));

        Assert.Equal(["a", "ab", "ab", "abc"], fold.Verdicts.Select(verdict => Show(verdict.Outcome)));
        Assert.Equal([true, true, false, true], fold.Verdicts.Select(verdict => verdict.AppliedSince is not null));
        Assert.Equal("abc", Text(fold.Record.Payload));
        Assert.Equal(3, fold.Record.Version);
        Assert.Equal([Op(1), Op(2), Op(4)], fold.Record.Recent.Ids.ToArray());
        Assert.Equal([3], fold.Record.Recent.Rounds.ToArray());
        Assert.True(fold.NeedsAccept);
    }

    // Case 19: two that want to be the first.
    [Fact]
    public void Of_two_creations_in_one_round_the_second_is_refused()
    {
        var fold = Over(RegisterRecord.None, new Change.Create(Bytes("a")), new Change.Create(Bytes("b")));

        var refused = Assert.IsType<Outcome.Refused>(fold.Verdicts[1].Outcome);
        Assert.Equal(RefusalReason.Exists, refused.Reason);
        Assert.Equal("a", Text(refused.Current.Payload));
    }

    // T-P15
    [Fact]
    public void What_changes_nothing_leaves_version_and_ids_alone()
    {
        var record = Record("x", version: 3, ids: [7, 8, 9]);

        var fold = Over(record, new Change.Read(), new Change.Create(Bytes("y")));

        Assert.Same(record, fold.Record);
        Assert.False(fold.NeedsAccept);
    }

    [Fact]
    public void A_tombstone_counts_a_version_and_keeps_creation_and_ids()
    {
        var fold = Over(Record("x", version: 1, ids: [9]), new Change.Delete(null, At: 77));

        Assert.Equal((2L, Id(50), 77L), (fold.Record.Version, fold.Record.CreationId, fold.Record.DeletedAt));
        Assert.Equal([Op(9), Op(1)], fold.Record.Recent.Ids.ToArray());
        Assert.False(fold.Record.View.Exists);
        Assert.Equal(0, fold.Record.Payload.Length);
    }

    // Time 0 marks an absence that was never a deletion; no clock may produce it.
    [Theory]
    [InlineData(0)]
    [InlineData(-5)]
    public void A_tombstone_is_never_as_old_as_absence(long at) =>
        Assert.Equal(1, Over(Record("x"), new Change.Delete(null, at)).Record.DeletedAt);

    // T-G9, rule 17
    [Fact]
    public void A_register_created_again_has_a_new_creation_id_and_goes_on_counting()
    {
        var fold = Over(Record("x", version: 1, ids: [9]), new Change.Delete(null, 77), Put("y"));

        Assert.Equal(3, fold.Record.Version);
        Assert.Equal(3, fold.Record.CreationVersion);
        Assert.NotEqual(Id(50), fold.Record.CreationId);
        Assert.Equal([Op(9), Op(1), Op(2)], fold.Record.Recent.Ids.ToArray());
        Assert.Null(fold.Record.DeletedAt);
    }

    // Rule 19: an attempt that is not chosen may be followed by one that makes the same version of something else.
    [Fact]
    public void Every_attempt_and_every_creation_of_one_attempt_has_a_creation_id_of_its_own()
    {
        var creations = new HashSet<Guid>();
        Pending[] operations =
        [
            new(1, new Operation(Op(1), Put("a"))), new(2, new Operation(Op(2), new Change.Delete(null, 7))),
            new(3, new Operation(Op(3), Put("b"))),
        ];

        foreach (var ballot in new[] { B(5), B(6), B(5, 2) })
        {
            var fold = Fold.Over(RegisterRecord.None, operations, Catalog, ballot: ballot);
            creations.UnionWith(fold.Verdicts
                .Select(verdict => verdict.Outcome)
                .OfType<Outcome.Applied>()
                .Where(applied => applied.Created)
                .Select(applied => applied.ETag.CreationId));
        }

        Assert.Equal(6, creations.Count);
    }

    // Case 26, T-P11
    [Fact]
    public void A_change_that_throws_takes_no_part_and_disturbs_nobody()
    {
        var fold = Over(RegisterRecord.None, Put("a"), new Change.Custom("throw", default), Append("b"));

        Assert.Equal("ab", Text(fold.Record.Payload));
        Assert.Equal("No.", Assert.IsType<Outcome.Faulted>(fold.Verdicts[1].Outcome).Exception.Message);
        Assert.Equal([Op(1), Op(3)], fold.Record.Recent.Ids.ToArray());
    }

    // Case 29, T-P9
    [Fact]
    public void An_operation_found_in_the_record_is_not_applied_again()
    {
        var record = Record("xy", version: 2, ids: [1, 9]);

        var fold = Over(record, Append("x"));

        var applied = Assert.IsType<Outcome.Applied>(fold.Verdicts[0].Outcome);
        Assert.True(applied.Recovered);
        Assert.Equal(new ETag(Id(50), 1), applied.ETag);
        Assert.Same(record, fold.Record);
    }

    // Case 29, T-P9: two calls carry one operation, in one round.
    [Fact]
    public void An_operation_that_comes_twice_in_a_round_is_applied_once()
    {
        var operation = new Operation(Op(1), Append("x"));

        var fold = Fold.Over(
            RegisterRecord.None, [new Pending(1, operation), new Pending(2, operation)], Catalog);

        Assert.Equal("x", Text(fold.Record.Payload));
        Assert.Equal(fold.Record.Position, Assert.IsType<Outcome.Applied>(fold.Verdicts[1].Outcome).ETag);
    }

    // What it made was deleted: that state has no name any more, least of all one of the new creation.
    [Fact]
    public void An_operation_found_from_before_the_present_creation_has_no_ETag()
    {
        var before = Over(RegisterRecord.None, Put("x"), new Change.Delete(null, 7), Put("y"));
        var again = new Operation(Op(1), Put("x"));

        var fold = Fold.Over(before.Record, [new Pending(1, again)], Catalog);

        var applied = Assert.IsType<Outcome.Applied>(fold.Verdicts[0].Outcome);
        Assert.True(applied is { Recovered: true, ETag.IsAbsent: true });
        Assert.Equal("y", Text(applied.Current.Payload));
    }

    // Case 29: further than the ids reach, nothing is guessed.
    [Fact]
    public void A_retry_whose_id_may_have_been_forgotten_is_unknown_and_not_applied()
    {
        var record = Record("x", version: 20, ids: [.. Enumerable.Range(100, 16)]);
        var since = new ETag(record.CreationId, 3);

        var fold = Fold.Over(record, [new Pending(1, new(Op(1), Append("y"), since))], Catalog);

        Assert.Equal(since, Assert.IsType<Outcome.Unknown>(fold.Verdicts[0].Outcome).Since);
        Assert.Equal((record.Position, record.Payload), (fold.Record.Position, fold.Record.Payload));
    }

    // Rule 11: "not applied" is true of a retry only once a newer ballot is chosen.
    [Theory]
    [InlineData("refused")]
    [InlineData("throws")]
    [InlineData("keeps")]
    public void A_retry_that_is_not_applied_needs_an_accept_all_the_same(string how)
    {
        Change change = how switch
        {
            "refused" => new Change.Create(Bytes("y")),
            "throws" => new Change.Custom("throw", default),
            _ => new Change.Read(),
        };
        var record = Record("x");
        var operation = new Operation(Op(1), change, RetrySince: record.Position);

        Assert.True(Fold.Over(record, [new Pending(1, operation)], Catalog).NeedsAccept);
        Assert.False(Fold.Over(record, [new Pending(1, operation with { RetrySince = null })], Catalog).NeedsAccept);
    }

    [Fact]
    public void An_operation_that_is_answered_already_takes_no_part()
    {
        var answered = new Pending(1, new(Op(1), Append("x"))) { Answered = true };

        var fold = Fold.Over(RegisterRecord.None, [answered], Catalog);

        Assert.Empty(fold.Verdicts);
        Assert.False(fold.NeedsAccept);
    }

    [Fact]
    public void The_earliest_position_of_a_retry_counts()
    {
        var pending = new Pending(1, new(Op(1), Append("x")));

        pending.MayBeAppliedSince(new ETag(Id(50), 7), B(1));
        pending.MayBeAppliedSince(new ETag(Id(50), 9), B(2));
        Assert.Equal(7, pending.Since!.Value.Version);

        pending.MayBeAppliedSince(new ETag(Id(50), 2), B(3));
        Assert.Equal(2, pending.Since!.Value.Version);
    }

    // A create over a tombstone that was accepted somewhere, found again there, and then never chosen: with the
    // position of that creation in its memory, the retry would take the tombstone for another line and be unknown for
    // ever.
    [Fact]
    public void An_operation_found_in_the_creation_that_it_made_remembers_the_tombstone_before_it()
    {
        var tombstone = new ETag(Id(50), 7);
        var pending = new Pending(1, new(Op(1), Put("x"), RetrySince: tombstone));
        var made = Record("x", version: 8, creation: 60, ids: [1]) with { CreationVersion = 8 };

        var verdict = Assert.Single(Fold.Over(made, [pending], Catalog).Verdicts);
        pending.MayBeAppliedSince(verdict.AppliedSince!.Value, B(9));

        Assert.Equal(tombstone, pending.Since);
        Assert.True(Assert.IsType<Outcome.Applied>(verdict.Outcome).Recovered);
    }

    // The same, where one round had applied others after it: a delete, and a create that began the line in which it is
    // found.
    [Fact]
    public void An_operation_found_in_a_later_creation_remembers_the_line_that_it_began_in()
    {
        var before = new ETag(Id(50), 4);
        var pending = new Pending(1, new(Op(1), Put("x"), RetrySince: before));
        var made = Record("y", version: 7, creation: 60, ids: [1, 2, 3]) with { CreationVersion = 7 };

        var verdict = Assert.Single(Fold.Over(made, [pending], Catalog).Verdicts);
        pending.MayBeAppliedSince(verdict.AppliedSince!.Value, B(9));

        Assert.Equal(before, pending.Since);
    }

    private static Fold Over(RegisterRecord record, params Change[] changes) => Fold.Over(
        record,
        changes.Select((change, i) => new Pending(i + 1, new Operation(Op(i + 1), change))),
        Catalog);
}
