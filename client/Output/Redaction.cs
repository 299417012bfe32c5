using System.Text.RegularExpressions;

namespace CasPaxos.Client;

/// <summary>Keeps passwords out of everything that is printed.</summary>
internal static partial class Redaction
{
    /// <summary>What stands in a secret's place.</summary>
    public const string Mask = "***";

    /// <summary>The text, without the passwords of connection strings in it.</summary>
    public static string Apply(string text) => Secrets().Replace(text, "$1" + Mask);

    // A quoted value may hold semicolons; an unquoted one ends at the first.
    [GeneratedRegex(
        """((?:\b|_)(?:password|pwd|ssl\s*password)\s*=\s*)("(?:[^"]|"")*"|'(?:[^']|'')*'|[^;|"']*)""",
        RegexOptions.IgnoreCase)]
    private static partial Regex Secrets();
}
