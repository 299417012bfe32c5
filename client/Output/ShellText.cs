using System.Globalization;
using System.Text;

namespace CasPaxos.Client;

/// <summary>Text that survives a line, a column or a shell.</summary>
internal static class ShellText
{
    /// <summary>One word for a POSIX shell.</summary>
    public static string Quote(string word) =>
        word.Length > 0 && word.All(letter => char.IsAsciiLetterOrDigit(letter) || "-_./:=,@%+".Contains(letter))
            ? word
            : "'" + word.Replace("'", "'\\''", StringComparison.Ordinal) + "'";

    /// <summary>Control characters and backslashes as escapes, so that a key is one field of one line.</summary>
    public static string Escape(string text)
    {
        if (!text.Any(letter => char.IsControl(letter) || letter == '\\'))
        {
            return text;
        }

        var escaped = new StringBuilder();
        foreach (var letter in text)
        {
            _ = letter switch
            {
                '\\' => escaped.Append(@"\\"),
                '\n' => escaped.Append(@"\n"),
                '\r' => escaped.Append(@"\r"),
                '\t' => escaped.Append(@"\t"),
                _ when char.IsControl(letter) => escaped.Append(CultureInfo.InvariantCulture, $"\\u{(int)letter:x4}"),
                _ => escaped.Append(letter),
            };
        }

        return escaped.ToString();
    }
}
