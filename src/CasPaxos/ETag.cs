using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace CasPaxos;

/// <summary>
/// Names one state of one register: which creation it descends from and how many changes made it. Never used twice,
/// not after delete, erase and re-creation (rule 17), and unchanged by reads.
/// </summary>
/// <param name="CreationId">
/// Random, new with every creation; all zero in <see cref="Absent"/>, and in the position of a register that was erased
/// or never written, which no state has.
/// </param>
/// <param name="Version">1 or more; 0 in <see cref="Absent"/>.</param>
public readonly record struct ETag(Guid CreationId, long Version)
{
    /// <summary>The ETag of a register that does not exist.</summary>
    public static ETag Absent => default;

    /// <summary>True for <see cref="Absent"/>.</summary>
    public bool IsAbsent => this == Absent;

    /// <summary>Reads what <see cref="ToString"/> writes.</summary>
    public static bool TryParse([NotNullWhen(true)] string? text, out ETag etag)
    {
        etag = Absent;
        if (text == "absent")
        {
            return true;
        }

        var dash = text?.IndexOf('-', StringComparison.Ordinal) ?? -1;
        if (dash <= 0
            || !long.TryParse(text.AsSpan(0, dash), NumberStyles.None, CultureInfo.InvariantCulture, out var version)
            || !Guid.TryParseExact(text.AsSpan(dash + 1), "N", out var creation)
            || version < 1)
        {
            return false;
        }

        etag = new ETag(creation, version);
        return true;
    }

    /// <summary>Version and creation, as <c>3-0f8b…</c>; <c>absent</c> for <see cref="Absent"/>.</summary>
    public override string ToString() =>
        IsAbsent ? "absent" : string.Create(CultureInfo.InvariantCulture, $"{Version}-{CreationId:N}");
}

/// <summary>What a register held at one moment, as its users see it.</summary>
/// <param name="ETag">Names the state; <see cref="ETag.Absent"/> when the register does not exist.</param>
/// <param name="Payload">The value; empty when the register does not exist.</param>
public readonly record struct Snapshot(ETag ETag, ReadOnlyMemory<byte> Payload)
{
    /// <summary>A register that does not exist.</summary>
    public static Snapshot Absent => default;

    /// <summary>False for a register never written, or deleted.</summary>
    public bool Exists => !ETag.IsAbsent;
}
