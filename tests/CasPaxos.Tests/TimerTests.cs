using System.Globalization;
using static CasPaxos.Tests.Make;

namespace CasPaxos.Tests;

/// <summary>Timers that fire late, twice or never; pauses; and that nobody waits for ever.</summary>
public sealed class TimerTests
{
    private static readonly ProposerSettings Settings = ProposerSettings.Default;

    // Case 30
    [Fact]
    public void The_first_conflict_is_followed_by_an_attempt_without_delay()
    {
        var proposer = new Cluster().Proposer();
        proposer.Submit(Put("x"));

        Refuse(proposer, counter: 10);

        Assert.Equal(2, proposer.Rounds<AcceptorRequest.Prepare>());
        Assert.All(proposer.Delays, delay => Assert.True(delay >= Settings.Patience));
    }

    // Case 30
    [Fact]
    public void Pauses_grow_and_are_capped_and_come_from_the_seed()
    {
        var delays = Pauses();

        Assert.Equal(delays, Pauses());
        Assert.All(delays, delay => Assert.InRange(delay, TimeSpan.FromTicks(1), Settings.BackoffMax));
        Assert.All(delays.Take(2), delay => Assert.True(delay <= 4 * Settings.BackoffBase));
        Assert.Contains(delays, delay => delay > Settings.BackoffMax / 2);
        Assert.True(delays.Distinct().Count() > 30);
    }

    // Case 30: success makes the next pause short again.
    [Fact]
    public void Pauses_begin_anew_after_a_success()
    {
        var proposer = new Cluster().Proposer();
        proposer.Submit(Put("x"));
        for (var i = 0; i < 20; i++)
        {
            proposer.Fail(mayHaveTakenEffect: false, 0, 1, 2);
            proposer.Fire();
        }

        proposer.Run();
        proposer.Submit(Put("y"));
        proposer.Fail(mayHaveTakenEffect: false, 0, 1, 2);

        Assert.True(proposer.Delays[^1] <= Settings.BackoffBase);
    }

    // Acceptors slower than the first wait: every phase would end unheard, and its ballot be outbid by the next.
    [Fact]
    public void Phases_without_an_answer_wait_longer_each_time_and_as_at_first_after_a_success()
    {
        var proposer = new Cluster().Proposer();
        proposer.Submit(Put("x"));
        for (var i = 0; i < 9; i++)
        {
            proposer.Fire(); // A phase's end and the pause behind it, by turns.
        }

        var silent = proposer.Delays.Where(delay => delay >= Settings.PhaseTimeout).ToList();
        proposer.Fire();
        proposer.Run();
        proposer.Submit(Put("y"));

        Assert.Equal([1, 2, 4, 8, 8], silent.Select(delay => (int)(delay / Settings.PhaseTimeout)));
        Assert.Equal(Settings.PhaseTimeout, proposer.Delays[^1]);
    }

    // T-P13: the winner of a conflict goes on meanwhile, one ballot a round.
    [Fact]
    public void After_a_setback_the_next_ballot_is_ahead_of_the_winner_by_the_time_that_was_lost()
    {
        var proposer = new Cluster().Proposer();
        proposer.Submit(Put("x"));

        Refuse(proposer, counter: 10); // Without a delay.
        var atOnce = proposer.Ballots.Last().Counter;
        Refuse(proposer, counter: 1_000_000);
        proposer.Fire();

        var baseTime = (long)Settings.BackoffBase.TotalMicroseconds;
        Assert.Equal(10 + baseTime + 1, atOnce);
        Assert.Equal(
            1_000_000 + baseTime + (long)proposer.Delays[^2].TotalMicroseconds + 1, proposer.Ballots.Last().Counter);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(1_999)]
    [InlineData(2_000)]
    [InlineData(2_001)]
    public void Counters_near_the_greatest_are_neither_wrapped_nor_taken_back(long below)
    {
        var proposer = new Cluster().Proposer();
        var ticket = proposer.Submit(Put("x"));

        Refuse(proposer, Ballot.CounterMax - below);

        var next = proposer.Ballots.Last().Counter;
        Assert.Null(proposer.Answer(ticket)); // A head start is not worth the last ballots.
        Assert.InRange(next, Ballot.CounterMax - below + 1, Ballot.CounterMax);
    }

    // f: every timer that was ever set fires again at the end, and in the middle.
    [Fact]
    public void Timers_that_were_replaced_change_nothing()
    {
        var cluster = new Cluster();
        var proposer = cluster.Proposer();
        var ticket = proposer.Submit(Append("x"));
        proposer.Exchange(0);
        var sent = proposer.Sent.Count;
        proposer.Exchange(1);
        FireOlder(proposer);
        proposer.Exchange(0);
        FireOlder(proposer);
        proposer.Exchange(1);
        FireOlder(proposer);
        proposer.Fire(); // The last one, when all is over.
        proposer.Fire();

        Assert.Equal("x", Show(proposer.Answer(ticket)));
        Assert.Equal(sent + 3, proposer.Sent.Count);
        Assert.True(proposer.Core.IsIdle);
    }

    // f: the same timer twice.
    [Fact]
    public void A_timer_that_fires_twice_counts_once()
    {
        var proposer = new Cluster().Proposer();
        proposer.Submit(Append("x"));
        var timer = proposer.Timer!.Timer;

        proposer.Fire(timer);
        proposer.Fire(timer);

        Assert.Equal(1, proposer.Core.Statistics.Setbacks);
        Assert.Equal(1, proposer.Rounds<AcceptorRequest.Prepare>());
    }

    // f: the pause is over only when its own timer says so.
    [Fact]
    public void During_a_pause_nothing_is_sent()
    {
        var proposer = new Cluster().Proposer();
        proposer.Submit(Append("x"));
        var phase = proposer.Timer!.Timer;
        proposer.Fail(mayHaveTakenEffect: false, 0, 1, 2);
        var sent = proposer.Sent.Count;

        proposer.Submit(Append("y"));
        proposer.Fire(phase);
        Assert.Equal(sent, proposer.Sent.Count);

        proposer.Fire();
        Assert.Equal(sent + 3, proposer.Sent.Count);
    }

    // One refusal casts doubt; the rest is waited for a little, not for the whole phase.
    [Fact]
    public void After_a_refusal_the_others_get_a_short_time_only()
    {
        var proposer = new Cluster(slots: 5).Proposer();
        proposer.Submit(Append("x"));

        proposer.Tell(0, 1, new AcceptorReply.Refused(B(9, 9)));
        Assert.Equal(Settings.Patience, proposer.Delays[^1]);
        proposer.Tell(1, 1, new AcceptorReply.Refused(B(8, 9)));
        Assert.Equal(2, proposer.Delays.Count); // Once, not again with every refusal.

        proposer.Fire();
        Assert.True(((AcceptorRequest.Prepare)proposer.Asking).Ballot.Counter > 9);
    }

    // A read whose reports disagree waits a little for one more, and then writes.
    [Fact]
    public void Reports_that_disagree_get_a_short_time_to_agree()
    {
        var cluster = new Cluster();
        cluster.AcceptAt(0, "x");
        var proposer = cluster.Proposer(counter: 10);
        var ticket = proposer.Submit(new Change.Read());
        proposer.Exchange(0, 1);
        Assert.Equal(Settings.Patience, proposer.Delays[^1]);

        proposer.Fire();

        Assert.IsType<AcceptorRequest.Prepare>(proposer.Asking);
        proposer.Run();
        Assert.Equal("x", Show(proposer.Answer(ticket)));
    }

    // Case 31, T-P13: both always at the same time, and all messages arrive.
    [Theory]
    [InlineData(2)]
    [InlineData(5)]
    public void Proposers_that_duel_all_finish_within_a_bound(int count)
    {
        for (var seed = 0; seed < 40; seed++)
        {
            var duel = new Schedule(seed, new Cluster(), count) { LossPercent = 0, CopyPercent = 0 };

            duel.Run(operationsEach: 5, stepsMax: 4000 * count);

            // An operation that lost so often that its id may have been pushed out is unknown, and then rare.
            var unknown = duel.Outcomes.Values.Count(outcome => outcome is Outcome.Unknown);
            var sum = int.Parse(duel.Cluster.Read(), CultureInfo.InvariantCulture);
            Assert.InRange(unknown, 0, count / 5);
            Assert.InRange(sum, (5 * count) - unknown, 5 * count);
            Assert.All(duel.Outcomes.Values, outcome => Assert.True(outcome is Outcome.Applied or Outcome.Unknown));
        }
    }

    private static void FireOlder(ProposerDriver proposer)
    {
        var last = proposer.Timer!.Timer;
        for (var timer = 0L; timer < last; timer++)
        {
            proposer.Fire(timer);
        }
    }

    private static void Refuse(ProposerDriver proposer, long counter)
    {
        var attempt = proposer.Sent[^1].Attempt;
        proposer.Tell(0, attempt, new AcceptorReply.Refused(B(counter, 9)));
        proposer.Tell(1, attempt, new AcceptorReply.Refused(B(counter, 9)));
    }

    private static List<TimeSpan> Pauses()
    {
        var proposer = new Cluster().Proposer();
        proposer.Submit(Put("x"));
        var pauses = new List<TimeSpan>();
        for (var i = 1; i <= 40; i++)
        {
            Refuse(proposer, counter: i * 10);
            if (i > Settings.BackoffThreshold)
            {
                pauses.Add(proposer.Delays[^1]);
                proposer.Fire();
            }
        }

        return pauses;
    }
}
