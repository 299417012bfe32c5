using System.Buffers;
using System.Security.Cryptography;
using System.Text;

namespace CasPaxos.Orleans;

/// <summary>Which register holds a grain's state. Two states never share one.</summary>
/// <param name="Register">The register.</param>
/// <param name="FullName">
/// Null, as a rule. Where the name is too long for a key, the key has its hash only: then this is the name, which is
/// kept with the state and compared.
/// </param>
/// <remarks>
/// The name is <c>prefix/service/grain type/grain key/state</c>, each part escaped so that it holds no slash. Names
/// are stored for ever: nothing here may change, or depend on what a version of Unicode says of a character.
/// </remarks>
internal readonly record struct GrainStateKey(RegisterKey Register, string? FullName)
{
    // Refuses lone surrogates: replaced by U+FFFD, two different names would become one.
    private static readonly UTF8Encoding Strict =
        new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>The register of one state of one grain.</summary>
    /// <param name="prefix">What the keys of all states begin with.</param>
    /// <param name="serviceId">The service that the grain is part of.</param>
    /// <param name="grain">The grain; its key may be any bytes.</param>
    /// <param name="stateName">The name of the state.</param>
    /// <exception cref="ArgumentException">The service id or the state name is not valid Unicode.</exception>
    public static GrainStateKey Of(string prefix, string serviceId, GrainId grain, string stateName)
    {
        var text = new StringBuilder(prefix).Append('/');
        Escape(text, Strict.GetBytes(serviceId));
        var service = text.Length;
        Escape(text.Append('/'), grain.Type.AsSpan());
        Escape(text.Append('/'), grain.Key.AsSpan());
        Escape(text.Append('/'), Strict.GetBytes(stateName));
        var name = text.ToString();
        var utf8 = Strict.GetBytes(name);
        if (utf8.Length <= RegisterKey.BytesMax)
        {
            return new GrainStateKey(new RegisterKey(name), null);
        }

        // One slash or two: never the key of a state whose name fits, which has four. Listed with its service, where
        // that fits.
        var hash = "/#" + Convert.ToHexStringLower(SHA256.HashData(utf8));
        var beginning = name[..service];
        var fits = Strict.GetByteCount(beginning) + hash.Length <= RegisterKey.BytesMax;
        return new GrainStateKey(new RegisterKey((fits ? beginning : prefix) + hash), name);
    }

    /// <summary>
    /// Printable ASCII but for <c>%</c> and <c>/</c> stays, and so does every other character from U+00A0; any other
    /// byte becomes <c>%</c> and two digits. The reverse is unique, so no two inputs become one.
    /// </summary>
    public static void Escape(StringBuilder text, ReadOnlySpan<byte> bytes)
    {
        Span<char> chars = stackalloc char[2];
        while (!bytes.IsEmpty)
        {
            var valid = Rune.DecodeFromUtf8(bytes, out var rune, out var length) == OperationStatus.Done;
            var plain = rune.IsAscii ? rune.Value is > ' ' and < 0x7F and not '%' and not '/' : rune.Value >= 0xA0;
            if (valid && plain)
            {
                text.Append(chars[..rune.EncodeToUtf16(chars)]);
            }
            else
            {
                foreach (var one in bytes[..length])
                {
                    text.Append('%').Append(Convert.ToHexString([one]));
                }
            }

            bytes = bytes[length..];
        }
    }
}
