namespace CasPaxos.Client;

/// <summary>How the program ends, for scripts. <see cref="Help"/> is what <c>--help</c> says of it.</summary>
internal static class ExitCodes
{
    /// <summary>The operation took effect, or the answer was printed.</summary>
    public const int Applied = 0;

    /// <summary>The command line or a value is wrong; nothing was sent.</summary>
    public const int Usage = 1;

    /// <summary>The operation did not fit what is there.</summary>
    public const int Refused = 2;

    /// <summary>There is nothing to read or to delete.</summary>
    public const int Absent = 3;

    /// <summary>No quorum in time: nothing was changed and nothing will be.</summary>
    public const int Unavailable = 4;

    /// <summary>The operation may be applied, now, later or never.</summary>
    public const int Unknown = 5;

    /// <summary>Nobody to ask, or a failure that none of the others describes.</summary>
    public const int Failed = 6;

    /// <summary>The register is not open to clients.</summary>
    public const int Forbidden = 7;

    /// <summary>Ctrl-C, by the custom of shells.</summary>
    public const int Interrupted = 130;

    /// <summary>Exit codes for people.</summary>
    public const string Help =
        """
        Exit codes:
          0    applied, or the answer was printed
          1    wrong usage or invalid input; nothing was sent
          2    refused: the condition is not met; nothing was changed
          3    absent: nothing to get, or nothing to delete
          4    unavailable: no quorum in time; nothing was changed and nothing will be
          5    unknown: it may be applied or not; the command to retry safely is printed
          6    cannot connect, or another failure
          7    forbidden: the register is not open to clients; this did nothing
          130  interrupted by Ctrl-C; what is known of the operation is printed
        """;
}
