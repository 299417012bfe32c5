using static CasPaxos.AcceptorReply;
using static CasPaxos.Tests.Make;

namespace CasPaxos.Tests;

/// <summary>What a host owes the rule: load, decide, persist, reply; shown on the smallest host that does it.</summary>
public sealed class AcceptorHostTests
{
    private readonly Database _database = new(Id(1001));

    // Case 14, T-A1, T-A10
    [Fact]
    public void State_survives_an_activation_and_is_loaded_once()
    {
        var first = Activate();
        first.Handle("r", Prepare(5));
        first.Handle("r", Accept(5, "x"));
        Assert.Equal(1, _database.Loads);

        var second = Activate();

        Assert.Equal(Shown(new Promised(B(5), Bytes("x"))), Shown(second.Handle("r", Prepare(6))));
        Assert.Equal(2, _database.Loads);
    }

    // T-A1: the promise counts although nothing was ever accepted.
    [Fact]
    public void A_promise_of_an_empty_register_outlives_the_activation_that_gave_it()
    {
        Activate().Handle("r", Prepare(5));

        Assert.Equal(new Refused(B(5)), Activate().Handle("r", Accept(4, "old")));
    }

    // Case 15, T-A2, T-A3, T-A9
    [Fact]
    public void After_a_lost_write_nothing_positive_was_said_and_nothing_is_remembered()
    {
        var host = Activate();
        host.Handle("r", Prepare(5));
        _database.NextWrite = WriteFault.Lost;

        var reply = host.Handle("r", Accept(5, "lost"));

        Assert.IsType<Failed>(reply);
        Assert.Equal(Shown(new Promised(Ballot.Zero, default)), Shown(host.Handle("r", Prepare(6))));
        Assert.Equal(new Refused(B(6)), Activate().Handle("r", Accept(5, "lost")));
    }

    // Case 15, T-A3: the disk has it, and the host must learn that from the disk.
    [Fact]
    public void A_write_that_is_reported_as_failed_but_done_is_found_on_the_disk()
    {
        var host = Activate();
        _database.NextWrite = WriteFault.DoneButReportedAsFailed;

        var reply = host.Handle("r", Accept(5, "there"));

        Assert.IsType<Failed>(reply);
        Assert.Equal(Shown(new Promised(B(5), Bytes("there"))), Shown(host.Handle("r", Prepare(6))));
    }

    // Case 16, T-O1, T-O3
    [Fact]
    public void Of_two_activations_the_one_with_the_older_memory_says_nothing_positive()
    {
        var (one, two) = (Activate(), Activate());
        one.Handle("r", Prepare(5));
        two.Handle("r", Prepare(7));

        Assert.IsType<Failed>(one.Handle("r", Accept(5, "stale")));
        Assert.Equal(new Refused(B(7)), one.Handle("r", Accept(5, "stale")));
        Assert.Equal(new Accepted(B(7)), two.Handle("r", Accept(7, "fresh")));
    }

    // T-O4: not even an answer that needs no write.
    [Fact]
    public void A_stale_activation_confirms_nothing_without_asking_the_database()
    {
        var (one, two) = (Activate(), Activate());
        one.Handle("r", Accept(5, "x"));
        two.Handle("r", Accept(6, "y"));

        Assert.IsType<Failed>(one.Handle("r", Accept(5, "x")));
        Assert.Equal(Shown(new Report(B(6), Bytes("y"))), Shown(one.Handle("r", new AcceptorRequest.Read(1))));
    }

    // T-A11: the order of the replies is the order of the durable effects.
    [Fact]
    public void Messages_that_meet_during_a_write_are_decided_one_after_the_other()
    {
        var (one, two) = (Activate(), Activate());
        one.Handle("r", Prepare(3));
        two.Handle("r", Prepare(5)); // Its write is under way while the next two arrive.

        Assert.IsType<Failed>(one.Handle("r", Prepare(7)));
        Assert.IsType<Promised>(one.Handle("r", Prepare(7)));
        Assert.IsType<Failed>(two.Handle("r", Accept(5, "late")));
        Assert.Equal(new Refused(B(7)), two.Handle("r", Accept(5, "late")));
    }

    // Case 18, T-M4
    [Fact]
    public void A_database_of_another_incarnation_is_not_served()
    {
        Activate().Handle("r", Accept(5, "x"));
        var host = new AcceptorHost(_database, incarnation: Id(1002));

        Assert.IsType<Failed>(host.Handle("r", Prepare(9)));
        Assert.IsType<Failed>(host.Handle("r", new AcceptorRequest.Read(1)));
        Assert.Equal(B(5), _database.Current.Of("r").Promised);
    }

    // Case 18, T-A12: who restores a backup gives it a new incarnation, and the acceptor serves no more.
    [Fact]
    public void A_restored_backup_is_not_served()
    {
        Activate().Handle("r", Prepare(5));
        var restored = new Database(incarnation: Id(2001));
        restored.Restore(Stored.Empty);
        var host = new AcceptorHost(restored, incarnation: Id(1001));

        Assert.IsType<Failed>(host.Handle("r", Accept(4, "forgotten promise")));
        Assert.Null(restored.Current.Of("r").Row);
    }

    // T-A9: the row is one value; no state of it has the ballot without the value.
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_failed_accept_leaves_the_old_row_or_the_new_one(bool done)
    {
        Activate().Handle("r", Accept(3, "old"));
        _database.NextWrite = done ? WriteFault.DoneButReportedAsFailed : WriteFault.Lost;

        Activate().Handle("r", Accept(5, "new"));

        var row = _database.Current.Of("r").Row!;
        Assert.Equal(done ? (B(5), "new") : (B(3), "old"), (row.Accepted, Text(row.Value)));
    }

    private AcceptorHost Activate() => new(_database, _database.Incarnation);

    private static AcceptorRequest.Prepare Prepare(long counter) => new(1, B(counter));

    private static AcceptorRequest.Accept Accept(long counter, string value) =>
        new(1, B(counter), Bytes(value), Ballot.Zero);

    private static string Shown(AcceptorReply reply) => reply switch
    {
        Promised promised => $"promised {promised.AcceptedBallot} {Text(promised.Value)}",
        Report report => $"report {report.AcceptedBallot} {Text(report.Value)}",
        _ => reply.ToString(),
    };
}
