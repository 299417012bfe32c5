using System.Collections.Immutable;
using System.Text.Json;

namespace CasPaxos.Orleans;

/// <summary>The reminders of one grain as they are stored: JSON, which people can read with any tool.</summary>
/// <param name="Format">The version of the encoding; <see cref="FormatNow"/>.</param>
/// <param name="Reminders">By name; each name once.</param>
internal sealed record ReminderRecord(int Format, ImmutableArray<Reminder> Reminders)
{
    /// <summary>The encoding that this code writes, and the newest that it reads.</summary>
    public const int FormatNow = 1;

    private static readonly ReminderRecord Empty = new(FormatNow, []);

    public ReminderRecord With(Reminder reminder) =>
        this with { Reminders = Without(reminder.Name).Reminders.Add(reminder) };

    public ReminderRecord Without(string name) =>
        this with { Reminders = Reminders.RemoveAll(reminder => reminder.Name == name) };

    public byte[] Encode() => JsonSerializer.SerializeToUtf8Bytes(this, JsonSerializerOptions.Web);

    /// <summary>Reads what a register holds.</summary>
    /// <exception cref="InvalidDataException">These are no reminders, or of a version that is not known.</exception>
    public static ReminderRecord Decode(RegisterKey key, Snapshot snapshot) => snapshot.Exists
        ? FormattedJson.Decode<ReminderRecord>(
            key, "reminders", FormatNow, JsonSerializerOptions.Web, () => snapshot.Payload)
        : Empty;
}

/// <summary>One reminder of a grain.</summary>
/// <param name="Name">Its name.</param>
/// <param name="StartAt">When it is due first.</param>
/// <param name="Period">From then on, how often.</param>
/// <param name="ETag">Random, and new with every write: never used again, not after a removal either.</param>
internal sealed record Reminder(string Name, DateTime StartAt, TimeSpan Period, string ETag)
{
    public static Reminder From(ReminderEntry entry) =>
        new(entry.ReminderName, entry.StartAt, entry.Period, Guid.NewGuid().ToString("N"));

    public ReminderEntry ToEntry(GrainId grain) => new()
    {
        GrainId = grain,
        ReminderName = Name,
        StartAt = StartAt,
        Period = Period,
        ETag = ETag,
    };
}
