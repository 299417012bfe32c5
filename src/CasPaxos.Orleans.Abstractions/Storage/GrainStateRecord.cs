using System.Buffers.Binary;
using System.Text;

namespace CasPaxos.Orleans;

/// <summary>What the register of a grain's state holds: the state, or that it was cleared.</summary>
/// <param name="Cleared">The state was cleared, and the record kept.</param>
/// <param name="FullName">See <see cref="GrainStateKey.FullName"/>.</param>
/// <param name="Payload">The state as the serializer wrote it; empty when cleared.</param>
/// <remarks>
/// Stored as a format byte, 1; a byte of flags; the full name if there is one, as its length in four bytes, the lowest
/// first, and its UTF-8; and the payload.
/// </remarks>
internal readonly record struct GrainStateRecord(bool Cleared, string? FullName, ReadOnlyMemory<byte> Payload)
{
    private const byte Format = 1;
    private const byte ClearedFlag = 1;
    private const byte FullNameFlag = 2;
    private const int HeadBytes = 2;

    /// <summary>The record as it is stored.</summary>
    public byte[] Encode()
    {
        var nameBytes = FullName is null ? 0 : sizeof(int) + Encoding.UTF8.GetByteCount(FullName);
        var bytes = new byte[HeadBytes + nameBytes + Payload.Length];
        bytes[0] = Format;
        bytes[1] = (byte)((Cleared ? ClearedFlag : 0) | (FullName is null ? 0 : FullNameFlag));
        if (FullName is not null)
        {
            BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(HeadBytes), nameBytes - sizeof(int));
            Encoding.UTF8.GetBytes(FullName, bytes.AsSpan(HeadBytes + sizeof(int)));
        }

        Payload.Span.CopyTo(bytes.AsSpan(HeadBytes + nameBytes));
        return bytes;
    }

    /// <summary>Reads what <see cref="Encode"/> wrote under a key.</summary>
    /// <exception cref="InvalidDataException">
    /// The bytes are something else, of a newer version, or another grain's.
    /// </exception>
    public static GrainStateRecord Decode(GrainStateKey key, ReadOnlyMemory<byte> bytes)
    {
        var span = bytes.Span;
        if (span.Length < HeadBytes || span[0] != Format || (span[1] & ~(ClearedFlag | FullNameFlag)) != 0)
        {
            throw new InvalidDataException(
                $"Register '{key.Register}' does not hold a grain's state in a format that this version knows: it " +
                $"begins with {Convert.ToHexString(span[..Math.Min(HeadBytes, span.Length)])}, not with " +
                $"{Format:X2} and flags up to {ClearedFlag | FullNameFlag:X2}.");
        }

        var rest = bytes[HeadBytes..];
        string? name = null;
        if ((span[1] & FullNameFlag) != 0)
        {
            var length = rest.Length < sizeof(int) ? -1 : BinaryPrimitives.ReadInt32LittleEndian(rest.Span);
            if (length < 0 || length > rest.Length - sizeof(int))
            {
                throw new InvalidDataException($"Register '{key.Register}' holds a grain's state that is cut off.");
            }

            name = Encoding.UTF8.GetString(rest.Span.Slice(sizeof(int), length));
            rest = rest[(sizeof(int) + length)..];
        }

        return name == key.FullName
            ? new GrainStateRecord((span[1] & ClearedFlag) != 0, name, rest)
            : throw new InvalidDataException(
                $"Register '{key.Register}' holds the state '{name ?? key.Register.Text}', and was read for " +
                $"'{key.FullName ?? key.Register.Text}'.");
    }
}
