using System.Diagnostics.CodeAnalysis;

namespace CasPaxos.Orleans;

/// <summary>A record of a slot as a grain storage reads and writes it. Never null: an absent one is new.</summary>
internal sealed class SlotState<T>(T record) : IGrainState<T>
    where T : class, new()
{
    private T _record = record;

    [AllowNull]
    public T State
    {
        get => _record;
        set => _record = value ?? new T();
    }

    public string? ETag { get; set; }

    public bool RecordExists { get; set; }

    /// <summary>True if anything was ever written there: an empty record has no ETag either.</summary>
    public bool IsThere => RecordExists || ETag is not null;
}
