using static CasPaxos.Tests.Make;

namespace CasPaxos.Tests;

/// <summary>The safety rules of the design, one test at least for each that the core keeps, by its number.</summary>
public sealed class SafetyRules
{
    private readonly Cluster _cluster = new();

    [Fact]
    public void Rule_01_prepare_and_accept_succeed_exactly_above_what_was_promised_and_accepted()
    {
        for (var ballot = 0; ballot <= 6; ballot++)
        {
            for (var promised = 0; promised <= 5; promised++)
            {
                for (var accepted = 0; accepted <= 5; accepted++)
                {
                    var row = new AcceptorRow(B(promised), B(accepted), Bytes("there"));
                    var state = new AcceptorState(1, Ballot.Zero, row);
                    var prepare = Acceptor.Decide(state, new AcceptorRequest.Prepare(1, B(ballot)));
                    var accept = Acceptor.Decide(
                        state, new AcceptorRequest.Accept(1, B(ballot), Bytes("new"), Ballot.Zero));

                    Assert.Equal(ballot > promised && ballot > accepted, prepare.Reply is AcceptorReply.Promised);
                    Assert.Equal(ballot >= promised && ballot > accepted, accept.Reply is AcceptorReply.Accepted);
                    foreach (var refused in new[] { prepare, accept }.Where(d => d.Reply is AcceptorReply.Refused))
                    {
                        Assert.Equal(B(Math.Max(promised, accepted)), ((AcceptorReply.Refused)refused.Reply).Winner);
                        Assert.Null(refused.Persist);
                    }
                }
            }
        }
    }

    [Fact]
    public void Rule_02_the_rule_is_a_function_of_state_and_message_and_nothing_else()
    {
        var state = new AcceptorState(1, B(2), new AcceptorRow(B(3), B(2), Bytes("x")));
        var request = new AcceptorRequest.Accept(1, B(4), Bytes("y"), B(5));

        var first = Acceptor.Decide(state, request);
        Acceptor.Decide(first.Persist!.Value, new AcceptorRequest.Prepare(1, B(9)));

        Assert.Equal(first, Acceptor.Decide(state, request));
        Assert.Equal(B(3), state.Promised);
    }

    [Fact]
    public void Rule_03_every_positive_answer_to_a_write_comes_with_the_state_that_makes_it_true()
    {
        var row = new AcceptorRow(B(3), B(2), Bytes("x"));
        foreach (var state in new[] { default, new AcceptorState(1, B(1), row) })
        {
            var prepare = Acceptor.Decide(state, new AcceptorRequest.Prepare(1, B(7)));
            var accept = Acceptor.Decide(state, new AcceptorRequest.Accept(1, B(7), Bytes("y"), B(8)));

            Assert.Equal(B(7), prepare.Persist!.Value.Row!.Promised);
            Assert.Equal((B(8), B(7)), (accept.Persist!.Value.Row!.Promised, accept.Persist.Value.Row.Accepted));
            Assert.Equal("y", Text(accept.Persist.Value.Row.Value));
        }
    }

    [Fact]
    public void Rule_04_ballot_and_value_are_made_durable_in_one_piece()
    {
        _cluster.Proposer().Do(Put("x"));

        Assert.All(_cluster.Databases, database => Assert.Equal(2, database.Writes));
        Assert.All([0, 1], slot => Assert.Equal("x", Text(RecordCodec.Decode(_cluster.Row(slot)!.Value).Payload)));
    }

    [Fact]
    public void Rule_05_a_database_of_another_incarnation_is_not_served()
    {
        var host = new AcceptorHost(new Database(Id(1)), incarnation: Id(2));

        Assert.IsType<AcceptorReply.Failed>(host.Handle("r", new AcceptorRequest.Read(1)));
    }

    [Fact]
    public void Rule_06_a_message_of_an_older_epoch_is_refused_with_the_newer_epoch()
    {
        var decision = Acceptor.Decide(new(Epoch: 7, default, null), new AcceptorRequest.Prepare(6, B(1)));

        Assert.Equal(new Decision(new AcceptorReply.Fenced(7)), decision);
    }

    [Fact]
    public void Rule_07_every_attempt_has_a_ballot_of_its_own_and_the_next_one_is_higher()
    {
        var proposer = _cluster.Proposer();
        for (var i = 0; i < 30; i++)
        {
            proposer.Submit(Append($"{i}"));
            proposer.Fail(mayHaveTakenEffect: i % 2 == 0, 0, 1);
            proposer.Fire();
        }

        var attempts = proposer.Sent.Where(letter => letter.Request is AcceptorRequest.Prepare)
            .GroupBy(letter => letter.Attempt)
            .Select(letters => letters.Select(letter => ((AcceptorRequest.Prepare)letter.Request).Ballot).Distinct())
            .Select(Assert.Single)
            .ToList();
        Assert.Equal(attempts.Distinct().Order(), attempts);
    }

    [Fact]
    public void Rule_08_the_value_of_the_highest_accepted_ballot_is_adopted_in_every_order_of_replies()
    {
        int[][] orders = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];
        foreach (var order in orders)
        {
            // T-A5: A(3, x) and B(5, y), C has nothing; all three are needed.
            var cluster = new Cluster(slots: 3, prepare: 3, accept: 2);
            cluster.AcceptAt([0], Encoded("x", ids: [701]), counter: 3);
            cluster.AcceptAt([1], Encoded("y", ids: [702]), counter: 5);
            var proposer = cluster.Proposer(counter: 8);
            var ticket = proposer.Submit(Append("+"));

            proposer.Exchange(order);
            proposer.Exchange(order);

            Assert.Equal("y+", Show(proposer.Answer(ticket)));
        }
    }

    [Fact]
    public void Rule_09_prepare_is_skipped_only_on_a_promise_that_a_quorum_has_confirmed_and_only_once()
    {
        var proposer = _cluster.Proposer();
        proposer.Do(Append("a"));
        var promised = ((AcceptorRequest.Accept)proposer.Asking).Next;

        proposer.Submit(Append("b"));
        Assert.Equal(promised, Assert.IsType<AcceptorRequest.Accept>(proposer.Asking).Ballot);
        proposer.Exchange(0);
        proposer.Fail(mayHaveTakenEffect: true, 1, 2);
        proposer.Fire();

        Assert.True(Assert.IsType<AcceptorRequest.Prepare>(proposer.Asking).Ballot > promised);
    }

    [Fact]
    public void Rule_10_prepare_and_accept_of_an_attempt_use_one_configuration()
    {
        var proposer = _cluster.Proposer();
        proposer.Submit(Append("a"));
        proposer.Exchange(0);

        proposer.Reconfigure(Cluster(5, epoch: 2));
        proposer.Exchange(1);

        Assert.Equal(1, Assert.IsType<AcceptorRequest.Accept>(proposer.Asking).Epoch);
        Assert.Equal(6, proposer.Sent.Count);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Rule_11_unavailable_is_said_before_an_accept_and_unknown_after_it(bool accepting)
    {
        var proposer = _cluster.Proposer();
        var ticket = proposer.Submit(Append("a"));
        proposer.Exchange(accepting ? [0, 1] : [0]);

        var outcome = proposer.Abandon(ticket);

        Assert.Equal(accepting, outcome is Outcome.Unknown);
        Assert.Equal(!accepting, outcome is Outcome.Unavailable);
    }

    [Fact]
    public void Rule_12_a_retry_finds_its_id_also_behind_a_delete_and_a_new_creation()
    {
        var proposer = _cluster.Proposer();
        var operation = proposer.Operation(Append("a"));
        proposer.Do(operation);
        proposer.Do(new Change.Delete(null, 7));
        Assert.True(Assert.IsType<Outcome.Applied>(_cluster.Proposer().Do(operation)).Recovered);
        proposer.Do(Append("b"));

        var retry = _cluster.Proposer().Do(operation with { RetrySince = ETag.Absent });

        Assert.True(Assert.IsType<Outcome.Applied>(retry).Recovered);
        Assert.Equal("b", _cluster.Read());
    }

    [Fact]
    public void Rule_12_a_retry_from_before_an_erase_is_not_applied_to_what_was_created_after_it()
    {
        var proposer = _cluster.Proposer();
        proposer.Do(Append("a"));
        var operation = proposer.Operation(Append("late"));
        var ticket = proposer.Submit(operation);
        proposer.Ask(0);
        var unknown = Assert.IsType<Outcome.Unknown>(proposer.Abandon(ticket));
        var other = _cluster.Proposer(counter: 50);
        other.Do(new Change.Delete(null, 7));
        _cluster.Eraser().Erase();
        other.Do(Append("new"));

        Assert.IsType<Outcome.Unknown>(_cluster.Proposer().Do(operation with { RetrySince = unknown.Since }));
        Assert.Equal("new", _cluster.Read());
    }

    // Two agree and one is ahead; two disagree; one has seen nothing.
    [Theory]
    [InlineData(1, 2, true)]
    [InlineData(0, 1, false)]
    [InlineData(2, 0, false)]
    public void Rule_13_a_read_answers_without_writing_only_where_a_quorum_agrees_on_one_ballot(
        int first, int second, bool answered)
    {
        _cluster.Proposer().Do(Put("chosen"));
        _cluster.AcceptAt([0], Encoded("ahead", version: 2, 777), counter: 50);
        var reader = _cluster.Proposer(counter: 90);

        var ticket = reader.Submit(new Change.Read());
        reader.Exchange(first, second);

        Assert.Equal(answered ? "chosen" : "unanswered", Show(reader.Answer(ticket)));
    }

    // What was promised before the second read came proves nothing for it.
    [Fact]
    public void Rule_13_a_read_is_not_answered_from_replies_of_before_it_came()
    {
        var reader = _cluster.Proposer();
        reader.Submit(new Change.Read());
        reader.Ask(0, 1, 2);
        _cluster.Proposer().Do(Put("between"));

        var late = reader.Submit(new Change.Read());
        reader.Hear(0, 1, 2);
        Assert.Null(reader.Answer(late));
        reader.Run();

        Assert.Equal("between", Show(reader.Answer(late)));
    }

    // The same during a prepare: who joins it is answered by the accept, which is sent after he came.
    [Fact]
    public void Rule_13_who_joins_a_prepare_is_answered_by_an_accept()
    {
        var proposer = _cluster.Proposer();
        proposer.Submit(new Change.Delete(null, 7)); // Will be refused, so it needs no accept itself.
        proposer.Ask(0, 1, 2);
        _cluster.Proposer(counter: 50).Do(Put("between"));

        var late = proposer.Submit(new Change.Read());
        proposer.Hear(0, 1, 2);
        Assert.Null(proposer.Answer(late));
        proposer.Run();

        Assert.Equal("between", Show(proposer.Answer(late)));
    }

    [Fact]
    public void Rule_14_a_change_that_throws_leaves_the_register_as_it_was()
    {
        var cluster = new Cluster
        {
            Catalog = new ChangeCatalog(custom: new Dictionary<string, ChangeFunction>
            {
                ["throw"] = (_, _) => throw new InvalidOperationException("No."),
            }),
        };
        cluster.Proposer().Do(Put("x"));
        var row = cluster.Row(1)!.Accepted;

        Assert.IsType<Outcome.Faulted>(cluster.Proposer(counter: 9).Do(new Change.Custom("throw", default)));

        Assert.Equal(row, cluster.Row(1)!.Accepted);
    }

    [Fact]
    public void Rule_15_nothing_is_erased_before_every_acceptor_has_the_tombstone_at_one_ballot()
    {
        _cluster.WriteAndDelete();
        var eraser = _cluster.Eraser(counter: 50);
        eraser.Begin();
        eraser.Exchange(0, 1);
        Assert.IsType<AcceptorRequest.Prepare>(eraser.Asking);
        eraser.Exchange(2);
        eraser.Exchange(0, 1);
        Assert.IsType<AcceptorRequest.Accept>(eraser.Asking);
        eraser.Exchange(2);

        var erase = Assert.IsType<AcceptorRequest.Erase>(eraser.Asking);
        Assert.All([0, 1, 2], slot => Assert.Equal(erase.Accepted, _cluster.Row(slot)!.Accepted));
    }

    [Fact]
    public void Rule_16_a_missing_row_behaves_as_one_that_promised_the_floor()
    {
        for (var ballot = 1; ballot <= 9; ballot++)
        {
            var missing = new AcceptorState(1, Floor: B(5), Row: null);
            var promised = new AcceptorState(1, B(5), new AcceptorRow(B(5), Ballot.Zero, default));
            foreach (var request in new AcceptorRequest[]
            {
                new AcceptorRequest.Prepare(1, B(ballot)),
                new AcceptorRequest.Accept(1, B(ballot), Bytes("x"), Ballot.Zero),
                new AcceptorRequest.Read(1),
            })
            {
                Assert.Equal(Acceptor.Decide(promised, request), Acceptor.Decide(missing, request));
            }
        }
    }

    [Fact]
    public void Rule_17_a_version_never_repeats()
    {
        var seen = new HashSet<ETag>();
        var proposer = _cluster.Proposer();
        for (var life = 0; life < 4; life++)
        {
            for (var i = 0; i < 3; i++)
            {
                Assert.True(seen.Add(Assert.IsType<Outcome.Applied>(proposer.Do(Append($"{i}"))).ETag));
            }

            proposer.Do(new Change.Delete(null, 7));
            if (life % 2 == 1)
            {
                Assert.Equal(ErasureResult.Erased, _cluster.Eraser().Erase());
            }
        }

        Assert.Equal(12, seen.Count);
    }
}
