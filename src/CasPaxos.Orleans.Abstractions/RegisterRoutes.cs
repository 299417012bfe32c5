using CasPaxos.Orleans.Wire;

namespace CasPaxos.Orleans;

/// <summary>
/// The ways to a register's proposers. The first is its own grain, so that the same silo serves it as long as it can. A
/// gateway that is paused does not say so, and Orleans goes on sending it whatever is for that grain; so every other
/// try goes another way.
/// </summary>
internal class RegisterRoutes(IGrainFactory grains, ServiceWays ways, RegisterKey key)
{
    /// <summary>Carries an operation.</summary>
    /// <param name="attempt">0 for the first try; then 1, 2, …</param>
    /// <param name="operation">What is wanted.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    public virtual Task<OutcomeMessage> ExecuteAsync(
        int attempt, OperationMessage operation, CancellationToken cancellationToken) => attempt == 0
        ? grains.GetGrain<IRegisterGrain>(key.Text).ExecuteAsync(operation, cancellationToken)
        : ways.AskAsync(silo => silo.ExecuteAsync(key.Text, operation, cancellationToken));

    /// <summary>Asks where the register stands.</summary>
    public virtual Task<OutcomeMessage> LocateAsync(int attempt, CancellationToken cancellationToken) => attempt == 0
        ? grains.GetGrain<IRegisterGrain>(key.Text).LocateAsync(cancellationToken)
        : ways.AskAsync(silo => silo.LocateAsync(key.Text, cancellationToken));
}
