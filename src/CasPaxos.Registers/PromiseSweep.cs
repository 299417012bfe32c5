namespace CasPaxos.Registers;

/// <summary>
/// One look through the rows that hold only a promise. Those that the look before saw with the same promise are swept:
/// the row goes, and the database's ballot floor takes the promise over in the same statement. Every promise stays in
/// force, so this is safe at any time and at one slot alone, whatever the others have. A row that a proposer is just at
/// work on is spared for another reason: the floor would rise for all registers of the database.
/// </summary>
internal sealed class PromiseSweep
{
    private readonly SweepMemory<(int Slot, RegisterKey Key), Ballot> _memory;
    private readonly List<(int Slot, ScannedRow Row)> _old = [];

    /// <param name="before">The look before; null for the first of all.</param>
    public PromiseSweep(PromiseSweep? before) => _memory = new(before?._memory);

    /// <summary>Takes the rows of a register of which no slot that answered has accepted anything.</summary>
    public void Add(IEnumerable<(int Slot, ScannedRow Row)> rows)
    {
        foreach (var (slot, row) in rows)
        {
            if (_memory.Knew((slot, row.Key), row.Promised))
            {
                _old.Add((slot, row));
            }
            else
            {
                Remember(slot, row);
            }
        }
    }

    /// <summary>Sweeps what was found to be old, and remembers what could not be swept for the next look.</summary>
    /// <returns>How many rows are gone.</returns>
    public async Task<int> SendAsync(
        long epoch,
        Func<int, RegisterKey, AcceptorQueue> queueOf,
        TimeSpan timeout,
        TimeProvider time,
        CancellationToken cancellationToken)
    {
        var replies = new Replies(_old.Count);
        var request = new AcceptorRequest.Erase(epoch, Ballot.Zero, Version: 0);
        for (var i = 0; i < _old.Count; i++)
        {
            queueOf(_old[i].Slot, _old[i].Row.Key).Enqueue(_old[i].Row.Key, request, attempt: i, replies);
        }

        var swept = 0;
        var answers = await replies.WaitAsync(timeout, time, cancellationToken);
        for (var i = 0; i < _old.Count; i++)
        {
            switch (answers[i])
            {
                case AcceptorReply.Erased:
                    swept++;
                    break;
                case AcceptorReply.Kept: // It has accepted something since.
                    break;
                default:
                    Remember(_old[i].Slot, _old[i].Row);
                    break;
            }
        }

        _old.Clear();
        return swept;
    }

    private void Remember(int slot, ScannedRow row) => _memory.Remember((slot, row.Key), row.Promised);

    /// <summary>Gathers the replies to a number of requests.</summary>
    private sealed class Replies(int count) : IReplyTarget
    {
        private readonly Lock _gate = new();
        private readonly AcceptorReply?[] _replies = new AcceptorReply?[count];
        private readonly TaskCompletionSource _complete = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private int _missing = count;

        public void Receive(int slot, long attempt, AcceptorReply reply)
        {
            lock (_gate)
            {
                _replies[attempt] = reply;
                if (--_missing == 0)
                {
                    _complete.SetResult();
                }
            }
        }

        /// <summary>What has been answered; null for what was not in time.</summary>
        public async Task<AcceptorReply?[]> WaitAsync(
            TimeSpan timeout, TimeProvider time, CancellationToken cancellationToken)
        {
            if (_replies.Length > 0)
            {
                try
                {
                    await _complete.Task.WaitAsync(timeout, time, cancellationToken);
                }
                catch (TimeoutException)
                {
                    // A slot is silent; what it does later does no harm.
                }
            }

            lock (_gate)
            {
                return [.. _replies];
            }
        }
    }
}
