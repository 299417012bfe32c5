using System.Buffers.Binary;
using System.Text;

namespace CasPaxos.Client;

/// <summary>What the keys of a grain type are.</summary>
internal enum KeyKind
{
    /// <summary>IGrainWithStringKey.</summary>
    String,

    /// <summary>As that; keys that look like numbers or Guids have small letters and no zeros in front.</summary>
    StringLower,

    /// <summary>As that; keys that look like numbers or Guids have capital letters and no zeros in front.</summary>
    StringUpper,

    /// <summary>IGrainWithIntegerKey.</summary>
    Integer,

    /// <summary>IGrainWithIntegerCompoundKey.</summary>
    IntegerAndString,

    /// <summary>IGrainWithGuidKey.</summary>
    Guid,

    /// <summary>IGrainWithGuidCompoundKey.</summary>
    GuidAndString,
}

/// <summary>Whether a row's key is one of a kind. Closed.</summary>
internal abstract record KeyMatch
{
    private KeyMatch()
    {
    }

    /// <summary>It is this one and no other.</summary>
    public sealed record Fits(IdSpan Key) : KeyMatch;

    /// <summary>It may be one of several.</summary>
    public sealed record CannotTell(string Reason) : KeyMatch;

    /// <summary>It is none of that kind.</summary>
    public sealed record Differs(string Reason) : KeyMatch;
}

/// <summary>A grain's key as Orleans' ADO.NET storage keeps it.</summary>
/// <param name="N0">The first half of a Guid, or 0.</param>
/// <param name="N1">The other half, or an integer, or 0.</param>
/// <param name="Extension">What follows a Guid or an integer, or else the whole key; null for nothing.</param>
/// <param name="Hash">Of all of that, by Orleans' default hasher, which tells a Guid from an integer.</param>
/// <remarks>
/// The storage takes whatever can be read as a Guid for one, then whatever can be read as a hexadecimal integer, also
/// where it is a text: <c>012</c>, <c>ada</c> and <c>0C+x</c> lose their zeros and their case, and a Guid its case.
/// What is left is told apart by the hash only: <c>x</c> and <c>0+x</c> differ in nothing else.
/// </remarks>
internal readonly record struct StockKey(long N0, long N1, string? Extension, int Hash)
{
    private static readonly GrainType Any = GrainType.Create("any");

    /// <summary>The key as the storage would keep it.</summary>
    public static StockKey Of(IdSpan key)
    {
        var grain = GrainId.Create(Any, key);
        Span<byte> bytes = stackalloc byte[16];
        if (grain.TryGetGuidKey(out var guid, out var extension))
        {
            guid.TryWriteBytes(bytes);
            return new StockKey(
                BinaryPrimitives.ReadInt64LittleEndian(bytes),
                BinaryPrimitives.ReadInt64LittleEndian(bytes[8..]),
                extension,
                HashOf(bytes, extension));
        }

        if (grain.TryGetIntegerKey(out var integer, out extension))
        {
            BinaryPrimitives.WriteInt64LittleEndian(bytes, integer);
            return new StockKey(0, integer, extension, HashOf(bytes[..8], extension));
        }

        var text = key.ToString();
        return new StockKey(0, 0, text, HashOf([], text));
    }

    /// <summary>Which key of a kind this is.</summary>
    /// <param name="kind">What the grain's keys are.</param>
    /// <param name="anyHash">The hash is of another hasher and says nothing.</param>
    public KeyMatch Match(KeyKind kind, bool anyHash) => kind switch
    {
        KeyKind.String => MatchText(anyHash, null),
        KeyKind.StringLower => MatchText(anyHash, char.ToLowerInvariant),
        KeyKind.StringUpper => MatchText(anyHash, char.ToUpperInvariant),
        KeyKind.Integer or KeyKind.IntegerAndString => MatchPlain(
            N0 == 0 ? IntegerText : null, kind == KeyKind.IntegerAndString, "integer", anyHash),
        _ => MatchPlain(GuidText, kind == KeyKind.GuidAndString, "Guid", anyHash),
    };

    /// <inheritdoc/>
    public override string ToString() => $"grainidn0 {N0}, grainidn1 {N1}, " +
        (Extension is null ? "no extension" : $"extension '{Extension}'");

    private string IntegerText => $"{N1:X}{Tail}";

    private string GuidText
    {
        get
        {
            Span<byte> bytes = stackalloc byte[16];
            BinaryPrimitives.WriteInt64LittleEndian(bytes, N0);
            BinaryPrimitives.WriteInt64LittleEndian(bytes[8..], N1);
            return $"{new Guid(bytes):N}{Tail}";
        }
    }

    private string Tail => Extension is null ? "" : $"+{Extension}";

    /// <summary>Integers and Guids are written in one way only.</summary>
    private KeyMatch MatchPlain(string? text, bool extended, string name, bool anyHash)
    {
        // Orleans makes no compound key of an extension that is blank.
        if (extended ? string.IsNullOrWhiteSpace(Extension) : Extension is not null)
        {
            return new KeyMatch.Differs(extended ? "it has no extension" : "it has an extension");
        }

        return text is not null && IsOf(text, anyHash)
            ? Fit(text)
            : new KeyMatch.Differs($"it is no {name} by its hash");
    }

    /// <summary>Finds the one text that the row can be of.</summary>
    /// <param name="anyHash">See <see cref="Match"/>.</param>
    /// <param name="letter">How the application writes the letters of numbers and Guids; null if in either way.</param>
    private KeyMatch MatchText(bool anyHash, Func<char, char>? letter)
    {
        var isText = !string.IsNullOrEmpty(Extension) && IsOf(Extension, anyHash);
        if (isText && anyHash)
        {
            return Fit(Extension!); // Or 0+x, or 00+x: taken for what is likely.
        }

        var isGuid = IsOf(GuidText, anyHash);
        var isInteger = N0 == 0 && IsOf(IntegerText, anyHash);
        return (isText, isGuid, isInteger) switch
        {
            (true, false, false) => Fit(Extension!),
            (false, true, false) when !GuidText.AsSpan(0, 32).ContainsAnyExceptInRange('0', '9') =>
                Fit(GuidText), // Digits have no case.
            (false, true, false) when letter is not null => Fit(Written(GuidText, letter)),
            (false, false, true) when letter is not null => Fit(Written(IntegerText, letter)),
            (false, true, false) => new KeyMatch.CannotTell(
                $"'{GuidText}' looks like a Guid, and the table has not kept which of its letters were capital"),
            (false, false, true) => new KeyMatch.CannotTell(
                $"'{IntegerText}' looks like a number, and the table has kept neither its zeros in front nor " +
                "which of its letters were capital"),
            (false, false, false) => new KeyMatch.Differs("it is no text by its hash"),
            _ => new KeyMatch.CannotTell($"it may be the text '{Extension}', '{IntegerText}' or '{GuidText}'"),
        };
    }

    /// <summary>The number with its letters so; its extension was kept as it is.</summary>
    private string Written(string text, Func<char, char> letter) =>
        string.Concat(text[..^Tail.Length].Select(letter)) + Tail;

    private static KeyMatch.Fits Fit(string text) => new(IdSpan.Create(text));

    private bool IsOf(string text, bool anyHash)
    {
        var other = Of(IdSpan.Create(text));
        return this == (anyHash ? other with { Hash = Hash } : other);
    }

    private static int HashOf(ReadOnlySpan<byte> number, string? extension)
    {
        byte[] bytes = [.. number, .. Encoding.UTF8.GetBytes(extension ?? "")];
        bytes.AsSpan().Reverse();
        return unchecked((int)StableHash.ComputeHash(bytes));
    }
}
