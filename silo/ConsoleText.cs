namespace CasPaxos.Silo;

/// <summary>What the commands say to people.</summary>
internal static class ConsoleText
{
    /// <summary>Says on the error stream what is wrong.</summary>
    /// <returns>The exit code.</returns>
    public static int Complain(string message, int exitCode)
    {
        Console.Error.WriteLine($"caspaxos-silo: {message}");
        return exitCode;
    }

    /// <summary>The messages from the outermost to the cause, each once, in one line; no stack trace.</summary>
    public static string Describe(Exception failure)
    {
        var messages = new List<string>();
        for (var each = failure; each is not null; each = each.InnerException)
        {
            var message = each.Message.ReplaceLineEndings(" ").Trim();
            if (each is not AggregateException
                && !messages.Exists(known => known.Contains(message, StringComparison.Ordinal)))
            {
                messages.Add(message);
            }
        }

        return string.Join(' ', messages);
    }
}
