namespace CasPaxos.Client;

/// <summary>The command that retries an operation of unknown outcome, to be copied into a shell.</summary>
internal static class RetryCommandLine
{
    /// <summary>The same command line with the operation's id and position. Holds no password.</summary>
    /// <param name="arguments">As they were given.</param>
    /// <param name="command">The name of the command among them.</param>
    /// <param name="unknown">How it ended.</param>
    public static string Of(IReadOnlyList<string> arguments, string command, Outcome.Unknown unknown)
    {
        var words = new List<string> { "caspaxos" };
        var placed = false;
        for (var i = 0; i < arguments.Count; i++)
        {
            var argument = arguments[i];
            var option = argument.Split('=', 2)[0];
            if (option is "--operation-id" or "--since")
            {
                i += argument.Contains('=', StringComparison.Ordinal) ? 0 : 1; // Takes the new ones' place.
                continue;
            }

            if (option == "--tls-password")
            {
                i += argument.Contains('=', StringComparison.Ordinal) ? 0 : 1;
                words.Add($"{option}={Redaction.Mask}");
                continue;
            }

            words.Add(ShellText.Quote(Redaction.Apply(argument)));
            if (!placed && argument == command)
            {
                placed = true; // Before the values, which may follow a double dash.
                words.Add($"--operation-id {unknown.Id} --since {unknown.Since}");
            }
        }

        return string.Join(' ', words);
    }
}
