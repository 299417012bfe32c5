using static CasPaxos.Tests.Make;

namespace CasPaxos.Tests;

/// <summary>Rule 19: a version never restarts, whatever was erased, and none of it rests on a clock.</summary>
public sealed class VersionFloorTests
{
    private readonly Cluster _cluster = new();

    [Fact]
    public void A_creation_after_an_erase_builds_on_the_version_of_the_tombstone()
    {
        _cluster.WriteAndDelete();
        Assert.Equal(ErasureResult.Erased, _cluster.Eraser(counter: 100).Erase());

        var created = Assert.IsType<Outcome.Applied>(_cluster.Proposer(counter: 200).Do(Put("again")));

        Assert.Equal(3, created.ETag.Version); // Written, deleted, created again.
        Assert.True(created.Created);
    }

    // The floor belongs to the database: it covers registers that were never erased themselves.
    [Fact]
    public void The_position_of_an_absent_register_is_the_greatest_floor_of_the_quorum()
    {
        _cluster.WriteAndDelete("other");
        _cluster.Eraser("other", counter: 100).Erase();
        var proposer = _cluster.Proposer("r", counter: 200);

        var read = Assert.IsType<Outcome.Applied>(proposer.Do(new Change.Read()));

        Assert.True(read.ETag.IsAbsent);
        Assert.Equal(RegisterRecord.Absent(2).Position, proposer.Core.Position);
    }

    // One database has erased the tombstone and two have not: its floor is no position of the register, which is there.
    [Fact]
    public void A_visible_tombstone_is_never_jumped_over()
    {
        _cluster.WriteAndDelete("high");
        var high = _cluster.Proposer("high", counter: 10);
        high.DoMany(5, "x");
        high.Do(new Change.Delete(null, At: 8));
        _cluster.Eraser("high", counter: 100).Erase();
        var proposer = _cluster.WriteAndDelete("r", counter: 1_000);

        var created = Assert.IsType<Outcome.Applied>(proposer.Do(Put("again")));

        Assert.Equal(11, created.ETag.Version); // The floor was 8: written at 9, deleted at 10.
    }

    // A row that holds only a promise came after the erase. It must not hide the floor.
    [Fact]
    public void A_promise_given_after_the_erase_does_not_hide_the_floor()
    {
        _cluster.WriteAndDelete();
        _cluster.Eraser(counter: 100).Erase();
        var lost = _cluster.Proposer(counter: 200);
        lost.Submit(Put("lost"));
        lost.Ask(0, 1, 2);
        lost.Hold();

        var created = Assert.IsType<Outcome.Applied>(_cluster.Proposer(counter: 300).Do(Put("again")));

        Assert.Equal(3, created.ETag.Version);
    }

    // The trace of a late retry: applied, deleted, erased, created anew up to the old version, and tried again.
    [Fact]
    public void A_retry_that_comes_after_delete_erase_and_growth_is_never_applied_again()
    {
        var first = _cluster.Proposer();
        first.Do(new Change.Read());
        var operation = first.Operation(Append("x"));
        Assert.Equal("x", Show(first.Do(operation with { KnownSince = first.Core.Position })));
        first.Do(new Change.Delete(null, At: 7));
        _cluster.Eraser(counter: 100).Erase();
        var late = operation with { RetrySince = ETag.Absent };

        Assert.IsType<Outcome.Unknown>(_cluster.Proposer(counter: 200).Do(late));
        _cluster.Proposer(counter: 300).DoMany(3, "o");
        Assert.IsType<Outcome.Unknown>(_cluster.Proposer(counter: 400).Do(late));

        Assert.Equal("ooo", _cluster.Read());
    }

    // The floors of databases differ while an erasure is half done, so a position may be above another quorum's.
    [Fact]
    public void An_operation_is_not_applied_where_its_position_is_above_the_floor_of_the_quorum()
    {
        _cluster.WriteAndDelete("other");
        var eraser = _cluster.Eraser("other", counter: 100);
        eraser.Begin();
        eraser.Exchange(0, 1, 2); // Prepare.
        eraser.Exchange(0, 1, 2); // Accept.
        eraser.Exchange(0); // Erase, at one database only.
        var reader = _cluster.Proposer("r", counter: 200);
        reader.DoThrough(new Change.Read(), 0, 1);
        Assert.Equal(2, reader.Core.Position!.Value.Version);
        var writer = _cluster.Proposer("r", counter: 300);
        var operation = writer.Operation(Put("x")) with { KnownSince = reader.Core.Position };

        var ticket = writer.Submit(operation);
        writer.Exchange(1, 2);

        Assert.True(Assert.IsType<Outcome.Unavailable>(writer.Answer(ticket)).Overtaken);
        Assert.Equal(Ballot.Zero, _cluster.Row(1, "r")!.Accepted);
    }

    // Two attempts that are not chosen and one that is: three different states, so three different names.
    [Fact]
    public void An_attempt_that_was_not_chosen_leaves_its_creation_id_to_nobody()
    {
        var lost = _cluster.Proposer();
        lost.Submit(Put("lost"));
        lost.Exchange(0, 1, 2);
        lost.Ask(0); // Its accept reaches one database.
        var minority = RecordCodec.Decode(_cluster.Row(0)!.Value);
        lost.Hold();
        _cluster.Stop(0);
        lost.Run();

        var creation = RecordCodec.Decode(_cluster.Row(1)!.Value);
        Assert.Equal(minority.Version, creation.Version);
        Assert.NotEqual(minority.CreationId, creation.CreationId);
    }
}
