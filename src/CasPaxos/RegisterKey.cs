using System.Text;

namespace CasPaxos;

/// <summary>The name of a register: text of 1 to <see cref="BytesMax"/> bytes of UTF-8.</summary>
public readonly record struct RegisterKey : IComparable<RegisterKey>
{
    /// <summary>The longest key, in bytes of UTF-8.</summary>
    public const int BytesMax = 1024;

    // Refuses lone surrogates: replaced by U+FFFD, two different names would become one register.
    private static readonly UTF8Encoding Strict =
        new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);


    private readonly string? _text;

    /// <summary>Names a register.</summary>
    /// <param name="text">1 to 1,024 bytes of UTF-8; any characters, zero included; no normalisation is done.</param>
    /// <exception cref="ArgumentException">The text is empty, too long, or holds half of a surrogate pair.</exception>
    public RegisterKey(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        int length;
        try
        {
            length = Strict.GetByteCount(text);
        }
        catch (EncoderFallbackException)
        {
            throw new ArgumentException(
                "A register key must be valid Unicode; this one holds half of a surrogate pair.", nameof(text));
        }

        if (length is 0 or > BytesMax)
        {
            throw new ArgumentException(
                $"A register key has 1 to {BytesMax} bytes of UTF-8; this one has {length}.", nameof(text));
        }

        _text = text;
    }

    /// <summary>The key as text.</summary>
    /// <exception cref="InvalidOperationException">This is <c>default</c>, which names no register.</exception>
    public string Text => _text ?? throw new InvalidOperationException("The default RegisterKey names no register.");

    /// <summary>The key as it is stored and ordered.</summary>
    public byte[] ToUtf8() => Strict.GetBytes(Text);

    /// <summary>Reads a stored key.</summary>
    /// <exception cref="ArgumentException">The bytes are no key: empty, too long or not UTF-8.</exception>
    public static RegisterKey FromUtf8(ReadOnlySpan<byte> utf8) => new(Strict.GetString(utf8));

    /// <summary>Orders keys by their UTF-8 bytes, as databases do: not the order of UTF-16 strings.</summary>
    public int CompareTo(RegisterKey other)
    {
        var left = Text;
        var right = other.Text;
        var shorter = Math.Min(left.Length, right.Length);
        for (var i = 0; i < shorter; i++)
        {
            if (left[i] == right[i])
            {
                continue;
            }

            // UTF-8 sorts like code points. UTF-16 does too, except that surrogates stand for what lies above U+FFFF.
            var leftIsHigh = char.IsSurrogate(left[i]);
            return leftIsHigh == char.IsSurrogate(right[i]) ? left[i].CompareTo(right[i]) : leftIsHigh ? 1 : -1;
        }

        return left.Length.CompareTo(right.Length);
    }

    /// <summary>The key as text, or <c>(none)</c> for <c>default</c>.</summary>
    public override string ToString() => _text ?? "(none)";

    /// <summary>Byte order, see <see cref="CompareTo"/>.</summary>
    public static bool operator <(RegisterKey left, RegisterKey right) => left.CompareTo(right) < 0;

    /// <summary>Byte order, see <see cref="CompareTo"/>.</summary>
    public static bool operator >(RegisterKey left, RegisterKey right) => left.CompareTo(right) > 0;

    /// <summary>Byte order, see <see cref="CompareTo"/>.</summary>
    public static bool operator <=(RegisterKey left, RegisterKey right) => left.CompareTo(right) <= 0;

    /// <summary>Byte order, see <see cref="CompareTo"/>.</summary>
    public static bool operator >=(RegisterKey left, RegisterKey right) => left.CompareTo(right) >= 0;
}
