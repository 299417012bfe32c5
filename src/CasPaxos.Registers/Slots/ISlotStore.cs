namespace CasPaxos.Registers;

/// <summary>
/// The store of one slot, as the init and the opening of a cluster see it. Each slot may have another kind of store.
/// </summary>
internal interface ISlotStore
{
    /// <summary>
    /// The incarnation that the operator chose and that the slot is found by; null where the init draws one and the
    /// store alone knows it afterwards.
    /// </summary>
    Guid? Incarnation { get; }

    /// <summary>Looks what is there. Trouble is one of the facts, not an exception.</summary>
    Task<SlotFacts> ProbeAsync(CancellationToken cancellationToken);

    /// <summary>
    /// Writes who the slot is, marked incomplete, into a store that holds nothing yet. Of two at once, one fails.
    /// </summary>
    /// <exception cref="AcceptorUnavailableException">It may not have been written.</exception>
    /// <exception cref="ClusterException">The store cannot hold a slot.</exception>
    Task CreateAsync(Configuration configuration, CancellationToken cancellationToken);

    /// <summary>Lifts the mark, if the slot is still the one that was written. No effect if it is lifted.</summary>
    /// <exception cref="AcceptorUnavailableException">It may not have been lifted.</exception>
    /// <exception cref="ClusterException">The store holds something else now.</exception>
    Task CompleteAsync(Configuration configuration, CancellationToken cancellationToken);

    /// <summary>
    /// Prepares to ask the slot, whether or not it answers now. Before its first answer it is verified (rule 5).
    /// </summary>
    OpenedSlot Open(Configuration configuration, SlotServers servers);
}

/// <summary>A slot of a cluster that was opened.</summary>
/// <param name="Acceptor">Asks it. Disposed of by whoever opened it, if it can be.</param>
/// <param name="Incarnation">Which store it must be.</param>
/// <param name="CanList">False where the store finds registers by their keys only.</param>
/// <param name="StatusAsync">Asks it about itself.</param>
internal sealed record OpenedSlot(
    IAcceptor Acceptor, Guid Incarnation, bool CanList, Func<CancellationToken, Task<SlotStatus>> StatusAsync);

/// <summary>What a slot's store says of itself, for tools.</summary>
/// <param name="Problem">Null if it serves; otherwise why it cannot be reached or refuses.</param>
/// <param name="Epoch">The newest configuration epoch that it knows; null if it does not say.</param>
/// <param name="Floor">The greatest ballot that it has ever erased; null if it does not say.</param>
/// <param name="VersionFloor">
/// The greatest version of a tombstone that it has ever erased; null if it does not say.
/// </param>
/// <param name="RowsEstimate">About how many registers it holds; null if it does not say.</param>
internal sealed record SlotStatus(
    string? Problem, long? Epoch, Ballot? Floor, long? VersionFloor, long? RowsEstimate);

/// <summary>
/// A cluster cannot be initialised or opened. Those who offer that to applications have exceptions of their own.
/// </summary>
/// <param name="message">For people, without secrets.</param>
/// <param name="mayPass">True if waiting may help: a store that is down.</param>
/// <param name="innerException">The cause.</param>
internal sealed class ClusterException(string message, bool mayPass = false, Exception? innerException = null)
    : Exception(message, innerException)
{
    public bool MayPass => mayPass;
}
