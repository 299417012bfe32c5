using CasPaxos.Registers;

namespace CasPaxos.Orleans.Clustering.Tests;

/// <summary>
/// Loses answers behind databases, from the first accept on: what was asked has taken effect, and who asked cannot
/// look.
/// </summary>
internal sealed class Losses(double share)
{
    private volatile bool _begun;

    /// <summary>Which share of the answers is lost: 0 to 1.</summary>
    public double Share { get; set; } = share;

    public IAcceptor Wrap(IAcceptor inner) => new LossyAcceptor(inner, this);

    private sealed class LossyAcceptor(IAcceptor inner, Losses losses) : IAcceptor
    {
        public async Task<IReadOnlyList<AcceptorReply>> AskAsync(
            IReadOnlyList<AcceptorCall> batch, CancellationToken cancellationToken)
        {
            losses._begun |= batch.Any(call => call.Request is AcceptorRequest.Accept);
            var replies = await inner.AskAsync(batch, cancellationToken);
            return losses._begun && Random.Shared.NextDouble() < losses.Share
                ? throw new AcceptorUnavailableException("the line went dead", mayHaveTakenEffect: true)
                : replies;
        }

        public Task<ScanPage> ScanAsync(ScanRequest request, CancellationToken cancellationToken) =>
            inner.ScanAsync(request, cancellationToken);
    }
}
