using CasPaxos.Registers;

namespace CasPaxos.Orleans;

/// <summary>
/// The port to a slot through one of its acceptor grains. A silo that died without a word costs its slot one deadline
/// and nobody else anything: the proposer has its quorum from the others.
/// </summary>
internal sealed class GrainAcceptor(int slot, Guid incarnation, IAcceptorGrain grain, TimeSpan timeout) : IAcceptor
{
    /// <summary>What every answer on a network that works has long come by, unless all of them take longer.</summary>
    private readonly AnswerTimes _times = new(TimeSpan.FromMilliseconds(250), TimeProvider.System);

    public async Task<IReadOnlyList<AcceptorReply>> AskAsync(
        IReadOnlyList<AcceptorCall> batch, CancellationToken cancellationToken)
    {
        var message = AcceptorBatch.From(incarnation, batch);
        var replies = await CallAsync(AskTwiceAsync(grain, message), timeout, cancellationToken);
        return replies.Length == batch.Count
            ? Array.ConvertAll(replies, reply => reply.ToReply())
            : throw new AcceptorUnavailableException(
                $"Slot {slot} answered {batch.Count} calls with {replies.Length} replies.", mayHaveTakenEffect: true);
    }

    public async Task<ScanPage> ScanAsync(ScanRequest request, CancellationToken cancellationToken)
    {
        // As long as the caller waits: a page may be long, and others may be listed before it.
        var message = ScanRequestMessage.From(incarnation, request);
        var page = await CallAsync(grain.ScanAsync(message), Timeout.InfiniteTimeSpan, cancellationToken);
        return page.Problem is { } problem
            ? throw new AcceptorUnavailableException(problem, mayHaveTakenEffect: false)
            : page.ToPage();
    }

    public Task<AcceptorDescription> DescribeAsync(CancellationToken cancellationToken) =>
        CallAsync(grain.DescribeAsync(incarnation), timeout, cancellationToken);

    /// <summary>
    /// A connection between silos that is closed takes what it carries with it, and nobody says so: Orleans closes even
    /// one between two silos that are well, ten seconds after a former life of one of them was declared dead. So a
    /// silence is answered with the same message again, and whichever answer comes first counts. A second try that
    /// fails at once says that the silo is gone.
    /// </summary>
    private async Task<AcceptorReplyMessage[]> AskTwiceAsync(IAcceptorGrain acceptor, AcceptorBatch message)
    {
        var first = _times.MeasureAsync(acceptor.AskAsync(message));
        await ((Task)first).WaitAsync(_times.ResendAfter(silent: 0))
            .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (first.IsCompleted || message.Calls.Any(call => call.Kind == RequestKind.Erase))
        {
            return await first; // Erasing has time.
        }

        var second = acceptor.AskAsync(message);
        var answered = await Task.WhenAny(first, second);
        Delivery.Forget(answered == first ? second : first);
        var replies = await answered;
        return [.. replies.Select((reply, i) => OfTwo(message.Calls[i], reply))];
    }

    /// <summary>
    /// What one copy of an accept was answered says what is there, but not that the other had no effect; and the
    /// proposer takes a refusal as proof that an accept had none (<see cref="ProposerSettings.DeliveredOnce"/>). A
    /// prepare that was refused for its own ballot was promised before, and that answer is lost: nobody waits for it.
    /// </summary>
    private static AcceptorReplyMessage OfTwo(AcceptorCallMessage call, AcceptorReplyMessage reply) => call.Kind switch
    {
        RequestKind.Accept when reply.Kind == ReplyKind.Accepted => reply,
        RequestKind.Accept => Lost(reply),
        RequestKind.Prepare when reply.Kind == ReplyKind.Refused && reply.Ballot == call.Ballot => Lost(reply),
        _ => reply,
    };

    private static AcceptorReplyMessage Lost(AcceptorReplyMessage reply) =>
        new(ReplyKind.Failed, default, null, $"sent twice, and one copy was {reply.Kind}");

    private async Task<T> CallAsync<T>(Task<T> call, TimeSpan longest, CancellationToken cancellationToken)
    {
        try
        {
            return await call.WaitAsync(longest, cancellationToken);
        }
        catch (Exception failure)
        {
            // Whatever the message met on its way, it may have arrived; an exception is no proof of anything, whoever
            // has thrown it, and whatever it says.
            var what = failure is TimeoutException ? "no answer in time" : failure.Message;
            throw new AcceptorUnavailableException($"Slot {slot}: {what}.", mayHaveTakenEffect: true, failure);
        }
    }
}
