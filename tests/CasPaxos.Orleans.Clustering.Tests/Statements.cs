using CasPaxos.Registers;

namespace CasPaxos.Orleans.Clustering.Tests;

/// <summary>Counts statements to databases: each is a round trip, and one that writes a commit.</summary>
internal sealed class Statements
{
    private int _requests;
    private int _reads;
    private int _writes;
    private int _underWay;

    public IAcceptor Wrap(IAcceptor inner) => new CountingAcceptor(inner, this);

    /// <summary>How many of each an operation took, and how many requests these carried, at all databases.</summary>
    public async Task<(int Reads, int Writes, int Requests)> CountAsync(Func<Task> work)
    {
        await SettleAsync(); // What a database was sent that the operation before did not wait for.
        (_reads, _writes, _requests) = (0, 0, 0);
        await work();
        await SettleAsync();
        return (_reads, _writes, _requests);
    }

    /// <summary>
    /// Checks a count. A round asks three databases and waits for two. On a busy machine the third one's requests may
    /// wait until they travel with those of the next round; so n rounds are 2n to 3n statements. Their requests are as
    /// many as ever: one a register and database.
    /// </summary>
    public static void AssertRounds(
        (int Reads, int Writes, int Requests) count, int reads, int writes, int registers)
    {
        Assert.Equal(3 * registers, count.Requests);
        Assert.InRange(count.Reads, 2 * reads, 3 * reads);
        Assert.InRange(count.Writes, 2 * writes, 3 * writes);
    }

    private async Task SettleAsync()
    {
        (int, int) last;
        do
        {
            last = (_reads, _writes);
            await Task.Delay(50);
        }
        while (_underWay > 0 || (_reads, _writes) != last);
    }

    private sealed class CountingAcceptor(IAcceptor inner, Statements statements) : IAcceptor
    {
        public async Task<IReadOnlyList<AcceptorReply>> AskAsync(
            IReadOnlyList<AcceptorCall> batch, CancellationToken cancellationToken)
        {
            Interlocked.Increment(ref statements._underWay);
            Interlocked.Add(ref statements._requests, batch.Count);
            Interlocked.Increment(
                ref batch[0].Request is AcceptorRequest.Read ? ref statements._reads : ref statements._writes);
            try
            {
                return await inner.AskAsync(batch, cancellationToken);
            }
            finally
            {
                Interlocked.Decrement(ref statements._underWay);
            }
        }

        public Task<ScanPage> ScanAsync(ScanRequest request, CancellationToken cancellationToken) =>
            inner.ScanAsync(request, cancellationToken);
    }
}
