using System.Text;

namespace CasPaxos.Orleans;

/// <summary>
/// Refuses calls of clients to acceptors: they speak to registers. The incarnation in every batch is a second lock, for
/// calls whose sender is forged.
/// </summary>
internal sealed class ClientCallFilter : IIncomingGrainCallFilter
{
    /// <summary>What Orleans calls the sender of a silo's calls that come from no grain.</summary>
    private static readonly byte[] Silo = Encoding.UTF8.GetBytes("hosted-");

    public Task Invoke(IIncomingGrainCallContext context) =>
        context.Grain is AcceptorGrain && IsClient(context.SourceId)
            ? throw new UnauthorizedAccessException("Clients speak to registers; acceptors are for the silos alone.")
            : context.Invoke();

    private static bool IsClient(GrainId? source) =>
        source is not { } sender || (sender.IsClient() && !sender.Key.AsSpan().StartsWith(Silo));
}
