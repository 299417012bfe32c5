using CasPaxos.Registers;
using Microsoft.Extensions.Logging;
using Orleans.Storage;

namespace CasPaxos.Orleans;

/// <summary>
/// An acceptor over any Orleans grain storage. Each call reads the register's record in this request, decides by the
/// rule, and writes the whole record on condition that nobody wrote since; only then does it answer. It remembers
/// nothing about registers, so two of them over one store do no harm (rules 2 to 4).
/// </summary>
/// <remarks>
/// Where the store differs from a PostgreSQL slot: a record is never deleted, since a deletion and a slot-wide floor
/// cannot be written as one. An erased register stays as a small record without a row, whose floors are its own; that
/// is rules 16 and 19 for each register by itself. An epoch is learnt by each record by itself too; the slot's record
/// sets the least. A grain storage cannot list, so registers in it cannot be listed, nor be found by the sweep that
/// erases.
/// </remarks>
internal sealed partial class GrainStorageAcceptor(
    SlotStorage storage, SlotGuard guard, TimeSpan timeout, ILogger logger) : IAcceptor
{
    /// <summary>How often a call begins anew because another writer was faster.</summary>
    public const int TriesMax = 6;

    public async Task<IReadOnlyList<AcceptorReply>> AskAsync(
        IReadOnlyList<AcceptorCall> batch, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(batch);
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(timeout);
        var epoch = await guard.AdmitAsync(deadline.Token);
        var replies = new AcceptorReply[batch.Count];
        var troubles = new AcceptorUnavailableException?[batch.Count];
        await Task.WhenAll(Enumerable.Range(0, batch.Count)
            .GroupBy(place => batch[place].Key)
            .Select(places => AnswerInOrderAsync(batch, places, replies, troubles, epoch, deadline.Token)));

        // A store that answers nothing is down, and is to be left alone for a while: an exception says that.
        if (Array.TrueForAll(troubles, trouble => trouble is not null))
        {
            throw new AcceptorUnavailableException(
                troubles[0]!.Message,
                replies.Any(reply => reply is AcceptorReply.Failed { MayHaveTakenEffect: true }),
                troubles[0]);
        }

        // Asked after the records were read: had the store been wiped or swapped before, they would prove nothing.
        using var lastDeadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        lastDeadline.CancelAfter(timeout);
        await guard.ConfirmAsync(epoch, lastDeadline.Token);
        return replies;
    }

    public Task<ScanPage> ScanAsync(ScanRequest request, CancellationToken cancellationToken) =>
        Task.FromException<ScanPage>(new AcceptorUnavailableException(
            $"{storage.Place} cannot list its registers: a grain storage finds records by their ids only.",
            mayHaveTakenEffect: false));

    /// <summary>
    /// The calls of one register. One that failed does not stop the next: if its write comes late, it finds an ETag
    /// that is no longer the record's.
    /// </summary>
    private async Task AnswerInOrderAsync(
        IReadOnlyList<AcceptorCall> batch,
        IEnumerable<int> places,
        AcceptorReply[] replies,
        AcceptorUnavailableException?[] troubles,
        long epoch,
        CancellationToken deadline)
    {
        foreach (var place in places)
        {
            (replies[place], troubles[place]) = await AnswerAsync(batch[place], epoch, deadline);
        }
    }

    /// <summary>One call's reply, and the storage's trouble that it failed of, if it did.</summary>
    private async Task<(AcceptorReply Reply, AcceptorUnavailableException? Trouble)> AnswerAsync(
        AcceptorCall call, long epoch, CancellationToken deadline)
    {
        var wrote = false;
        try
        {
            for (var tries = 0; tries < TriesMax; tries++)
            {
                var record = await storage.ReadAsync(call.Key, deadline);
                if (record.IsThere && record.State.FindProblem(call.Key) is { } problem)
                {
                    LogUnfit(storage.Place, problem);
                    return (
                        new AcceptorReply.Failed(wrote, $"{storage.Place} refuses a register: {problem}."), null);
                }

                var (reply, persist) = Acceptor.Decide(record.State.ToState(epoch), call.Request);
                if (persist is not { } state)
                {
                    return (wrote ? InDoubt(call, reply) : reply, null);
                }

                record.State = AcceptorRecord.From(call.Key, state);
                try
                {
                    await storage.WriteAsync(call.Key, record, deadline);
                    return (wrote ? InDoubt(call, reply) : reply, null);
                }
                catch (InconsistentStateException)
                {
                    // Another writer was faster: what was read is no ground for an answer any more.
                    wrote = true;
                }
            }

            return (
                new AcceptorReply.Failed(wrote, $"{storage.Place}: other writers were faster {TriesMax} times."), null);
        }
        catch (AcceptorUnavailableException failure)
        {
            return (new AcceptorReply.Failed(wrote || failure.MayHaveTakenEffect, failure.Message), failure);
        }
    }

    /// <summary>
    /// What a call is answered after a write of it lost. Some providers repeat a request whose answer was lost, and
    /// then report their own first copy as the faster writer; a higher ballot may have followed before this call read
    /// again. To the proposer a refusal proves that the accept had no effect (rule 11), so then none is given.
    /// </summary>
    private AcceptorReply InDoubt(AcceptorCall call, AcceptorReply reply) =>
        call.Request is AcceptorRequest.Accept && reply is AcceptorReply.Refused or AcceptorReply.Fenced
            ? new AcceptorReply.Failed(
                MayHaveTakenEffect: true, $"{storage.Place}: another writer with a higher ballot was faster.")
            : reply;

    [LoggerMessage(2010, LogLevel.Error, "{Place} holds a record that must not be used: {Problem}.")]
    private partial void LogUnfit(string place, string problem);
}
