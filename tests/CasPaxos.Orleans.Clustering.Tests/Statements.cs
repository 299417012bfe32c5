using CasPaxos.Registers;

namespace CasPaxos.Orleans.Clustering.Tests;

/// <summary>Counts statements to databases: each is a round trip, and one that writes a commit.</summary>
internal sealed class Statements
{
    private int _reads;
    private int _writes;

    public IAcceptor Wrap(IAcceptor inner) => new CountingAcceptor(inner, this);

    /// <summary>How many of each an operation took, all databases together.</summary>
    public async Task<(int Reads, int Writes)> CountAsync(Func<Task> work)
    {
        await Task.Delay(50); // What a database was sent that the operation before did not wait for.
        (_reads, _writes) = (0, 0);
        await work();
        await Task.Delay(50);
        return (_reads, _writes);
    }

    private sealed class CountingAcceptor(IAcceptor inner, Statements statements) : IAcceptor
    {
        public Task<IReadOnlyList<AcceptorReply>> AskAsync(
            IReadOnlyList<AcceptorCall> batch, CancellationToken cancellationToken)
        {
            Interlocked.Increment(
                ref batch[0].Request is AcceptorRequest.Read ? ref statements._reads : ref statements._writes);
            return inner.AskAsync(batch, cancellationToken);
        }

        public Task<ScanPage> ScanAsync(ScanRequest request, CancellationToken cancellationToken) =>
            inner.ScanAsync(request, cancellationToken);
    }
}
