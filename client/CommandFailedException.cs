namespace CasPaxos.Client;

/// <summary>Ends the program with a message for people, in one or two lines that say what to do.</summary>
internal sealed class CommandFailedException(int exitCode, string message) : Exception(message)
{
    /// <summary>One of <see cref="ExitCodes"/>.</summary>
    public int ExitCode { get; } = exitCode;

    /// <summary>The command line is wrong.</summary>
    public static CommandFailedException Usage(string message) => new(ExitCodes.Usage, message);
}
