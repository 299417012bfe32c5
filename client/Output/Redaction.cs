using System.Text.RegularExpressions;

namespace CasPaxos.Client;

/// <summary>Keeps passwords out of everything that is printed.</summary>
internal static partial class Redaction
{
    /// <summary>What stands in a secret's place.</summary>
    public const string Mask = "***";

    /// <summary>The text, without the passwords of connection strings in it.</summary>
    public static string Apply(string text) => Secrets().Replace(text, "$1" + Mask);

    // A quoted value may hold semicolons; what is not quoted ends at the first, and at nothing else that a password may
    // hold. Better to mask the rest of a line than to show a part of a secret.
    [GeneratedRegex(
        """(\w*(?:password|pwd|psw)\s*=\s*)("(?:[^"]|"")*("|$)|'(?:[^']|'')*('|$))?[^;\r\n]*""",
        RegexOptions.IgnoreCase)]
    private static partial Regex Secrets();
}
