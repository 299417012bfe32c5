using static CasPaxos.Tests.Make;

namespace CasPaxos.Tests;

/// <summary>Case 54: how deletion has lost data elsewhere, each as its exact trace (T-G1 to T-G10).</summary>
public sealed class DeletionTraps
{
    private readonly Cluster _cluster = new();

    // T-G1, lost delete: an accept of before the delete reaches one acceptor after the erase.
    [Fact]
    public void An_accept_of_before_the_delete_does_not_bring_the_value_back()
    {
        var writer = _cluster.Proposer();
        writer.Submit(Put("deleted"));
        writer.Exchange(0, 1);
        writer.Exchange(0, 1);
        var late = writer.Hold(2).Single(letter => letter.Request is AcceptorRequest.Accept);
        _cluster.Proposer().Do(new Change.Delete(null, 7));
        Assert.Equal(ErasureResult.Erased, _cluster.Eraser().Erase());

        Assert.IsType<AcceptorReply.Refused>(writer.Deliver(late));

        Assert.Equal("", _cluster.Read());
        Assert.Null(_cluster.Row(2));
    }

    // T-G1: the accept that has skipped its prepare, with the value that the proposer remembers.
    [Fact]
    public void A_remembered_record_does_not_bring_the_value_back()
    {
        var writer = _cluster.Proposer();
        writer.Do(Append("deleted"));
        _cluster.Proposer().Do(new Change.Delete(null, 7));
        _cluster.Eraser().Erase();

        Assert.Equal("+", Show(writer.Do(Append("+"))));
        Assert.Equal("+", _cluster.Read());
    }

    // T-G2, lost update: two acceptors have erased, the third still holds the tombstone at its high ballot.
    [Fact]
    public void A_new_value_is_not_hidden_by_a_tombstone_that_is_left()
    {
        _cluster.Proposer(counter: 1000).Do(Put("old"));
        _cluster.Proposer(counter: 2000).Do(new Change.Delete(null, 7));
        var eraser = _cluster.Eraser(counter: 3000);
        eraser.Begin();
        eraser.Exchange(0, 1, 2);
        eraser.Exchange(0, 1, 2);
        eraser.Exchange(0, 1); // Erased here; slot 2 hears nothing.
        Assert.Null(_cluster.Row(0));
        var creator = _cluster.Proposer(counter: 1);
        creator.Submit(Put("new"));
        creator.Exchange(0, 1);
        creator.Exchange(0, 1);
        creator.Exchange(0, 1);
        Assert.Equal("new", Show(creator.Answer(1)));

        foreach (var quorum in new int[][] { [0, 2], [2, 1], [0, 1] })
        {
            var reader = _cluster.Proposer(counter: 9000);
            var ticket = reader.Submit(new Change.Read());
            reader.Exchange(quorum);
            reader.Run();
            Assert.Equal("new", Show(reader.Answer(ticket)));
        }
    }

    // T-G3, simple drop: the value is left at one acceptor, the tombstone at two.
    [Fact]
    public void An_acceptor_that_still_has_the_value_gets_the_tombstone_before_anybody_erases()
    {
        _cluster.Proposer().Do(Put("42"));
        var deleter = _cluster.Proposer(counter: 10);
        deleter.Submit(new Change.Delete(null, 7));
        deleter.Exchange(1, 2);
        deleter.Exchange(1, 2);
        deleter.Hold();
        Assert.Equal("42", Text(RecordCodec.Decode(_cluster.Row(0)!.Value).Payload));
        _cluster.Stop(0);
        Assert.Equal(ErasureResult.Incomplete, _cluster.Eraser().Erase());
        Assert.True(_cluster.Row(1) is not null && _cluster.Row(2) is not null);
        _cluster.Start(0);

        var eraser = _cluster.Eraser();
        eraser.Begin();
        while (eraser.Asking is not AcceptorRequest.Erase)
        {
            eraser.Exchange(0, 1, 2);
        }

        eraser.Exchange(1, 2); // The drop of the table.
        Assert.Equal("", _cluster.Read());
    }

    // T-G4, trace A7: a promise given on the tombstone outlives the erase.
    [Fact]
    public void Of_two_creations_prepared_on_a_tombstone_only_the_higher_ballot_succeeds()
    {
        _cluster.WriteAndDelete();
        var eraser = _cluster.Eraser(counter: 10);
        eraser.Begin();
        eraser.Exchange(0, 1, 2);
        eraser.Exchange(0, 1, 2);
        var (one, two) = (_cluster.Proposer(counter: 20), _cluster.Proposer(counter: 30));
        var first = one.Submit(new Change.Create(Bytes("X")));
        one.Exchange(0, 1);
        var second = two.Submit(new Change.Create(Bytes("Y")));
        two.Exchange(0, 1);
        eraser.Exchange(0, 1, 2);
        Assert.Equal(ErasureResult.Erased, eraser.Result);

        one.Exchange(0, 1);
        Assert.Null(one.Answer(first));
        two.Exchange(0, 1);
        one.Run();

        Assert.Equal("Y", Show(two.Answer(second)));
        Assert.Equal("refused: Exists", Show(one.Answer(first)));
        Assert.Equal("Y", _cluster.Read());
    }

    // T-G5
    [Fact]
    public void A_register_created_again_is_not_erased()
    {
        _cluster.WriteAndDelete();
        _cluster.Proposer(counter: 50).Do(Put("alive"));

        Assert.Equal(ErasureResult.Live, _cluster.Eraser().Erase());
        Assert.Equal("alive", _cluster.Read());
    }

    // T-G5: one acceptor alone knows that it was created again.
    [Fact]
    public void A_creation_that_one_acceptor_holds_stops_the_erase()
    {
        _cluster.WriteAndDelete();
        var creator = _cluster.Proposer(counter: 50);
        creator.Submit(Put("alive"));
        creator.Exchange(0, 1);
        creator.Exchange(2);
        creator.Hold();

        Assert.Equal(ErasureResult.Live, _cluster.Eraser().Erase());
        _cluster.Stop(0);
        Assert.Equal("alive", _cluster.Read());
    }

    // T-G6: the erase of the first tombstone arrives after the second.
    [Fact]
    public void The_erase_of_one_tombstone_does_not_touch_the_next()
    {
        _cluster.WriteAndDelete();
        var eraser = _cluster.Eraser();
        eraser.Begin();
        while (eraser.Asking is not AcceptorRequest.Erase)
        {
            eraser.Exchange(0, 1, 2);
        }

        var late = eraser.Hold();
        var creator = _cluster.Proposer(counter: 50);
        creator.Do(Put("between"));
        creator.Do(new Change.Delete(null, 8));

        Assert.All(late, erase => Assert.IsType<AcceptorReply.Kept>(eraser.Deliver(erase)));
        Assert.All([0, 1, 2], slot => Assert.NotNull(_cluster.Row(slot)));
    }

    // T-G7: there are no ages; what takes their place survives a restart, and rises only.
    [Fact]
    public void Floors_survive_a_restart_and_never_fall()
    {
        _cluster.WriteAndDelete("high", counter: 1000);
        _cluster.WriteAndDelete("low");
        _cluster.Eraser("high").Erase();
        var floor = _cluster.Databases[0].Current.Floor;

        _cluster.Restart(0);
        _cluster.Eraser("low").Erase();

        Assert.True(_cluster.Databases[0].Current.Floor >= floor);
        Assert.True(floor.Counter > 1000);
    }

    // T-G7: a proposer that nobody could have known of begins in the middle of an erase.
    [Fact]
    public void A_proposer_that_is_new_during_an_erase_loses_nothing()
    {
        for (var steps = 0; steps <= 9; steps++)
        {
            var cluster = new Cluster();
            cluster.WriteAndDelete();
            var eraser = cluster.Eraser();
            eraser.Begin();
            for (var i = 0; i < steps; i++)
            {
                eraser.Exchange(i % 3);
            }

            Assert.Equal("new", Show(cluster.Proposer().Do(Put("new"))));
            eraser.Run();

            Assert.Equal("new", cluster.Read());
        }
    }

    // T-G8: what the floor refuses is tried again at once, above it.
    [Fact]
    public void An_operation_on_another_register_passes_the_floor_at_the_second_try()
    {
        _cluster.WriteAndDelete("high", counter: 1000);
        _cluster.Eraser("high").Erase();
        var proposer = _cluster.Proposer("other");

        Assert.Equal("x", Show(proposer.Do(Put("x"))));
        Assert.Equal(2, proposer.Rounds<AcceptorRequest.Prepare>());
    }

    // T-G9, rules 17 and 19
    [Fact]
    public void An_ETag_of_before_the_erase_matches_nothing_after_it_and_versions_go_on()
    {
        var proposer = _cluster.Proposer();
        proposer.DoMany(3, "a");
        var old = Assert.IsType<Outcome.Applied>(proposer.Do(new Change.Read())).ETag;
        proposer.Do(new Change.Delete(null, 7));
        _cluster.Eraser().Erase();
        proposer.DoMany(3, "b");

        var outcome = proposer.Do(new Change.CompareAndSwap(old, Bytes("overwritten")));

        var refused = Assert.IsType<Outcome.Refused>(outcome);
        Assert.Equal(old.Version + 4, refused.Current.ETag.Version); // The deletion, and three more.
        Assert.Equal("bbb", _cluster.Read());
    }

    // A second copy of the accept of the tombstone comes after the erase: a tombstone is back, never a value.
    [Fact]
    public void A_repeated_accept_of_the_tombstone_does_no_harm()
    {
        _cluster.WriteAndDelete();
        var eraser = _cluster.Eraser();
        eraser.Erase();
        var copies = eraser.Sent.Where(letter => letter.Request is AcceptorRequest.Accept).ToList();

        foreach (var copy in copies)
        {
            eraser.Deliver(copy);
            Assert.Equal("", _cluster.Read());
        }

        Assert.Equal("new", Show(_cluster.Proposer().Do(new Change.Create(Bytes("new")))));
        Assert.All(copies, copy => Assert.IsType<AcceptorReply.Refused>(eraser.Deliver(copy)));
        Assert.Equal("new", _cluster.Read());
    }
}
