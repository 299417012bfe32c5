using CasPaxos.Registers;

namespace CasPaxos.Orleans;

/// <summary>
/// Lets a slot serve only while its storage is the one that was initialised for it (rule 5), and only if the product
/// behind it passed the checks.
/// </summary>
/// <remarks>
/// What it cannot see is a store that was set back to a backup of itself: its identity is then the right one. A slot
/// whose store was restored must become a new member, with another incarnation.
/// </remarks>
internal sealed class SlotGuard(
    SlotStorage storage, Configuration expected, IReadOnlyList<ISlotStoreCheck> checks, SlotServers servers)
{
    private volatile StoredIdentity? _admitted;

    /// <summary>Lets a batch begin.</summary>
    /// <returns>The least epoch of the slot's records.</returns>
    /// <exception cref="AcceptorUnavailableException">The slot does not serve; says why.</exception>
    public async Task<long> AdmitAsync(CancellationToken deadline)
    {
        if (_admitted is { } admitted)
        {
            return admitted.EpochHeard;
        }

        var (unfit, server) = await CheckAsync(storage, checks, deadline);
        Refuse(unfit ?? servers.FindTwin(storage.Slot, server));
        var identity = SlotRecord.Identify(await storage.ReadSlotAsync(deadline));
        Refuse(FindProblem(identity));
        _admitted = identity;
        return identity!.EpochHeard;
    }

    /// <summary>Lets the answers of a batch out, if the storage is still the one that the batch began with.</summary>
    /// <exception cref="AcceptorUnavailableException">It is not, or does not say.</exception>
    public async Task ConfirmAsync(long epoch, CancellationToken deadline)
    {
        try
        {
            var identity = SlotRecord.Identify(await storage.ReadSlotAsync(deadline));
            if ((FindProblem(identity) ?? FindChange(identity!, epoch)) is { } problem)
            {
                _admitted = null;
                throw new AcceptorUnavailableException(
                    $"{storage.Place} refuses to serve: {problem}", mayHaveTakenEffect: true);
            }
        }
        catch (AcceptorUnavailableException failure) when (!failure.MayHaveTakenEffect)
        {
            // This read changed nothing, but the batch may have.
            throw new AcceptorUnavailableException(failure.Message, mayHaveTakenEffect: true, failure);
        }
    }

    /// <summary>Asks the storage about itself, for tools.</summary>
    public async Task<SlotStatus> StatusAsync(TimeSpan timeout, CancellationToken cancellationToken)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(timeout);
        try
        {
            var epoch = await AdmitAsync(deadline.Token);
            await ConfirmAsync(epoch, deadline.Token);
            return new SlotStatus(Problem: null, epoch, Floor: null, VersionFloor: null, RowsEstimate: null);
        }
        catch (AcceptorUnavailableException failure)
        {
            return new SlotStatus(failure.Message, Epoch: null, Floor: null, VersionFloor: null, RowsEstimate: null);
        }
    }

    /// <summary>Asks the checks about the product behind a storage.</summary>
    /// <returns>What they have against it, null for nothing; and the server that it is on, if they know it.</returns>
    /// <exception cref="AcceptorUnavailableException">It cannot be reached.</exception>
    public static async Task<SlotStoreFacts> CheckAsync(
        SlotStorage storage, IReadOnlyList<ISlotStoreCheck> checks, CancellationToken deadline)
    {
        const string adoNet = "Orleans.Storage.AdoNetGrainStorage";
        SlotStoreFacts? facts = null;
        foreach (var check in checks)
        {
            try
            {
                facts ??= await check.CheckAsync(storage.Name, deadline).WaitAsync(deadline);
            }
            catch (Exception failure)
            {
                throw new AcceptorUnavailableException(
                    $"{storage.Place} cannot be checked: {failure.Message}", mayHaveTakenEffect: false, failure);
            }
        }

        // The stock tables of ADO.NET on PostgreSQL let two first writers both win, so unchecked it is not trusted.
        return facts ?? new SlotStoreFacts(
            storage.Kind.FullName == adoNet
                ? "nothing has checked its tables. Add the package CasPaxos.Orleans.AdoNet and call " +
                    "AddCasPaxosAdoNet() on the silo."
                : null,
            Server: null);
    }

    private void Refuse(string? problem)
    {
        if (problem is not null)
        {
            throw new AcceptorUnavailableException(
                $"{storage.Place} refuses to serve: {problem}", mayHaveTakenEffect: false);
        }
    }

    private string? FindProblem(StoredIdentity? identity) =>
        StoredIdentity.FindProblem(identity, expected.ClusterId, storage.Slot, storage.Incarnation);

    private static string? FindChange(StoredIdentity identity, long epoch) => identity.EpochHeard == epoch
        ? null
        : $"its configuration has changed from epoch {epoch} to {identity.EpochHeard}.";
}
