using CasPaxos.Orleans.Wire;

namespace CasPaxos.Orleans;

/// <summary>
/// One register: its proposer on the silo that the call reaches. Key: the register's. Any silo's is correct; the one
/// that was used before answers a round trip sooner.
/// </summary>
[Alias("caspaxos.IRegisterGrain")]
internal interface IRegisterGrain : IGrainWithStringKey
{
    /// <summary>Applies an operation. Cancelling stops waiting, and the answer says what is known.</summary>
    [Alias("Execute")]
    Task<OutcomeMessage> ExecuteAsync(OperationMessage operation, CancellationToken cancellationToken);

    /// <summary>
    /// Where the register stands or stood, as an outcome without its value: a position to begin from. Unavailable if
    /// nobody knows.
    /// </summary>
    [Alias("Locate")]
    Task<OutcomeMessage> LocateAsync(CancellationToken cancellationToken);

    /// <summary>What this silo saw last; a linearizable read if it has seen nothing.</summary>
    [Alias("ReadPossiblyStale")]
    Task<OutcomeMessage> ReadPossiblyStaleAsync(CancellationToken cancellationToken);
}
