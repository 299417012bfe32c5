using System.Text.Json;

namespace CasPaxos.Orleans;

/// <summary>One reminder as it is stored: JSON, which people can read with any tool.</summary>
/// <param name="Format">The version of the encoding; <see cref="FormatNow"/>.</param>
/// <param name="Grain">Whose it is.</param>
/// <param name="Name">Its name, once a grain.</param>
/// <param name="StartAt">When it is due first.</param>
/// <param name="Period">From then on, how often.</param>
/// <param name="ETag">Random, and new with every write: never used again, not after a removal either.</param>
internal sealed record ReminderRecord(
    int Format, string Grain, string Name, DateTime StartAt, TimeSpan Period, string ETag)
{
    /// <summary>The encoding that this code writes, and the only one that it reads.</summary>
    public const int FormatNow = 2;

    public static ReminderRecord From(ReminderEntry entry) => new(
        FormatNow,
        entry.GrainId.ToString(),
        entry.ReminderName,
        entry.StartAt,
        entry.Period,
        Guid.NewGuid().ToString("N"));

    public byte[] Encode() => JsonSerializer.SerializeToUtf8Bytes(this, JsonSerializerOptions.Web);

    /// <summary>Reads what a register holds.</summary>
    /// <exception cref="InvalidDataException">It is no reminder, or of a version that is not known.</exception>
    public static ReminderEntry Decode(RegisterKey key, ReadOnlyMemory<byte> value)
    {
        var record = FormattedJson.Decode<ReminderRecord>(
            key, "reminder", FormatNow, JsonSerializerOptions.Web, () => value);
        return GrainId.TryParse(record.Grain, out var grain) && record is { Name: not null, ETag: not null }
            ? new ReminderEntry
            {
                GrainId = grain,
                ReminderName = record.Name,
                StartAt = record.StartAt,
                Period = record.Period,
                ETag = record.ETag,
            }
            : throw new InvalidDataException($"Register '{key}' holds a reminder without its grain, name or ETag.");
    }
}
