namespace CasPaxos.Silo;

/// <summary>What the process says when it ends.</summary>
internal static class ExitCodes
{
    /// <summary>It was told to stop, and did; or the command is done.</summary>
    public const int Done = 0;

    /// <summary>A setting or the command line is wrong; nothing was begun.</summary>
    public const int WrongSettings = 1;

    /// <summary>It could not start, or refused to: a database, the cluster, a port.</summary>
    public const int NotStarted = 2;

    /// <summary>It ran, and ended by a failure.</summary>
    public const int Failed = 3;
}
