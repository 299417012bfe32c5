using System.Buffers.Binary;
using System.Collections.Immutable;

namespace CasPaxos;

/// <summary>Bytes that are not a record this version understands. Nothing is guessed from them.</summary>
public sealed class RecordFormatException : FormatException
{
    /// <summary>Says what is wrong.</summary>
    public RecordFormatException(string message)
        : base(message)
    {
    }
}

/// <summary>
/// The stored form of a record. Format 1, all integers as unsigned LEB128: format (1 byte), kind (1 byte: 1 live,
/// 2 tombstone; 4 more if operations are settled in it, 8 more if it has a reach), version, creation id (16 bytes,
/// big-endian), for a tombstone the time of deletion, the version that the creation began with, the number of rounds
/// and the number of ids of each, the ids (16 bytes each), the number of settled operations if there are any and for
/// each its id, version and refusal (1 byte: 0 for none, else 1 more than the reason), the reach if there is one and
/// the number of fingerprints and the fingerprints (2 bytes each, big-endian), and the payload to the end.
/// </summary>
public static class RecordCodec
{
    private const byte Format = 1;
    private const byte Live = 1;
    private const byte Tombstone = 2;
    private const byte WithSettled = 4;
    private const byte WithReach = 8;
    private const int IdBytes = 16;
    private const int FingerprintBytes = 2;
    private const int VarintBytesMax = 10;
    private const int SettlementBytesMax = IdBytes + VarintBytesMax + 1;

    /// <summary>Writes a record.</summary>
    /// <returns>The bytes; and the record with its payload inside them, so that later changes of the caller's buffer
    /// cannot reach it.</returns>
    public static (ReadOnlyMemory<byte> Bytes, RegisterRecord Record) Encode(RegisterRecord record)
    {
        ArgumentNullException.ThrowIfNull(record);
        var recent = record.Recent;
        var head = RecordHead.BytesMax + (VarintBytesMax * (recent.Rounds.Length + 2)) + (IdBytes * recent.Ids.Length);
        var settled = recent.Settled.IsEmpty ? 0 : VarintBytesMax + (recent.Settled.Length * SettlementBytesMax);
        var reach = recent.Reach == 0 ? 0 : (2 * VarintBytesMax) + (FingerprintBytes * recent.Fingerprints.Length);
        var buffer = new byte[head + settled + reach + record.Payload.Length];
        var writer = new Writer(buffer);
        writer.Byte(Format);
        writer.Byte((byte)((record.IsTombstone ? Tombstone : Live)
            | (settled > 0 ? WithSettled : 0) | (reach > 0 ? WithReach : 0)));
        writer.Varint(record.Version);
        writer.Guid(record.CreationId);
        if (record.DeletedAt is { } deletedAt)
        {
            writer.Varint(deletedAt);
        }

        writer.Varint(record.CreationVersion);
        writer.Varint(recent.Rounds.Length);
        foreach (var round in recent.Rounds)
        {
            writer.Varint(round);
        }

        foreach (var id in recent.Ids)
        {
            writer.Guid(id.Value);
        }

        if (settled > 0)
        {
            Write(ref writer, recent.Settled);
        }

        if (reach > 0)
        {
            writer.Varint(recent.Reach);
            writer.Varint(recent.Fingerprints.Length);
            foreach (var fingerprint in recent.Fingerprints)
            {
                writer.Fingerprint(fingerprint);
            }
        }

        record.Payload.Span.CopyTo(buffer.AsSpan(writer.Position));
        var bytes = buffer.AsMemory(0, writer.Position + record.Payload.Length);
        return (bytes, record with { Payload = bytes[writer.Position..] });
    }

    /// <summary>Reads a record; its payload is a slice of the bytes.</summary>
    /// <exception cref="RecordFormatException">
    /// The bytes are of another format, cut short, or contradict themselves.
    /// </exception>
    public static RegisterRecord Decode(ReadOnlyMemory<byte> bytes)
    {
        var reader = new Reader(bytes.Span);
        var head = ReadHead(ref reader, out var flags);
        var creationVersion = reader.Varint();
        if (creationVersion < 0 || creationVersion > head.Version)
        {
            throw new RecordFormatException($"A record of version {head.Version} created at {creationVersion}.");
        }

        var rounds = ImmutableArray.CreateBuilder<int>(reader.Count(limit: bytes.Length));
        var total = 0L;
        while (rounds.Count < rounds.Capacity)
        {
            var round = reader.Count(limit: bytes.Length / IdBytes);
            total += round;
            rounds.Add(round);
        }

        if (total > reader.Left / IdBytes || total > head.Version)
        {
            throw new RecordFormatException($"A record of version {head.Version} cannot hold {total} operation ids.");
        }

        var ids = ImmutableArray.CreateBuilder<OperationId>((int)total);
        while (ids.Count < total)
        {
            ids.Add(new OperationId(reader.Guid()));
        }

        ImmutableArray<Settlement> settled = (flags & WithSettled) != 0 ? ReadSettled(ref reader, head.Version) : [];
        var (reach, fingerprints) = (flags & WithReach) != 0
            ? ReadFingerprints(ref reader, head.Version - total)
            : (0, []);
        if (head.DeletedAt is not null && reader.Left > 0)
        {
            throw new RecordFormatException($"A tombstone has no payload; this one has {reader.Left} bytes.");
        }

        var recent = new RecentOperations(ids.MoveToImmutable(), rounds.MoveToImmutable())
        {
            Fingerprints = fingerprints,
            Reach = reach,
            Settled = settled,
        };
        return new RegisterRecord(
            head.Version, head.CreationId, creationVersion, head.DeletedAt, bytes[^reader.Left..], recent);
    }

    /// <summary>Reads the head of a record from its first <see cref="RecordHead.BytesMax"/> bytes, or more.</summary>
    /// <exception cref="RecordFormatException">The bytes are of another format, or cut short.</exception>
    public static RecordHead DecodeHead(ReadOnlySpan<byte> bytes)
    {
        var reader = new Reader(bytes);
        return ReadHead(ref reader, out _);
    }

    private static void Write(ref Writer writer, ImmutableArray<Settlement> settled)
    {
        writer.Varint(settled.Length);
        foreach (var settlement in settled)
        {
            writer.Guid(settlement.Id.Value);
            writer.Varint(settlement.Version);
            writer.Byte((byte)(settlement.Refusal is { } reason ? (int)reason + 1 : 0));
        }
    }

    private static ImmutableArray<Settlement> ReadSettled(ref Reader reader, long versionMax)
    {
        var settled = ImmutableArray.CreateBuilder<Settlement>(reader.Count(limit: reader.Left / IdBytes));
        while (settled.Count < settled.Capacity)
        {
            var id = new OperationId(reader.Guid());
            var version = reader.Varint();
            var reason = reader.Byte();
            if (version < 0 || version > versionMax || reason > (int)RefusalReason.Custom + 1)
            {
                throw new RecordFormatException(
                    $"A record of version {versionMax} with an operation settled at {version} for reason {reason}.");
            }

            settled.Add(new Settlement(id, version, reason == 0 ? null : (RefusalReason)(reason - 1)));
        }

        return settled.Count > 0
            ? settled.MoveToImmutable()
            : throw new RecordFormatException("A record of a kind with settled operations that has none.");
    }

    private static (int Reach, ImmutableArray<ushort> Fingerprints) ReadFingerprints(
        ref Reader reader, long changesMax)
    {
        var reach = reader.Count(limit: RecentOperations.ReachMax);
        var fingerprints = ImmutableArray.CreateBuilder<ushort>(reader.Count(limit: reader.Left / FingerprintBytes));
        if (reach == 0 || fingerprints.Capacity > Math.Min(reach, changesMax))
        {
            throw new RecordFormatException(
                $"A record of reach {reach} with {fingerprints.Capacity} fingerprints of {changesMax} changes.");
        }

        while (fingerprints.Count < fingerprints.Capacity)
        {
            fingerprints.Add(reader.Fingerprint());
        }

        return (reach, fingerprints.MoveToImmutable());
    }

    private static RecordHead ReadHead(ref Reader reader, out int flags)
    {
        var format = reader.Byte();
        if (format != Format)
        {
            throw new RecordFormatException($"A record of format {format}; this version understands format {Format}.");
        }

        var kindAndFlags = reader.Byte();
        flags = kindAndFlags & (WithSettled | WithReach);
        var kind = kindAndFlags & ~flags;
        if (kind is not (Live or Tombstone))
        {
            throw new RecordFormatException($"A record of kind {kind}; there are {Live} and {Tombstone}.");
        }

        var head = new RecordHead(reader.Varint(), reader.Guid(), kind == Tombstone ? reader.Varint() : null);
        if (head.Version < (kind == Tombstone ? 0 : 1))
        {
            throw new RecordFormatException($"A record of version {head.Version}; versions of records begin with 1.");
        }

        if (head.Version > RegisterRecord.VersionMax)
        {
            throw new RecordFormatException(
                $"A record of version {head.Version}; versions end with {RegisterRecord.VersionMax}.");
        }

        return head;
    }

    private ref struct Writer(Span<byte> buffer)
    {
        private readonly Span<byte> _buffer = buffer;

        public int Position { get; private set; }

        public void Byte(byte value) => _buffer[Position++] = value;

        public void Varint(long value)
        {
            var rest = (ulong)value;
            while (rest >= 0x80)
            {
                Byte((byte)(rest | 0x80));
                rest >>= 7;
            }

            Byte((byte)rest);
        }

        public void Fingerprint(ushort value)
        {
            BinaryPrimitives.WriteUInt16BigEndian(_buffer[Position..], value);
            Position += FingerprintBytes;
        }

        public void Guid(Guid value)
        {
            value.TryWriteBytes(_buffer[Position..], bigEndian: true, out _);
            Position += IdBytes;
        }
    }

    private ref struct Reader(ReadOnlySpan<byte> buffer)
    {
        private ReadOnlySpan<byte> _rest = buffer;

        public readonly int Left => _rest.Length;

        public byte Byte() => Take(1)[0];

        public ushort Fingerprint() => BinaryPrimitives.ReadUInt16BigEndian(Take(FingerprintBytes));

        public Guid Guid() => new(Take(IdBytes), bigEndian: true);

        public int Count(int limit)
        {
            var value = Varint();
            return value >= 0 && value <= limit
                ? (int)value
                : throw new RecordFormatException($"A record that counts {value} where at most {limit} fit.");
        }

        public long Varint()
        {
            ulong value = 0;
            for (var shift = 0; shift < 64; shift += 7)
            {
                var next = Byte();
                value |= (ulong)(next & 0x7f) << shift;
                if (next < 0x80)
                {
                    // One form for each number, and none that wraps: bytes are compared where ballots are equal.
                    return next == 0 && shift > 0 || (shift == 63 && next > 0)
                        ? throw new RecordFormatException("A record with a number that is not in its shortest form.")
                        : (long)value;
                }
            }

            throw new RecordFormatException("A record with a number of more than 64 bits.");
        }

        private ReadOnlySpan<byte> Take(int count)
        {
            if (_rest.Length < count)
            {
                throw new RecordFormatException("A record that is cut short.");
            }

            var taken = _rest[..count];
            _rest = _rest[count..];
            return taken;
        }
    }
}
