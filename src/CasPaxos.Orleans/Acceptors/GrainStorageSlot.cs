using CasPaxos.Registers;
using Microsoft.Extensions.Logging;
using Orleans.Storage;

namespace CasPaxos.Orleans;

/// <summary>A slot whose records are in an Orleans grain storage, under an incarnation that the options name.</summary>
/// <param name="storage">Its records.</param>
/// <param name="checks">What can look at the product behind the storage.</param>
/// <param name="timeout">Longest wait for all calls of one step.</param>
/// <param name="logger">Of its acceptor.</param>
internal sealed class GrainStorageSlot(
    SlotStorage storage, IReadOnlyList<ISlotStoreCheck> checks, TimeSpan timeout, ILogger logger) : ISlotStore
{
    public Guid? Incarnation => storage.Incarnation;

    private string OtherWriter => $"{storage.Place}: somebody else wrote the slot's record just now.";

    public async Task<SlotFacts> ProbeAsync(CancellationToken cancellationToken)
    {
        var facts = new SlotFacts(storage.Slot, storage.Place)
        {
            Incarnation = storage.Incarnation,
            HowToClear = "give a slot in grain storage a new incarnation",
        };
        using var deadline = Deadline(cancellationToken);
        try
        {
            var (unfit, server) = await SlotGuard.CheckAsync(storage, checks, deadline.Token);
            if (unfit is not null)
            {
                return facts with { Problem = $"{storage.Place}: {unfit}", ProblemMayPass = false, Server = server };
            }

            var record = await storage.ReadSlotAsync(deadline.Token);
            return facts with { Server = server, Identity = SlotRecord.Identify(record) };
        }
        catch (AcceptorUnavailableException failure)
        {
            return facts with { Problem = failure.Message };
        }
    }

    public async Task CreateAsync(Configuration configuration, CancellationToken cancellationToken)
    {
        using var deadline = Deadline(cancellationToken);
        if (!await FirstWriteAsync(configuration, deadline.Token))
        {
            throw new AcceptorUnavailableException(OtherWriter, mayHaveTakenEffect: false);
        }

        await ProveGuardAsync(configuration, deadline.Token);
    }

    public async Task CompleteAsync(Configuration configuration, CancellationToken cancellationToken)
    {
        using var deadline = Deadline(cancellationToken);
        var record = await storage.ReadSlotAsync(deadline.Token);
        if (SlotRecord.Identify(record)?.AgreesWith(configuration) != true)
        {
            throw new ClusterException($"{storage.Place}: its record, just written, is gone or another one.");
        }

        if (record.State.Complete)
        {
            return;
        }

        // Again: an init that is resumed may have been interrupted between the first write and this.
        await ProveGuardAsync(configuration, deadline.Token);
        record.State.Complete = true;
        try
        {
            await storage.WriteSlotAsync(record, deadline.Token);
        }
        catch (InconsistentStateException failure)
        {
            throw new AcceptorUnavailableException(OtherWriter, mayHaveTakenEffect: false, failure);
        }
    }

    public OpenedSlot Open(Configuration configuration, SlotServers servers)
    {
        var guard = new SlotGuard(storage, configuration, checks, servers);
        return new OpenedSlot(
            new GrainStorageAcceptor(storage, guard, timeout, logger),
            storage.Incarnation,
            CanList: false,
            cancellationToken => guard.StatusAsync(timeout, cancellationToken));
    }

    /// <summary>
    /// A store where the last of two first writers wins would forget promises: a second one must be refused.
    /// </summary>
    private async Task ProveGuardAsync(Configuration configuration, CancellationToken deadline)
    {
        if (await FirstWriteAsync(configuration, deadline))
        {
            throw new ClusterException(
                $"{storage.Place} lets a first write follow another one: it does not guard its records with ETags, " +
                "so it cannot hold a slot.");
        }
    }

    /// <returns>False if there was a record already.</returns>
    private async Task<bool> FirstWriteAsync(Configuration configuration, CancellationToken deadline)
    {
        try
        {
            var record = SlotRecord.From(configuration, storage.Slot, complete: false);
            await storage.WriteSlotAsync(new SlotState<SlotRecord>(record), deadline);
            return true;
        }
        catch (InconsistentStateException)
        {
            return false;
        }
    }

    private CancellationTokenSource Deadline(CancellationToken cancellationToken)
    {
        var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(timeout);
        return deadline;
    }
}
