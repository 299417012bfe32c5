using System.Diagnostics;

namespace CasPaxos.Registers;

/// <summary>One lane of an <see cref="AcceptorQueue"/>.</summary>
internal sealed class LaneQueue(
    int slot, string lane, IAcceptor acceptor, SlotHealth health, RegisterClientOptions options, int batchesUnderWay)
{
    private readonly LaneTags _tags = new(slot, lane, options.Port);
    private readonly Lock _gate = new();
    private readonly Queue<Entry> _waiting = new();
    private long _waitingBytes;
    private int _underWay;

    internal readonly record struct Entry(AcceptorCall Call, long Attempt, IReplyTarget Target)
    {
        public int Bytes => Call.Request is AcceptorRequest.Accept accept ? accept.Value.Length : 0;
    }

    public void Enqueue(Entry entry)
    {
        var refusal = health.Refuse();
        var begin = false;
        if (refusal is null)
        {
            lock (_gate)
            {
                // Values that wait are memory: as many bytes as fill sixteen batches, and a single one in any case.
                var full = _waiting.Count >= options.QueueMax
                    || (_waiting.Count > 0 && _waitingBytes + entry.Bytes > 16L * options.BatchBytesMax);
                if (full)
                {
                    refusal = $"{_waiting.Count} requests wait for it already.";
                }
                else
                {
                    _waiting.Enqueue(entry);
                    _waitingBytes += entry.Bytes;
                    begin = _underWay < batchesUnderWay;
                    _underWay += begin ? 1 : 0;
                }
            }
        }

        if (refusal is null)
        {
            Telemetry.Queued(_tags, 1);
        }

        if (refusal is not null)
        {
            entry.Target.Receive(slot, entry.Attempt, new AcceptorReply.Failed(MayHaveTakenEffect: false, refusal));
        }
        else if (begin)
        {
            // On another thread: the callers at hand put their requests into the first batch too.
            _ = Task.Run(SendBatchesAsync);
        }
    }

    /// <summary>Sends batch after batch while there is anything to send. Never throws.</summary>
    private async Task SendBatchesAsync()
    {
        while (TakeBatch() is { } batch)
        {
            var began = Stopwatch.GetTimestamp();
            var calls = Array.ConvertAll(batch, entry => entry.Call);
            IReadOnlyList<AcceptorReply>? replies = null;
            AcceptorReply? failure = null;
            try
            {
                replies = await acceptor.AskAsync(calls, CancellationToken.None);
                if (replies.Count != batch.Length)
                {
                    throw new InvalidOperationException($"{replies.Count} replies to {batch.Length} requests.");
                }

                health.Answered();
            }
            catch (AcceptorUnavailableException exception)
            {
                failure = new AcceptorReply.Failed(exception.MayHaveTakenEffect, exception.Message);
                health.Failed(exception.Message);
            }
#pragma warning disable CA1031 // An acceptor's defect must not stop the queue; nothing is known of what it did.
            catch (Exception exception)
#pragma warning restore CA1031
            {
                failure = new AcceptorReply.Failed(MayHaveTakenEffect: true, exception.Message);
                health.Failed(exception.Message);
            }

            Telemetry.Answered(_tags, began, failure is null);
            for (var i = 0; i < batch.Length; i++)
            {
                batch[i].Target.Receive(slot, batch[i].Attempt, failure ?? replies![i]);
            }
        }
    }

    private Entry[]? TakeBatch()
    {
        lock (_gate)
        {
            if (_waiting.Count == 0)
            {
                _underWay--;
                return null;
            }

            var epoch = _waiting.Peek().Call.Request.Epoch;
            var batch = new List<Entry>(Math.Min(_waiting.Count, options.BatchMax));
            var bytes = 0L;
            while (_waiting.TryPeek(out var next)
                && batch.Count < options.BatchMax
                && next.Call.Request.Epoch == epoch
                && (batch.Count == 0 || bytes + next.Bytes <= options.BatchBytesMax))
            {
                batch.Add(_waiting.Dequeue());
                bytes += next.Bytes;
            }

            _waitingBytes -= bytes;
            Telemetry.Queued(_tags, -batch.Count);
            Telemetry.Sent(_tags, batch.Count);
            return [.. batch];
        }
    }
}
