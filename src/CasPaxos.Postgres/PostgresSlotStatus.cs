namespace CasPaxos.Postgres;

/// <summary>What one slot's database says of itself, for tools.</summary>
/// <param name="Slot">The position in the configuration.</param>
/// <param name="Problem">Null if it serves; otherwise why it cannot be reached or refuses.</param>
/// <param name="Epoch">The newest configuration epoch that it has heard of; null if it does not serve.</param>
/// <param name="Floor">The greatest ballot that it has ever erased; null if it does not serve.</param>
/// <param name="VersionFloor">
/// The greatest version of a deleted register that it has ever erased; null if it does not serve.
/// </param>
/// <param name="RowsEstimate">
/// About how many registers it holds, as of its last vacuum; null if it does not serve.
/// </param>
public sealed record PostgresSlotStatus(
    int Slot, string? Problem, long? Epoch, Ballot? Floor, long? VersionFloor, long? RowsEstimate)
{
    /// <summary>True if the slot answers and is the acceptor that it should be.</summary>
    public bool Serves => Problem is null;
}

/// <summary>A cluster could not be initialised or opened.</summary>
public sealed class PostgresClusterException : Exception
{
    /// <summary>Says what is wrong, and what to do.</summary>
    /// <param name="message">For people, without secrets.</param>
    /// <param name="innerException">The cause.</param>
    public PostgresClusterException(string message, Exception? innerException = null)
        : base(message, innerException)
    {
    }
}
