using System.Runtime.InteropServices;

namespace CasPaxos.Orleans.Wire;

/// <summary>An <see cref="ETag"/> on the wire.</summary>
[GenerateSerializer, Immutable, Alias("caspaxos.ETag")]
internal readonly record struct ETagMessage([property: Id(0)] Guid CreationId, [property: Id(1)] long Version)
{
    public static ETagMessage From(ETag etag) => new(etag.CreationId, etag.Version);

    public static ETagMessage? From(ETag? etag) => etag is { } some ? From(some) : null;

    public ETag ToETag() => new(CreationId, Version);
}

/// <summary>Bytes for the wire, not copied where they are a whole array.</summary>
internal static class WireBytes
{
    public static byte[] Of(ReadOnlyMemory<byte> memory) =>
        MemoryMarshal.TryGetArray(memory, out var segment)
            && segment.Array is { } array
            && segment.Offset == 0
            && array.Length == memory.Length
            ? array
            : memory.ToArray();
}
