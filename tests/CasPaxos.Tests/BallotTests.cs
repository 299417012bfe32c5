using System.Buffers.Binary;
using FsCheck;
using FsCheck.Fluent;
using static CasPaxos.Tests.Make;

namespace CasPaxos.Tests;

public sealed class BallotTests
{
    private static readonly Arbitrary<Ballot[]> Three = Gen
        .Choose(0, 3)
        .SelectMany(counter => Gen.Choose(0, 3).Select(proposer => B(counter, proposer)))
        .ArrayOf(3)
        .ToArbitrary();

    // Case 1
    [Fact]
    public void Zero_loses_against_every_ballot_that_an_attempt_can_have()
    {
        Prop.ForAll<PositiveInt, Guid>((counter, proposer) => Ballot.Zero < new Ballot(counter.Get, new(proposer)))
            .QuickCheckThrowOnFailure();

        Assert.True(Ballot.Zero < B(1, proposer: 0));
        Assert.True(Ballot.Zero.IsZero);
        Assert.False(B(0, proposer: 1).IsZero);
    }

    // Case 1
    [Fact]
    public void Zero_is_written_as_a_word_and_others_as_counter_and_proposer()
    {
        Assert.Equal("zero", Ballot.Zero.ToString());
        Assert.Equal("17.00000002", B(17, 2).ToString());
    }

    // Case 2
    [Fact]
    public void Next_raises_the_counter_only()
    {
        var ballot = B(41, 7);

        Assert.Equal(B(42, 7), ballot.Next());
        Assert.True(ballot.Next() > ballot);
    }

    // Case 2, T-A7
    [Fact]
    public void The_order_is_total() =>
        Prop.ForAll(Three, three =>
        {
            var (a, b, c) = (three[0], three[1], three[2]);
            var oneOfThree = (a < b ? 1 : 0) + (a > b ? 1 : 0) + (a == b ? 1 : 0) == 1;
            var antisymmetric = Math.Sign(a.CompareTo(b)) == -Math.Sign(b.CompareTo(a));
            var transitive = !(a <= b && b <= c) || a <= c;
            var agreesWithEquality = a.CompareTo(b) == 0 == (a == b);
            var greatest = Ballot.Max(a, b) >= a && Ballot.Max(a, b) >= b;
            return oneOfThree && antisymmetric && transitive && agreesWithEquality && greatest
                && (a <= b) == !(a > b) && (a >= b) == !(a < b);
        }).QuickCheckThrowOnFailure();

    // Case 2, T-A7
    [Fact]
    public void With_equal_counters_the_greater_proposer_wins()
    {
        Assert.True(B(5, 1) < B(5, 2));
        Assert.True(B(5, 9) < B(6, 1));
    }

    // Case 2: the stored form is the counter and the sixteen bytes of the id, compared as unsigned bytes.
    [Fact]
    public void The_stored_form_and_the_order_in_memory_agree() =>
        Prop.ForAll<(NonNegativeInt Counter, Guid Id), (NonNegativeInt Counter, Guid Id)>((left, right) =>
        {
            var a = new Ballot(left.Counter.Get % 3, new(left.Id));
            var b = new Ballot(right.Counter.Get % 3, new(right.Id));
            return Math.Sign(Stored(a).AsSpan().SequenceCompareTo(Stored(b))) == Math.Sign(a.CompareTo(b));
        }).QuickCheckThrowOnFailure();

    // Case 5, T-A8
    [Fact]
    public void Counters_far_apart_are_compared_and_not_subtracted()
    {
        Assert.True(B(long.MinValue) < B(long.MaxValue));
        Assert.True(B(int.MaxValue - 1L) < B(int.MaxValue + 10L));
        Assert.True(B(-1) < Ballot.Zero);
    }

    // Case 5, T-A8
    [Fact]
    public void A_counter_at_its_limit_is_refused_and_not_wrapped() =>
        Assert.Throws<OverflowException>(() => B(Ballot.CounterMax).Next());

    // Case 5, T-A8
    [Fact]
    public void A_proposer_whose_ballots_are_used_up_says_so_and_sends_nothing()
    {
        var proposer = new Cluster().Proposer(counter: Ballot.CounterMax);

        var ticket = proposer.Submit(Put("never"));

        Assert.IsType<Outcome.Unavailable>(proposer.Answer(ticket));
        Assert.Empty(proposer.Sent);
    }

    // Case 5: the last ballot there is can be used, and promises nothing beyond itself.
    [Fact]
    public void The_last_ballot_of_all_still_works()
    {
        var proposer = new Cluster().Proposer(counter: Ballot.CounterMax - 1);

        Assert.Equal("last", Show(proposer.Do(Put("last"))));
        Assert.IsType<Outcome.Unavailable>(proposer.Do(Put("one too many")));
        Assert.Equal("last", Show(proposer.Do(new Change.Read())));
    }

    // Case 5: outbid to the limit while the attempt is under way.
    [Fact]
    public void An_attempt_that_is_outbid_to_the_limit_ends_in_order()
    {
        var proposer = new Cluster().Proposer(counter: 7);
        var ticket = proposer.Submit(Put("x"));

        proposer.Tell(2, proposer.Sent[0].Attempt, new AcceptorReply.Refused(B(Ballot.CounterMax, 9)));
        proposer.Exchange(0, 1);
        proposer.Run();

        Assert.Equal("x", Show(proposer.Answer(ticket)));
    }

    // Case 4, T-P5, T-O8: several workers of one silo, and each restarted once.
    [Fact]
    public void Ten_thousand_ballots_of_several_workers_and_their_successors_are_all_different()
    {
        var cluster = new Cluster();
        var seen = new HashSet<Ballot>();
        for (var worker = 0; worker < 16; worker++)
        {
            var proposer = cluster.Proposer();
            for (var i = 0; i < 640; i++)
            {
                var ticket = proposer.Submit(Put("unanswered"));
                proposer.Fail(mayHaveTakenEffect: false, 0, 1, 2);
                proposer.Abandon(ticket);
                proposer.Fire();
            }

            foreach (var round in proposer.Sent.Chunk(3))
            {
                var ballot = Assert.Single(round.Select(l => ((AcceptorRequest.Prepare)l.Request).Ballot).Distinct());
                Assert.True(seen.Add(ballot), $"{ballot} is used twice.");
            }
        }

        Assert.Equal(10_240, seen.Count);
    }

    private static byte[] Stored(Ballot ballot)
    {
        var bytes = new byte[24];
        BinaryPrimitives.WriteInt64BigEndian(bytes, ballot.Counter);
        ballot.Proposer.Value.TryWriteBytes(bytes.AsSpan(8), bigEndian: true, out _);
        return bytes;
    }
}
