using CasPaxos.Registers;

namespace CasPaxos.Bench;

/// <summary>Counts what passes to an acceptor.</summary>
internal sealed class CountingAcceptor(IAcceptor inner) : IAcceptor
{
    private long _requests;
    private long _statements;

    public long Requests => Interlocked.Read(ref _requests);

    public long Statements => Interlocked.Read(ref _statements);

    public Task<IReadOnlyList<AcceptorReply>> AskAsync(
        IReadOnlyList<AcceptorCall> batch, CancellationToken cancellationToken)
    {
        Interlocked.Add(ref _requests, batch.Count);
        Interlocked.Increment(ref _statements);
        return inner.AskAsync(batch, cancellationToken);
    }

    public Task<ScanPage> ScanAsync(ScanRequest request, CancellationToken cancellationToken) =>
        inner.ScanAsync(request, cancellationToken);
}
