using CasPaxos.Registers;

namespace CasPaxos.Orleans;

/// <summary>Registers for the grains of this silo, without a call in between: the silo's own proposers.</summary>
internal sealed class SiloRegisterClient(SiloRegisters registers) : IRegisterClient
{
    public TimeProvider Time => registers.Client.Time;

    public Task<Outcome> ExecuteAsync(
        RegisterKey key, Operation operation, TimeSpan? timeout, CancellationToken cancellationToken = default) =>
        registers.Client.ExecuteAsync(key, operation, timeout, cancellationToken);

    public Task<Outcome> ReadPossiblyStaleAsync(RegisterKey key, CancellationToken cancellationToken = default) =>
        registers.Client.ReadPossiblyStaleAsync(key, cancellationToken);

    public async Task<RegisterPage> ListAsync(
        string prefix, RegisterKey? after = null, int limit = 1000, CancellationToken cancellationToken = default)
    {
        try
        {
            return await registers.Client.ListAsync(prefix, after, limit, cancellationToken);
        }
        catch (Exception failure) when (failure is AcceptorUnavailableException or RegisterException)
        {
            throw new RegisterGrainUnavailableException($"The registers cannot be listed now: {failure.Message}");
        }
    }

    public Exception ToException(RegisterKey key, Outcome outcome) => GrainOutcomes.ToException(key, outcome);
}
