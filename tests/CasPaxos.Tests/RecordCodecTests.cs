using FsCheck;
using FsCheck.Fluent;
using static CasPaxos.Tests.Make;

namespace CasPaxos.Tests;

public sealed class RecordCodecTests
{
    private static readonly Arbitrary<RegisterRecord> Records = (
        from version in Gen.Choose(1, int.MaxValue)
        from big in Gen.Elements(0L, 1L << 31, 1L << 61)
        from creation in Gen.Choose(1, 1000)
        from deleted in Gen.Elements<long?>(null, 0, 1, 127, 128, 1_800_000_000_000, long.MaxValue)
        from rounds in Gen.Choose(1, 5).ListOf()
        from payload in Gen.Choose(0, 255).ArrayOf()
        from settled in Gen.Choose(-1, (int)RefusalReason.Custom).ListOf()
        from reach in Gen.Elements(0, 1, 9, RecentOperations.ReachMax)
        select Compose(version + big, creation, deleted, [.. rounds.Take(9)], payload, settled, reach)).ToArbitrary();

    // T-A10
    [Fact]
    public void A_record_survives_being_stored() =>
        Prop.ForAll(Records, record =>
        {
            var (bytes, sent) = RecordCodec.Encode(record);
            return Same(record, RecordCodec.Decode(bytes)) && Same(record, sent);
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void The_head_is_read_from_the_first_48_bytes() =>
        Prop.ForAll(Records, record =>
        {
            var bytes = RecordCodec.Encode(record).Bytes.Span;
            var head = RecordCodec.DecodeHead(bytes[..Math.Min(bytes.Length, RecordHead.BytesMax)]);
            return head == new RecordHead(record.Version, record.CreationId, record.DeletedAt);
        }).QuickCheckThrowOnFailure();

    // T-A10: never written, empty and deleted are three things.
    [Fact]
    public void Absent_empty_and_deleted_are_different_bytes()
    {
        var absent = RecordCodec.Encode(RegisterRecord.None).Bytes;
        var empty = Encoded("");
        var deleted = RecordCodec.Encode(Record("") with { DeletedAt = 5 }).Bytes;

        Assert.False(RecordCodec.Decode(absent).View.Exists);
        Assert.True(RecordCodec.Decode(empty).View.Exists);
        Assert.False(RecordCodec.Decode(deleted).View.Exists);
        Assert.Equal(0, RecordCodec.Decode(absent).Version);
        Assert.Equal(1, RecordCodec.Decode(deleted).Version);
    }

    [Fact]
    public void The_caller_s_buffer_no_longer_matters_once_a_record_is_encoded()
    {
        var buffer = "before"u8.ToArray();
        var (bytes, sent) = RecordCodec.Encode(Record("") with { Payload = buffer });

        buffer[0] = (byte)'X';

        Assert.Equal("before", Text(sent.Payload));
        Assert.Equal("before", Text(RecordCodec.Decode(bytes).Payload));
    }

    // A live record's payload reaches to the end, so only what is in front of it can be cut.
    [Fact]
    public void A_record_cut_short_at_any_length_is_refused()
    {
        var live = RecordCodec.Encode(Record("", version: 300, ids: [1, 2, 3])).Bytes;
        var deleted = RecordCodec.Encode(Record("", 300, ids: [1, 2]) with { DeletedAt = 1_800_000_000_000 }).Bytes;
        var settled = RecordCodec.Encode(Settled("", version: 300)).Bytes;

        foreach (var bytes in new[] { live, deleted, settled, WithFingerprints() })
        {
            for (var length = 0; length < bytes.Length; length++)
            {
                Assert.Throws<RecordFormatException>(() => RecordCodec.Decode(bytes[..length]));
            }
        }
    }

    [Fact]
    public void A_head_cut_short_at_any_length_is_refused()
    {
        var bytes = RecordCodec.Encode(Record("", 300) with { DeletedAt = 300 }).Bytes;
        const int Head = 2 + 2 + 16 + 2;

        for (var length = 0; length < Head; length++)
        {
            Assert.Throws<RecordFormatException>(() => RecordCodec.DecodeHead(bytes.Span[..length]));
        }

        Assert.Equal(300, RecordCodec.DecodeHead(bytes.Span[..Head]).DeletedAt);
    }

    [Fact]
    public void Bytes_behind_a_tombstone_are_refused()
    {
        var bytes = RecordCodec.Encode(Record("") with { DeletedAt = 7 }).Bytes;

        Assert.Throws<RecordFormatException>(() => RecordCodec.Decode((byte[])[.. bytes.Span, 0]));
    }

    [Theory]
    [InlineData(0, 0, "another format")]
    [InlineData(0, 2, "another format")]
    [InlineData(1, 0, "another kind")]
    [InlineData(1, 3, "another kind")]
    [InlineData(1, 16, "another kind")]
    [InlineData(1, 9, "another kind, with a reach")]
    [InlineData(1, 4, "another kind, with settled operations")]
    [InlineData(2, 0, "a live record of version 0")]
    [InlineData(19, 2, "created after its version")]
    [InlineData(20, 1, "a round that has no count")]
    public void Other_bytes_are_refused(int index, byte value, string what)
    {
        var bytes = Encoded("").ToArray();
        bytes[index] = value;

        var refusal = Xunit.Record.Exception(() => RecordCodec.Decode(bytes));

        Assert.True(refusal is RecordFormatException, $"{what}: {refusal}");
    }

    // Case 5 for versions: nothing counts up to where it would wrap.
    [Fact]
    public void A_version_near_the_end_of_the_numbers_is_refused()
    {
        var last = RecordCodec.Encode(Record("x", version: long.MaxValue / 2)).Bytes;
        var beyond = RecordCodec.Encode(Record("x", version: (long.MaxValue / 2) + 1)).Bytes;

        Assert.Equal(long.MaxValue / 2, RecordCodec.Decode(last).Version);
        Assert.Throws<RecordFormatException>(() => RecordCodec.Decode(beyond));
    }

    // One form for each number: where ballots are equal, bytes are compared.
    [Theory]
    [InlineData("80 00")]
    [InlineData("81 80 00")]
    [InlineData("ff ff ff ff ff ff ff ff ff 02")]
    [InlineData("ff ff ff ff ff ff ff ff ff ff 01")]
    [InlineData("ff ff ff ff ff ff ff ff ff 01")] // -1 as a version.
    public void Numbers_that_are_not_in_their_shortest_form_or_too_large_are_refused(string version)
    {
        var number = Convert.FromHexString(version.Replace(" ", "", StringComparison.Ordinal));
        byte[] bytes = [1, 1, .. number, .. new byte[18]];

        Assert.Throws<RecordFormatException>(() => RecordCodec.Decode(bytes));
        Assert.Throws<RecordFormatException>(() => RecordCodec.DecodeHead(bytes));
    }

    [Theory]
    [InlineData(2, 1, 2)] // More ids than changes.
    [InlineData(9, 1, 9)] // More ids than bytes.
    [InlineData(9, 2, 1)] // More rounds than bytes.
    public void Counts_that_contradict_the_record_are_refused(byte version, byte rounds, byte ids)
    {
        byte[] bytes = [1, 1, (byte)(version - 1), .. new byte[16], 1, rounds, ids, .. new byte[32]];
        if (rounds == 2)
        {
            bytes = [1, 1, version, .. new byte[16], 1, 200, 1, ids];
        }

        Assert.Throws<RecordFormatException>(() => RecordCodec.Decode(bytes));
    }

    [Theory]
    [InlineData(0, 0, "none settled")]
    [InlineData(0, 3, "more than bytes")]
    [InlineData(17, 6, "settled at a version yet to come")]
    [InlineData(18, 9, "a reason that there is not")]
    public void Settled_operations_that_contradict_the_record_are_refused(int index, byte value, string what)
    {
        var bytes = RecordCodec.Encode(Settled("", version: 5)).Bytes.ToArray();
        bytes[^(37 - index)] = value; // At the end: their number, and twice id, version and reason.

        var refusal = Xunit.Record.Exception(() => RecordCodec.Decode(bytes));

        Assert.True(refusal is RecordFormatException, $"{what}: {refusal}");
    }

    [Theory]
    [InlineData(0, 0, "no reach")]
    [InlineData(0, 3, "more fingerprints than its reach")]
    [InlineData(1, 5, "more fingerprints than changes")]
    [InlineData(1, 100, "more fingerprints than bytes")]
    public void Fingerprints_that_contradict_the_record_are_refused(int index, byte value, string what)
    {
        byte[] bytes = [.. WithFingerprints().Span, .. new byte[2]]; // At the end: reach, number, four of them.
        bytes[bytes.Length - 12 + index] = value;

        var refusal = Xunit.Record.Exception(() => RecordCodec.Decode(bytes));

        Assert.True(refusal is RecordFormatException, $"{what}: {refusal}");
    }

    // The sum of the counts is beyond 32 bits.
    [Fact]
    public void Counts_whose_sum_wraps_are_refused()
    {
        const int Length = 400_000;
        const int Round = Length / 16; // 25,000: the most ids that so many bytes could hold.
        const int Rounds = (int)((1L << 31) / Round) + 2;
        byte[] round = [Round & 0x7f | 0x80, Round >> 7 & 0x7f | 0x80, Round >> 14];
        byte[] rounds = [Rounds & 0x7f | 0x80, Rounds >> 7 & 0x7f | 0x80, Rounds >> 14];
        var bytes = new byte[Length];
        byte[] head = [1, 1, 1, .. new byte[16], 1, .. rounds, .. Enumerable.Repeat(round, Rounds).SelectMany(b => b)];
        head.CopyTo(bytes, 0);

        Assert.Throws<RecordFormatException>(() => RecordCodec.Decode(bytes));
    }

    private static RegisterRecord Settled(string payload, long version) => Record(payload, version).Remember(
        [], [new Settlement(Op(8), version, RefusalReason.Exists), new Settlement(Op(9), version, null)], idsMin: 16);

    /// <summary>Four of four changes before the sixteen that ids show; a reach of four.</summary>
    private static ReadOnlyMemory<byte> WithFingerprints()
    {
        var recent = RecentOperations.None.WithReach(4);
        for (var i = 1; i <= RecentOperations.IdsMin + 4; i++)
        {
            recent = recent.Add([Op(i)]);
        }

        return RecordCodec.Encode(Record("", RecentOperations.IdsMin + 4) with { Recent = recent }).Bytes;
    }

    private static RegisterRecord Compose(
        long version, int creation, long? deleted, int[] rounds, int[] payload, IEnumerable<int> settled, int reach)
    {
        var recent = RecentOperations.None.WithReach(reach);
        var ids = 0;
        foreach (var round in rounds)
        {
            recent = recent.Add([.. Enumerable.Range(ids + 1, round).Select(Op)]);
            ids += round;
        }

        var bytes = deleted is null ? payload.Select(value => (byte)value).ToArray() : [];
        var record = new RegisterRecord(version + ids, Id(creation), version, deleted, bytes, recent);
        return record.Remember(
            [],
            [.. settled.Select((reason, i) => new Settlement(
                Op(i + 1), record.Version - (i % 2), reason < 0 ? null : (RefusalReason)reason))],
            RecentOperations.IdsMin);
    }

    private static bool Same(RegisterRecord left, RegisterRecord right) =>
        left.Position == right.Position
        && left.CreationVersion == right.CreationVersion
        && left.DeletedAt == right.DeletedAt
        && left.Payload.Span.SequenceEqual(right.Payload.Span)
        && left.Recent.Ids.SequenceEqual(right.Recent.Ids)
        && left.Recent.Rounds.SequenceEqual(right.Recent.Rounds)
        && left.Recent.Reach == right.Recent.Reach
        && left.Recent.Fingerprints.SequenceEqual(right.Recent.Fingerprints)
        && left.Recent.Settled.SequenceEqual(right.Recent.Settled);
}
