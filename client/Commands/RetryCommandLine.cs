namespace CasPaxos.Client;

/// <summary>The command that retries an operation of unknown outcome, to be copied into a shell.</summary>
internal static class RetryCommandLine
{
    /// <summary>
    /// The same command line with the operation's id and position, and without the passwords of its options. Key and
    /// value are as they were: another value would be another operation.
    /// </summary>
    /// <param name="arguments">As they were given.</param>
    /// <param name="command">The name of the command among them.</param>
    /// <param name="unknown">How it ended.</param>
    public static string Of(IReadOnlyList<string> arguments, string command, Outcome.Unknown unknown)
    {
        var words = new List<string> { "caspaxos" };
        var placed = false;
        var onlyValues = false;
        for (var i = 0; i < arguments.Count; i++)
        {
            var argument = arguments[i];
            onlyValues |= argument == "--";
            var end = argument.IndexOfAny(['=', ':']);
            var option = onlyValues ? "" : end < 0 ? argument : argument[..end];
            if (option is "--operation-id" or "--since")
            {
                i += end < 0 ? 1 : 0; // Takes the new ones' place.
            }
            else if (ConnectionText.MaskOf(option) is { } mask)
            {
                var value = end < 0 ? arguments.ElementAtOrDefault(++i) ?? "" : argument[(end + 1)..];
                words.Add(option);
                words.Add(ShellText.Quote(mask(value)));
            }
            else
            {
                words.Add(ShellText.Quote(argument));
                if (!placed && argument == command)
                {
                    placed = true; // Before the values, which may follow a double dash.
                    words.Add($"--operation-id {unknown.Id} --since {unknown.Since}");
                }
            }
        }

        return string.Join(' ', words);
    }
}
