using CasPaxos.Registers;

namespace CasPaxos.Orleans;

/// <summary>
/// Looks behind a grain storage that is to hold a slot, before it is used and when the silo starts: does the product
/// behind it keep what it confirms, and does it let only one of two first writers win? Register it as a service.
/// </summary>
public interface ISlotStoreCheck
{
    /// <summary>Looks at one storage.</summary>
    /// <param name="storageName">The name that it was added to the silo with.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    /// <returns>What was found; null if this check knows nothing about that kind of storage.</returns>
    /// <remarks>Throws anything if the store cannot be reached: then it is asked again later.</remarks>
    Task<SlotStoreFacts?> CheckAsync(string storageName, CancellationToken cancellationToken);
}

/// <summary>What a check found behind a grain storage.</summary>
/// <param name="Problem">Null if a slot may live there; otherwise what is wrong and what to do.</param>
/// <param name="Server">
/// Tells servers apart: two slots on one are refused. Slots that are PostgreSQL databases of their own have
/// "PostgreSQL, system_identifier N" here. Null if it cannot be told.
/// </param>
public sealed record SlotStoreFacts(string? Problem, string? Server);

/// <summary>The slots of a silo's cluster could not be initialised or opened.</summary>
public sealed class SlotStoreException : Exception
{
    /// <summary>Says what is wrong, and what to do.</summary>
    /// <param name="message">For people, without secrets.</param>
    /// <param name="mayPass">True if waiting may help: a store that is down.</param>
    /// <param name="innerException">The cause.</param>
    public SlotStoreException(string message, bool mayPass = false, Exception? innerException = null)
        : base(message, innerException) => MayPass = mayPass;

    /// <summary>True if waiting may help.</summary>
    public bool MayPass { get; }

    internal static SlotStoreException From(ClusterException refused) =>
        new(refused.Message, refused.MayPass, refused.InnerException);
}
