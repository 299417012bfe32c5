using CasPaxos.Registers;

namespace CasPaxos.Orleans;

/// <summary>
/// Registers for the grains of this silo, without a call in between: the silo's own proposers. While the silo is
/// starting, they are unavailable: a grain directory may be asked before there are any.
/// </summary>
internal sealed class SiloRegisterClient(SiloRegisters registers, SlotStores stores) : IRegisterClient
{
    private const string NotOpen = "This silo is starting, and has not opened its slots yet.";

    public TimeProvider Time => TimeProvider.System;

    public Task<Outcome> ExecuteAsync(
        RegisterKey key, Operation operation, TimeSpan? timeout, CancellationToken cancellationToken = default) =>
        stores.IsOpen
            ? registers.Client.ExecuteAsync(key, operation, timeout, cancellationToken)
            : Task.FromResult<Outcome>(new Outcome.Unavailable(NotOpen));

    public Task<Outcome> ReadPossiblyStaleAsync(RegisterKey key, CancellationToken cancellationToken = default) =>
        stores.IsOpen
            ? registers.Client.ReadPossiblyStaleAsync(key, cancellationToken)
            : Task.FromResult<Outcome>(new Outcome.Unavailable(NotOpen));

    public async Task<RegisterPage> ListAsync(ListQuery query, CancellationToken cancellationToken = default)
    {
        if (!stores.IsOpen)
        {
            throw new RegisterGrainUnavailableException($"The registers cannot be listed now: {NotOpen}");
        }

        try
        {
            return await registers.Client.ListAsync(query, cancellationToken);
        }
        catch (Exception failure) when (failure is AcceptorUnavailableException or RegisterException)
        {
            throw new RegisterGrainUnavailableException($"The registers cannot be listed now: {failure.Message}");
        }
    }

    public Exception ToException(RegisterKey key, Outcome outcome) => GrainOutcomes.ToException(key, outcome);
}
