using CasPaxos.Orleans;
using CasPaxos.Registers;

namespace CasPaxos.Client;

/// <summary>What the commands ask, whoever answers: silos, or this process over the databases.</summary>
internal interface IRegisterService : IAsyncDisposable
{
    /// <summary>The registers.</summary>
    IRegisterClient Registers { get; }

    /// <summary>What an operator should know; for people.</summary>
    IReadOnlyList<string> Warnings { get; }

    /// <summary>
    /// Learns where a register stands, so that an operation on it can be retried with certainty whatever becomes of
    /// the first try. An outcome only if nothing can be done at all.
    /// </summary>
    Task<Outcome.Unavailable?> PrepareAsync(RegisterKey key, CancellationToken cancellationToken);

    /// <summary>How the service is. Without silos and acceptors where there are none.</summary>
    Task<ServiceStatus> StatusAsync(CancellationToken cancellationToken);
}
