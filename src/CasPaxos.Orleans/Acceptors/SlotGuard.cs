using System.Collections.Concurrent;
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
    private const string Remedy =
        "It may have forgotten promises. Give the slot a new, empty store as a new member; never restore an old one.";

    private volatile SlotRecord? _admitted;

    /// <summary>Lets a batch begin.</summary>
    /// <returns>The least epoch of the slot's records.</returns>
    /// <exception cref="AcceptorUnavailableException">The slot does not serve; says why.</exception>
    public async Task<long> AdmitAsync(CancellationToken deadline)
    {
        if (_admitted is { } admitted)
        {
            return admitted.Epoch;
        }

        Refuse(await FindUnfitAsync(storage, checks, servers, deadline));
        var record = await storage.ReadSlotAsync(deadline);
        Refuse(FindProblem(record));
        _admitted = record.State;
        return record.State.Epoch;
    }

    /// <summary>Lets the answers of a batch out, if the storage is still the one that the batch began with.</summary>
    /// <exception cref="AcceptorUnavailableException">It is not, or does not say.</exception>
    public async Task ConfirmAsync(long epoch, CancellationToken deadline)
    {
        try
        {
            var record = await storage.ReadSlotAsync(deadline);
            if ((FindProblem(record) ?? FindChange(record.State, epoch)) is { } problem)
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
    public async Task<SlotStoreStatus> StatusAsync(TimeSpan timeout, CancellationToken cancellationToken)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(timeout);
        try
        {
            var epoch = await AdmitAsync(deadline.Token);
            await ConfirmAsync(epoch, deadline.Token);
            return new SlotStoreStatus(Problem: null, epoch, Floor: null, RowsEstimate: null);
        }
        catch (AcceptorUnavailableException failure)
        {
            return new SlotStoreStatus(failure.Message, Epoch: null, Floor: null, RowsEstimate: null);
        }
    }

    /// <summary>What the checks have against the product behind a storage; null for nothing.</summary>
    /// <exception cref="AcceptorUnavailableException">It cannot be reached.</exception>
    public static async Task<string?> FindUnfitAsync(
        SlotStorage storage, IReadOnlyList<ISlotStoreCheck> checks, SlotServers servers, CancellationToken deadline)
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

        if (facts is null)
        {
            // Its stock tables on PostgreSQL let two first writers both win, so unchecked it is not trusted.
            return storage.Kind.FullName == adoNet
                ? "nothing has checked its tables. Add the package CasPaxos.Orleans.AdoNet and call " +
                    "AddCasPaxosAdoNet() on the silo."
                : null;
        }

        return facts.Problem ?? servers.FindTwin(storage, facts.Server);
    }

    private void Refuse(string? problem)
    {
        if (problem is not null)
        {
            throw new AcceptorUnavailableException(
                $"{storage.Place} refuses to serve: {problem}", mayHaveTakenEffect: false);
        }
    }

    private string? FindProblem(GrainState<SlotRecord> record) => record.State switch
    {
        _ when !SlotStorage.IsThere(record) =>
            $"it holds no slot of incarnation {storage.Incarnation}: it was wiped, or never initialised. {Remedy}",
        { Format: 0 } => $"the slot's record was cleared. {Remedy}",
        { Format: not SlotRecord.FormatVersion } =>
            $"the slot's record has format {record.State.Format}, this library reads {SlotRecord.FormatVersion}.",
        { Complete: false } => "its initialisation was begun and not finished. Run the init again and let it resume.",
        _ when record.State.ClusterId != expected.ClusterId =>
            $"it belongs to cluster {record.State.ClusterId}, not {expected.ClusterId}. {Remedy}",
        _ when record.State.Slot != storage.Slot =>
            $"it is slot {record.State.Slot}, not {storage.Slot}: check the order of the slots.",
        _ when record.State.Incarnations?.ElementAtOrDefault(storage.Slot) != storage.Incarnation =>
            $"its configuration has another incarnation than {storage.Incarnation} for the slot. {Remedy}",
        _ => null,
    };

    private static string? FindChange(SlotRecord record, long epoch) =>
        record.Epoch == epoch ? null : $"its configuration has changed from epoch {epoch} to {record.Epoch}.";
}

/// <summary>Which server each slot of a cluster is on, as far as the checks can tell.</summary>
internal sealed class SlotServers(bool sharingAllowed)
{
    private readonly ConcurrentDictionary<string, int> _slots = new(StringComparer.Ordinal);

    /// <summary>Notes the server of a slot.</summary>
    /// <returns>What is wrong with it, if another slot is there already and that is not allowed.</returns>
    public string? FindTwin(SlotStorage storage, string? server)
    {
        if (server is null || _slots.GetOrAdd(server, storage.Slot) is var first && first == storage.Slot)
        {
            return null;
        }

        return sharingAllowed
            ? null
            : $"slot {first} is on the same server ({server}). One failure would take both: slots need servers of " +
                $"their own. For development there is the option {nameof(CasPaxosOptions.AllowSharedServer)}.";
    }
}
