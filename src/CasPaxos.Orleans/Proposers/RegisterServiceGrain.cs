using CasPaxos.Orleans.Wire;
using CasPaxos.Registers;
using Orleans.Concurrency;
using Orleans.GrainDirectory;

namespace CasPaxos.Orleans;

/// <summary>Carries operations that could not go the usual way; lists registers; tells how the service is.</summary>
[GrainType("caspaxos.service")]
[StatelessWorker(1), Reentrant, GrainDirectory(ComputedDirectory.Name)]
internal sealed class RegisterServiceGrain(
    SiloRegisters registers,
    ClientKeys keys,
    AcceptorMap map,
    IClusterMembershipService membership) : Grain, IRegisterServiceGrain
{
    public Task<OutcomeMessage> ExecuteAsync(
        string key, OperationMessage operation, CancellationToken cancellationToken) =>
        registers.ExecuteAsync(Admitted(key), operation, cancellationToken);

    public Task<OutcomeMessage> LocateAsync(string key, CancellationToken cancellationToken) =>
        registers.LocateAsync(Admitted(key), cancellationToken);

    public async Task<PageMessage> ListAsync(ListQueryMessage query, CancellationToken cancellationToken)
    {
        try
        {
            keys.Admit(query.Prefix);
            var page = await registers.Client.ListAsync(query.ToQuery(), cancellationToken);
            return PageMessage.From(keys.Admitted(page), query.WithValues);
        }
        catch (Exception failure) when (failure is AcceptorUnavailableException or RegisterException)
        {
            throw new RegisterGrainUnavailableException($"The registers cannot be listed now: {failure.Message}");
        }
    }

    private RegisterKey Admitted(string key)
    {
        keys.Admit(key);
        return new RegisterKey(key);
    }

    public async Task<ServiceStatus> StatusAsync(CancellationToken cancellationToken)
    {
        var configuration = registers.Configuration;
        var slots = await Task.WhenAll(Enumerable.Range(0, configuration.Slots).Select(
            slot => SlotAsync(slot, cancellationToken)));
        return new ServiceStatus
        {
            ClusterId = configuration.ClusterId,
            Epoch = configuration.Epoch,
            PrepareQuorum = configuration.PrepareQuorum,
            AcceptQuorum = configuration.AcceptQuorum,
            Silos =
            [
                .. membership.CurrentSnapshot.Members.Values
                    .Where(member => member.Status != SiloStatus.Dead)
                    .OrderBy(member => member.Name, StringComparer.Ordinal)
                    .Select(member => new SiloStatusInfo(
                        member.SiloAddress.ToString(),
                        member.Name,
                        member.Status.ToString(),
                        map.LabelOf(member.SiloAddress))),
            ],
            Slots = slots,
        };
    }

    private async Task<SlotStatusInfo> SlotAsync(int slot, CancellationToken cancellationToken)
    {
        var described = await Task.WhenAll(registers.Acceptors.Select(
            shard => DescribeAsync(shard[slot], cancellationToken)));
        var store = described.FirstOrDefault(one => one.Description is not null).Description;
        return new SlotStatusInfo(
            slot,
            store is null ? described[0].Problem : store.Problem,
            store?.Epoch,
            store?.Floor,
            store?.VersionFloor,
            store?.RowsEstimate,
            [.. described.Select((one, shard) => Locate(slot, shard, one.Description))]);
    }

    private AcceptorStatusInfo Locate(int slot, int shard, AcceptorDescription? description)
    {
        var place = map.Place(new AcceptorAddress(slot, shard));
        var silo = description?.Silo ?? place?.ToString();
        var home = map.Silos().Any(one => one.Slot == slot && one.Address.ToString() == silo);
        return new AcceptorStatusInfo(shard, silo, description is not null, home);
    }

    private static async Task<(AcceptorDescription? Description, string? Problem)> DescribeAsync(
        GrainAcceptor acceptor, CancellationToken cancellationToken)
    {
        try
        {
            return (await acceptor.DescribeAsync(cancellationToken), null);
        }
        catch (AcceptorUnavailableException failure)
        {
            return (null, failure.Message);
        }
    }
}
