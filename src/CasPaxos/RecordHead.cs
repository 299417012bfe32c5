namespace CasPaxos;

/// <summary>The head of an encoded record: what can be told of it without its operation ids and payload.</summary>
/// <param name="Version">How many changes made it; rises by one with each, tombstones included.</param>
/// <param name="CreationId">Random, new with every creation (rule 17).</param>
/// <param name="DeletedAt">For a tombstone, when it was written, in Unix milliseconds; null for a live record.</param>
public readonly record struct RecordHead(long Version, Guid CreationId, long? DeletedAt)
{
    /// <summary>No head is longer, in bytes.</summary>
    public const int BytesMax = 48;
}
