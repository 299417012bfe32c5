using System.Text;

namespace CasPaxos.Checker;

/// <summary>
/// Payload bytes as text, one text for each: valid UTF-8 as itself; anything else, and text that itself begins with
/// <c>base64:</c>, as <c>base64:</c> and the bytes in Base64.
/// </summary>
public static class PayloadText
{
    private const string Prefix = "base64:";

    // Two different texts with lone surrogates would become the same bytes.
    private static readonly UTF8Encoding Strict = new(false, throwOnInvalidBytes: true);

    /// <summary>The text of some bytes.</summary>
    public static string FromBytes(ReadOnlySpan<byte> bytes)
    {
        if (!System.Text.Unicode.Utf8.IsValid(bytes) || bytes.StartsWith("base64:"u8))
        {
            return Prefix + Convert.ToBase64String(bytes);
        }

        return Strict.GetString(bytes);
    }

    /// <summary>The bytes of a text.</summary>
    /// <exception cref="FormatException">Text after <c>base64:</c> that is no Base64.</exception>
    public static byte[] ToBytes(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return IsEncoded(text) ? Convert.FromBase64String(text[Prefix.Length..]) : Strict.GetBytes(text);
    }

    internal static bool IsEncoded(string text) => text.StartsWith(Prefix, StringComparison.Ordinal);

    /// <summary>The text of the bytes of one text followed by those of another.</summary>
    internal static string Concatenate(string head, string tail)
    {
        var joined = string.Concat(head, tail);
        if (!IsEncoded(joined) && !IsEncoded(tail))
        {
            return joined;
        }

        // Two halves of one character, or of the prefix: only the bytes tell what the whole is.
        return FromBytes([.. ToBytes(head), .. ToBytes(tail)]);
    }
}
