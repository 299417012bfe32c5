using System.Globalization;

namespace CasPaxos.Silo;

/// <summary>What a request to the HTTP API is about: the listing, or one register.</summary>
/// <param name="EscapedKey">As it was sent; null for the listing.</param>
internal readonly record struct RegisterPath(string? EscapedKey)
{
    private const string Root = "/registers";

    /// <summary>
    /// Reads the target as the caller sent it. What the server makes of it (dot segments resolved, some escapes undone
    /// and %2F not) would give two keys one name, or one key two.
    /// </summary>
    /// <returns>False if it is about something else.</returns>
    public static bool TryParse(string rawTarget, out RegisterPath path)
    {
        var target = rawTarget.AsSpan();
        if (target.IndexOf("://") is var scheme and > 0 && !target.StartsWith("/"))
        {
            // A proxy's form, with the authority in it.
            var authority = target[(scheme + 3)..];
            target = authority.IndexOf('/') is var slash and >= 0 ? authority[slash..] : "/";
        }

        target = target.IndexOf('?') is var query and >= 0 ? target[..query] : target;
        path = target.StartsWith($"{Root}/") ? new RegisterPath(target[(Root.Length + 1)..].ToString()) : default;
        return path.EscapedKey is not null || target.SequenceEqual(Root);
    }

    /// <summary>Splits the last segment off: "a/b/increment" is the action "increment" on "a/b".</summary>
    public (RegisterPath Register, string Action) SplitAction()
    {
        var slash = EscapedKey!.LastIndexOf('/');
        return slash < 0
            ? (new RegisterPath(""), EscapedKey)
            : (new RegisterPath(EscapedKey[..slash]), EscapedKey[(slash + 1)..]);
    }

    /// <summary>The register's key: the bytes that the escapes stand for, which must be UTF-8.</summary>
    /// <exception cref="ArgumentException">No register can have it; the message says why.</exception>
    public RegisterKey ToKey()
    {
        var escaped = EscapedKey!;
        var bytes = new byte[escaped.Length];
        var length = 0;
        for (var i = 0; i < escaped.Length; i++)
        {
            var letter = escaped[i];
            if (letter == '%')
            {
                var digits = escaped.AsSpan(i + 1, Math.Min(2, escaped.Length - i - 1));
                if (digits.Length < 2 || !byte.TryParse(
                    digits, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var code))
                {
                    throw new ArgumentException("The key holds a % that two hexadecimal digits do not follow.");
                }

                letter = (char)code;
                i += 2;
            }
            else if (!char.IsAscii(letter))
            {
                throw new ArgumentException("The key holds a character that must be sent as the escapes of its UTF-8.");
            }

            bytes[length++] = (byte)letter;
        }

        try
        {
            return RegisterKey.FromUtf8(bytes.AsSpan(0, length));
        }
        catch (System.Text.DecoderFallbackException)
        {
            throw new ArgumentException("The key is not UTF-8.");
        }
    }
}
