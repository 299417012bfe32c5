using static CasPaxos.Tests.Make;

namespace CasPaxos.Tests;

/// <summary>Rule 24, the proposer's part: room is asked for before an attempt, and given back behind it.</summary>
public sealed class AdmissionTests
{
    private readonly Cluster _cluster = new();

    [Fact]
    public void Nothing_is_sent_before_there_is_room()
    {
        var proposer = _cluster.Proposer();
        proposer.HasRoom = false;

        var first = proposer.Submit(Put("a"));
        var second = proposer.Submit(Append("b"));

        Assert.Empty(proposer.Sent);
        Assert.False(Assert.Single(proposer.Entered).Again);
        Assert.True(proposer.Core.AwaitsRoom);
        proposer.Admit();
        proposer.Run();
        Assert.IsType<Outcome.Applied>(proposer.Answer(first));
        Assert.IsType<Outcome.Applied>(proposer.Answer(second));
        Assert.Equal(1, proposer.Core.Statistics.AcceptRounds);
        Assert.False(proposer.IsInside);
    }

    [Fact]
    public void All_phases_of_an_attempt_share_its_room()
    {
        var proposer = _cluster.Proposer();

        proposer.Do(Put("a"));

        Assert.Equal((1, 1), (proposer.Core.Statistics.PrepareRounds, proposer.Core.Statistics.AcceptRounds));
        Assert.Single(proposer.Entered);
        Assert.False(proposer.IsInside);
    }

    [Fact]
    public void An_attempt_that_failed_gives_its_room_back_and_the_next_one_asks_anew()
    {
        var proposer = _cluster.Proposer();
        proposer.Submit(Put("a"));

        proposer.Fire(); // No slot has answered.

        Assert.False(proposer.IsInside);
        proposer.Fire(); // It has waited long enough.
        Assert.Equal([false, true], proposer.Entered.Select(enter => enter.Again));
        Assert.True(proposer.IsInside);
    }

    [Fact]
    public void Who_waits_for_room_no_longer_is_answered_and_asks_no_longer()
    {
        var proposer = _cluster.Proposer();
        proposer.HasRoom = false;
        var first = proposer.Submit(Put("a"));
        var second = proposer.Submit(Put("b"));

        Assert.IsType<Outcome.Unavailable>(proposer.Abandon(first));
        Assert.True(proposer.IsInside);
        Assert.IsType<Outcome.Unavailable>(proposer.AbandonUnsent(second));

        Assert.False(proposer.IsInside);
        Assert.True(proposer.Core.IsIdle);
        proposer.Admit(); // On its way already.
        Assert.Empty(proposer.Sent);
        Assert.False(proposer.Core.AwaitsRoom);
    }

    [Fact]
    public void Too_little_time_does_not_end_what_is_sent_or_about_to_be()
    {
        var proposer = new Cluster { Settings = ProposerSettings.Default with { CombineMax = 2 } }.Proposer();
        var tickets = Enumerable.Range(0, 4).Select(i => proposer.Submit(Append($"{i}"))).ToList();

        var answers = tickets.Select(proposer.AbandonUnsent).ToList();

        Assert.Null(answers[0]); // Its attempt is under way.
        Assert.Null(answers[1]); // It is in the next round, with the one behind it.
        Assert.Null(answers[2]);
        Assert.IsType<Outcome.Unavailable>(answers[3]);
        proposer.Run();
        Assert.All(tickets[..3], ticket => Assert.IsType<Outcome.Applied>(proposer.Answer(ticket)));
    }

    [Fact]
    public void Too_little_time_does_not_end_what_is_in_doubt()
    {
        var proposer = _cluster.Proposer();
        proposer.Do(Put("a"));
        var ticket = proposer.Submit(Append("b"));
        proposer.HasRoom = false;
        proposer.Fire(); // The accept may have been accepted.
        proposer.Fire();

        Assert.True(proposer.Core.AwaitsRoom);
        Assert.Null(proposer.AbandonUnsent(ticket));
        Assert.IsType<Outcome.Unknown>(proposer.Abandon(ticket));
        Assert.False(proposer.IsInside);
    }
}
