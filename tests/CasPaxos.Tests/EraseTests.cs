using static CasPaxos.Tests.Make;

namespace CasPaxos.Tests;

/// <summary>Delete and erase, with all servers there or one away, and what an erase costs others.</summary>
public sealed class EraseTests
{
    // Case 51
    [Fact]
    public void A_deleted_register_reads_as_absent_at_once_and_others_are_untouched()
    {
        var cluster = new Cluster();
        cluster.Proposer("kept").Do(Put("kept"));
        var proposer = cluster.Proposer();
        proposer.Do(Put("gone"));

        var outcome = Assert.IsType<Outcome.Applied>(proposer.Do(new Change.Delete(null, 7)));

        Assert.False(outcome.Current.Exists);
        Assert.Equal("", cluster.Read());
        Assert.Equal("kept", cluster.Read("kept"));
        Assert.Equal("refused: Absent", Show(proposer.Do(new Change.Delete(null, 8))));
    }

    // Case 52
    [Fact]
    public void After_an_erase_no_acceptor_holds_the_register_and_it_can_be_written_again()
    {
        var cluster = new Cluster();
        var proposer = cluster.WriteAndDelete();

        Assert.Equal(ErasureResult.Erased, cluster.Eraser().Erase());

        Assert.All(cluster.Databases, database => Assert.Empty(database.Current.Rows));
        Assert.All(cluster.Databases, database => Assert.False(database.Current.Floor.IsZero));
        Assert.Equal("again", Show(proposer.Do(Put("again"))));
        Assert.Equal("again", cluster.Read());
    }

    // Case 53, T-G10
    [Fact]
    public void With_an_acceptor_away_the_delete_is_acknowledged_and_the_erase_waits_for_it()
    {
        var cluster = new Cluster();
        var proposer = cluster.Proposer();
        proposer.Do(Put("x"));
        cluster.Stop(2);

        Assert.IsType<Outcome.Applied>(proposer.Do(new Change.Delete(null, 7)));
        Assert.Equal(ErasureResult.Incomplete, cluster.Eraser().Erase());
        Assert.NotNull(cluster.Row(0));

        cluster.Start(2);
        Assert.Equal(ErasureResult.Erased, cluster.Eraser().Erase());
        Assert.Equal("", cluster.Read());
    }

    // Rule 12: a retry might still look for its id.
    [Theory]
    [InlineData(99, ErasureResult.TooYoung)]
    [InlineData(100, ErasureResult.Erased)]
    public void A_tombstone_is_not_erased_before_its_time(long deletedBefore, ErasureResult result)
    {
        var cluster = new Cluster();
        cluster.WriteAndDelete(at: 100);

        Assert.Equal(result, cluster.Eraser(deletedBefore: deletedBefore).Erase());
        Assert.Equal(result is ErasureResult.Erased, cluster.Row(0) is null);
    }

    // Case 55, T-G10: each phase stops after each number of acceptors; another worker takes it up from the beginning.
    [Fact]
    public void An_erase_that_stops_anywhere_can_be_begun_anew()
    {
        for (var steps = 0; steps <= 9; steps++)
        {
            var cluster = new Cluster();
            var proposer = cluster.WriteAndDelete();
            var stopped = cluster.Eraser();
            stopped.Begin();
            for (var i = 0; i < steps; i++)
            {
                stopped.Exchange(i % 3);
            }

            Assert.Equal("", cluster.Read());
            Assert.Equal(ErasureResult.Erased, cluster.Eraser().Erase());
            Assert.All(cluster.Databases, database => Assert.Empty(database.Current.Rows));
            Assert.Equal("new", Show(proposer.Do(new Change.Create(Bytes("new")))));
        }
    }

    // Case 55, T-G10
    [Fact]
    public void Two_erasures_of_one_register_do_no_harm_to_each_other()
    {
        for (var first = 0; first <= 9; first++)
        {
            var cluster = new Cluster();
            cluster.WriteAndDelete();
            var (one, two) = (cluster.Eraser(), cluster.Eraser());
            one.Begin();
            for (var i = 0; i < first; i++)
            {
                one.Exchange(i % 3);
            }

            two.Begin();
            two.Run();
            one.Run();

            Assert.Contains(ErasureResult.Erased, new ErasureResult?[] { one.Result, two.Result });
            Assert.Equal("", cluster.Read());
            Assert.Equal("new", Show(cluster.Proposer().Do(Put("new"))));
        }
    }

    [Fact]
    public void A_row_that_holds_a_promise_and_nothing_else_is_erased_and_its_promise_kept()
    {
        var cluster = new Cluster();
        var proposer = cluster.Proposer(counter: 50);
        proposer.Submit(Put("x"));
        proposer.Ask(0, 1);

        Assert.Equal(ErasureResult.Erased, cluster.Eraser().Erase());

        Assert.Null(cluster.Row(0));
        Assert.True(cluster.Databases[0].Current.Floor.Counter >= 51);
        proposer.Run();
        Assert.Equal("x", cluster.Read());
    }

    // Between the prepare and the erase of such a row a first write comes.
    [Fact]
    public void A_first_write_that_overtakes_the_erase_of_a_promise_is_kept()
    {
        var cluster = new Cluster();
        var eraser = cluster.Eraser();
        eraser.Begin();
        eraser.Exchange(0, 1, 2);
        Assert.Equal(Ballot.Zero, Assert.IsType<AcceptorRequest.Erase>(eraser.Asking).Accepted);
        cluster.Proposer().Do(Put("first"));

        eraser.Run();

        Assert.Equal(ErasureResult.Incomplete, eraser.Result);
        Assert.Equal("first", cluster.Read());
    }

    // An absence that had to be chosen holds no ids and may go at once.
    [Fact]
    public void A_chosen_absence_is_erased_at_once()
    {
        var cluster = new Cluster();
        var swap = new Change.CompareAndSwap(new ETag(Id(50), 4), Bytes("x")); // Erased long ago.
        var operation = new Operation(Op(5), swap, RetrySince: ETag.Absent);
        Assert.Equal("refused: ETagMismatch", Show(cluster.Proposer().Do(operation)));
        Assert.NotNull(cluster.Row(0));

        Assert.Equal(ErasureResult.Erased, cluster.Eraser(deletedBefore: 0).Erase());
        Assert.Null(cluster.Row(0));
    }

    // Rule 12: erased sooner, a deletion that was refused for good could come up and delete what was created since.
    [Fact]
    public void A_tombstone_in_which_a_deletion_is_settled_is_kept_as_if_it_had_been_made_then()
    {
        var cluster = new Cluster();
        var operation = new Operation(Op(5), new Change.Delete(null, 7), RetrySince: ETag.Absent);
        Assert.Equal("refused: Absent", Show(cluster.Proposer().Do(operation)));

        Assert.Equal(ErasureResult.TooYoung, cluster.Eraser(deletedBefore: 6).Erase());
        Assert.Equal(ErasureResult.Erased, cluster.Eraser(deletedBefore: 8).Erase());
        Assert.Null(cluster.Row(0));
    }

    [Fact]
    public void A_record_that_is_not_understood_is_not_erased()
    {
        var cluster = new Cluster();
        cluster.AcceptAt([0, 1, 2], new byte[] { 2, 2, 1 });

        Assert.Equal(ErasureResult.Live, cluster.Eraser().Erase());
        Assert.NotNull(cluster.Row(0));
    }

    // The eraser, too, counts one acceptor once and nobody else at all.
    [Fact]
    public void An_eraser_is_not_misled_by_copies_strangers_and_late_replies()
    {
        var cluster = new Cluster();
        cluster.WriteAndDelete();
        var eraser = cluster.Eraser(counter: 50);
        eraser.Begin();
        eraser.Ask(0, 1);
        var replies = eraser.HoldReplies();

        foreach (var slot in new[] { 0, 0, 1, 1, 3, -1, 32 })
        {
            eraser.Tell(slot, 1, replies[slot & 1].Reply!);
        }

        Assert.IsType<AcceptorRequest.Prepare>(eraser.Asking);
        eraser.Exchange(2);
        Assert.IsType<AcceptorRequest.Accept>(eraser.Asking);
        eraser.Tell(0, 1, new AcceptorReply.Refused(B(99))); // Of the phase before.
        eraser.Fire(1); // Its timer, too.
        Assert.Null(eraser.Result);
        eraser.Run();
        Assert.Equal(ErasureResult.Erased, eraser.Result);
    }

    [Fact]
    public void An_eraser_that_is_outbid_again_and_again_gives_up()
    {
        var cluster = new Cluster();
        cluster.WriteAndDelete();
        var eraser = cluster.Eraser();
        eraser.Begin();
        for (var i = 0; i < 10 && eraser.Result is null; i++)
        {
            eraser.Tell(i % 3, eraser.Sent[^1].Attempt, new AcceptorReply.Refused(B(100 * (i + 1), 9)));
        }

        Assert.Equal(ErasureResult.Incomplete, eraser.Result);
    }

    // Case 55, T-G8: one floor serves all registers of a database; others lose a round trip at most, never an answer.
    [Fact]
    public void Erasing_a_thousand_registers_disturbs_no_other_one()
    {
        var cluster = new Cluster();
        var busy = Enumerable.Range(0, 4).Select(i => cluster.Proposer($"busy{i}")).ToList();
        busy.ForEach(proposer => proposer.Do(Append("0")));
        for (var i = 0; i < 1000; i++)
        {
            cluster.Proposer($"d{i}", counter: i).Do(Put($"{i}"));
            cluster.Proposer($"d{i}", counter: i + 10).Do(new Change.Delete(null, 7));
            Assert.Equal(ErasureResult.Erased, cluster.Eraser($"d{i}").Erase());
            if (i % 100 == 0)
            {
                busy.ForEach(proposer => proposer.Do(Append("1")));
                Assert.Equal("new", Show(cluster.Proposer($"new{i}").Do(new Change.Create(Bytes("new")))));
            }
        }

        Assert.All(busy, proposer => Assert.Equal(0, proposer.Core.Statistics.Conflicts));
        Assert.All(busy, proposer => Assert.Equal(11, proposer.Rounds<AcceptorRequest.Accept>()));
        Assert.Equal("01111111111", cluster.Read("busy3"));
        Assert.Equal(14, cluster.Databases[0].Current.Rows.Count);
    }
}
