using System.Globalization;
using System.Text;

namespace CasPaxos.Tests;

/// <summary>Short ways to the values that tests are made of.</summary>
internal static class Make
{
    public static ProposerId P1 => new(Id(1));

    public static ProposerId P2 => new(Id(2));

    public static ProposerId P3 => new(Id(3));

    /// <summary>Ids in the order of their numbers.</summary>
    public static Guid Id(int number) => new(number, 0, 0, new byte[8]);

    public static OperationId Op(int number) => new(Id(number));

    /// <summary>A ballot of the first, second, … proposer.</summary>
    public static Ballot B(long counter, int proposer = 1) => new(counter, new ProposerId(Id(proposer)));

    public static ReadOnlyMemory<byte> Bytes(string text) => Encoding.UTF8.GetBytes(text);

    public static string Text(ReadOnlyMemory<byte> bytes) => Encoding.UTF8.GetString(bytes.Span);

    public static Change Put(string text) => new Change.Put(Bytes(text));

    public static Change Append(string text) => new Change.Append(Bytes(text));

    public static Configuration Cluster(int slots, int? prepare = null, int? accept = null, long epoch = 1) => new(
        Id(900),
        epoch,
        Enumerable.Range(1, slots).Select(slot => Id(1000 + slot)),
        prepare ?? ((slots / 2) + 1),
        accept ?? ((slots / 2) + 1));

    /// <summary>A live record as a first write leaves it.</summary>
    public static RegisterRecord Record(string payload, long version = 1, int creation = 50, params int[] ids) => new(
        version,
        Id(creation),
        CreationVersion: 1,
        DeletedAt: null,
        Payload: Bytes(payload),
        Recent: ids.Length == 0 ? RecentOperations.None : RecentOperations.None.Add([.. ids.Select(Op)]));

    public static ReadOnlyMemory<byte> Encoded(string payload, long version = 1, params int[] ids) =>
        RecordCodec.Encode(Record(payload, version, ids: ids)).Bytes;

    public static string Show(Outcome? outcome) => outcome switch
    {
        null => "unanswered",
        Outcome.Applied applied => Text(applied.Current.Payload),
        Outcome.Refused refused => string.Create(CultureInfo.InvariantCulture, $"refused: {refused.Reason}"),
        _ => outcome.GetType().Name,
    };
}
