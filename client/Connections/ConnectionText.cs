using Npgsql;

namespace CasPaxos.Client;

/// <summary>Connection strings as people write them.</summary>
internal static class ConnectionText
{
    /// <summary>Between the connection strings of one environment variable.</summary>
    public const char Separator = '|';

    /// <summary>How to show the value of an option that holds a secret; null for an option that holds none.</summary>
    public static Func<string, string>? MaskOf(string option) => option switch
    {
        "--tls-password" => static _ => Redaction.Mask,
        "--direct" or "--clustering-database" or "--clustering-connection" or "--from" => Mask,
        _ => null,
    };

    /// <summary>A connection string without its passwords; nothing of one that cannot be read.</summary>
    public static string Mask(string connectionString)
    {
        try
        {
            var settings = new NpgsqlConnectionStringBuilder(connectionString);
            settings.Password = settings.Password is null ? null : Redaction.Mask;
            settings.SslPassword = settings.SslPassword is null ? null : Redaction.Mask;
            return settings.ConnectionString;
        }
        catch (Exception failure) when (failure is ArgumentException or FormatException or KeyNotFoundException)
        {
            return Redaction.Mask;
        }
    }

    /// <summary>
    /// The connection strings of one environment variable, separated by <see cref="Separator"/>. A quoted value may
    /// hold it, as in <c>Password='a|b'</c>.
    /// </summary>
    public static string[] Split(string text)
    {
        var parts = new List<string>();
        var (begin, quote, valueBegins) = (0, '\0', false);
        for (var i = 0; i < text.Length; i++)
        {
            var letter = text[i];
            if (quote != '\0')
            {
                quote = letter == quote ? '\0' : quote; // A doubled one ends and begins again.
                valueBegins = letter is '"' or '\'' && quote == '\0';
            }
            else if (letter == Separator)
            {
                parts.Add(text[begin..i]);
                (begin, valueBegins) = (i + 1, false);
            }
            else if (valueBegins && letter is '"' or '\'')
            {
                quote = letter;
            }
            else
            {
                valueBegins = letter == '=' || (valueBegins && char.IsWhiteSpace(letter));
            }
        }

        parts.Add(text[begin..]);
        return [.. parts.Select(part => part.Trim()).Where(part => part.Length > 0)];
    }
}
