using CasPaxos.Orleans.Wire;
using Orleans.Concurrency;
using Orleans.GrainDirectory;

namespace CasPaxos.Orleans;

/// <summary>
/// A register's proposer on this silo: at most one, made by the first call. Operations that wait for it are applied in
/// one round. Holds soft state only; losing it costs a round trip.
/// </summary>
/// <remarks>Reentrant, so that operations can wait together; the proposer takes one message at a time.</remarks>
[GrainType("caspaxos.register")]
[StatelessWorker(1), Reentrant, GrainDirectory(ComputedDirectory.Name), CollectionAgeLimit(Minutes = 2)]
internal sealed class RegisterGrain(SiloRegisters registers, ClientKeys keys) : Grain, IRegisterGrain
{
    public Task<OutcomeMessage> ExecuteAsync(OperationMessage operation, CancellationToken cancellationToken) =>
        registers.ExecuteAsync(Admitted(), operation, cancellationToken);

    public Task<OutcomeMessage> LocateAsync(CancellationToken cancellationToken) =>
        registers.LocateAsync(Admitted(), cancellationToken);

    public Task<OutcomeMessage> ReadPossiblyStaleAsync(CancellationToken cancellationToken) =>
        registers.ReadPossiblyStaleAsync(Admitted(), cancellationToken);

    private RegisterKey Admitted()
    {
        var key = this.GetPrimaryKeyString();
        keys.Admit(key);
        return new RegisterKey(key);
    }
}
