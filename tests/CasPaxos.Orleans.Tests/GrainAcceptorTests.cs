using System.Diagnostics;
using CasPaxos.Registers;

namespace CasPaxos.Orleans.Tests;

/// <summary>Messages to an acceptor grain that are lost on the way, as connections lose them that are closed.</summary>
public sealed class GrainAcceptorTests
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(60);
    private static readonly Ballot Five = new(5, new ProposerId(Guid.NewGuid()));
    private static readonly AcceptorCall[] Batch = [new(new RegisterKey("lost"), new AcceptorRequest.Prepare(1, Five))];

    [Fact]
    public async Task A_message_that_is_lost_is_sent_again_long_before_the_deadline()
    {
        var grain = new ScriptedAcceptor(ask => ask == 0 ? Silence() : Promise());

        var clock = Stopwatch.StartNew();
        var replies = await Over(grain).AskAsync(Batch, CancellationToken.None);

        Assert.IsType<AcceptorReply.Promised>(Assert.Single(replies));
        Assert.True(clock.Elapsed < Deadline / 2, $"took {clock.Elapsed}");
        Assert.Equal(2, grain.Asked);
    }

    [Fact]
    public async Task The_first_answer_counts_when_it_comes_late()
    {
        var grain = new ScriptedAcceptor(ask => ask == 0 ? LateAsync() : Silence());

        var replies = await Over(grain).AskAsync(Batch, CancellationToken.None);

        Assert.IsType<AcceptorReply.Promised>(Assert.Single(replies));
    }

    // Orleans makes an exception of whatever type a message names: nothing proves who has thrown it.
    [Fact]
    public async Task An_exception_that_says_that_nothing_took_effect_proves_nothing()
    {
        var grain = new ScriptedAcceptor(_ => Task.FromException<AcceptorReplyMessage[]>(
            new AcceptorUnavailableException("nothing was sent", mayHaveTakenEffect: false)));

        var failure = await Assert.ThrowsAsync<AcceptorUnavailableException>(
            () => Over(grain).AskAsync(Batch, CancellationToken.None));

        Assert.True(failure.MayHaveTakenEffect);
    }

    // The copy that was not heard of may have been accepted and overtaken before the other one was refused.
    [Fact]
    public async Task A_refusal_of_an_accept_that_was_sent_twice_proves_nothing()
    {
        var grain = new ScriptedAcceptor(ask => ask == 0 ? Silence() : Reply(new AcceptorReply.Refused(Five)));

        var replies = await Over(grain).AskAsync(
            [new(new RegisterKey("lost"), new AcceptorRequest.Accept(1, Five, new byte[1], Ballot.Zero))],
            CancellationToken.None);

        Assert.True(Assert.IsType<AcceptorReply.Failed>(Assert.Single(replies)).MayHaveTakenEffect);
    }

    // The first copy was promised, and that answer is lost: the proposer must not wait for it.
    [Fact]
    public async Task A_prepare_that_was_refused_for_its_own_ballot_has_failed()
    {
        var grain = new ScriptedAcceptor(ask => ask == 0 ? Silence() : Reply(new AcceptorReply.Refused(Five)));

        var replies = await Over(grain).AskAsync(Batch, CancellationToken.None);

        Assert.IsType<AcceptorReply.Failed>(Assert.Single(replies));
    }

    [Fact]
    public async Task A_refusal_of_an_accept_that_was_sent_once_is_passed_on()
    {
        var grain = new ScriptedAcceptor(_ => Reply(new AcceptorReply.Refused(Five)));

        var replies = await Over(grain).AskAsync(
            [new(new RegisterKey("lost"), new AcceptorRequest.Accept(1, Five, new byte[1], Ballot.Zero))],
            CancellationToken.None);

        Assert.IsType<AcceptorReply.Refused>(Assert.Single(replies));
    }

    [Fact]
    public async Task An_accept_that_was_sent_twice_and_accepted_is_accepted()
    {
        var grain = new ScriptedAcceptor(ask => ask == 0 ? Silence() : Reply(new AcceptorReply.Accepted(Five)));

        var replies = await Over(grain).AskAsync(
            [new(new RegisterKey("lost"), new AcceptorRequest.Accept(1, Five, new byte[1], Ballot.Zero))],
            CancellationToken.None);

        Assert.IsType<AcceptorReply.Accepted>(Assert.Single(replies));
    }

    [Fact]
    public async Task An_erasure_is_not_sent_twice()
    {
        var grain = new ScriptedAcceptor(_ => LateAsync());

        await Over(grain).AskAsync(
            [new(new RegisterKey("lost"), new AcceptorRequest.Erase(1, Five, 1))], CancellationToken.None);

        Assert.Equal(1, grain.Asked);
    }

    [Fact]
    public async Task What_is_answered_in_time_is_sent_once()
    {
        var grain = new ScriptedAcceptor(_ => Promise());

        await Over(grain).AskAsync(Batch, CancellationToken.None);

        Assert.Equal(1, grain.Asked);
    }

    [Fact]
    public async Task A_silo_that_is_gone_costs_no_deadline_and_the_message_may_have_arrived()
    {
        var grain = new ScriptedAcceptor(ask => ask == 0
            ? Silence()
            : Task.FromException<AcceptorReplyMessage[]>(new SiloUnavailableException("gone")));

        var clock = Stopwatch.StartNew();
        var thrown = await Assert.ThrowsAsync<AcceptorUnavailableException>(
            () => Over(grain).AskAsync(Batch, CancellationToken.None));

        Assert.True(thrown.MayHaveTakenEffect);
        Assert.True(clock.Elapsed < Deadline / 2, $"took {clock.Elapsed}");
    }

    private static GrainAcceptor Over(ScriptedAcceptor grain) =>
        new(0, Guid.NewGuid(), grain, Deadline);

    private static Task<AcceptorReplyMessage[]> Promise() => Reply(new AcceptorReply.Promised(Ballot.Zero, default));

    private static Task<AcceptorReplyMessage[]> Reply(AcceptorReply reply) =>
        Task.FromResult<AcceptorReplyMessage[]>([AcceptorReplyMessage.From(reply)]);

    private static Task<AcceptorReplyMessage[]> Silence() => new TaskCompletionSource<AcceptorReplyMessage[]>().Task;

    private static async Task<AcceptorReplyMessage[]> LateAsync()
    {
        await Task.Delay(500);
        return await Promise();
    }

    /// <summary>An acceptor that answers by the number of the message.</summary>
    private sealed class ScriptedAcceptor(Func<int, Task<AcceptorReplyMessage[]>> answer) : IAcceptorGrain
    {
        public int Asked { get; private set; }

        public Task<AcceptorReplyMessage[]> AskAsync(AcceptorBatch batch) => answer(Asked++);

        public Task<ScanPageMessage> ScanAsync(ScanRequestMessage request) => throw new NotSupportedException();

        public Task<AcceptorDescription> DescribeAsync(Guid incarnation) => throw new NotSupportedException();
    }
}
