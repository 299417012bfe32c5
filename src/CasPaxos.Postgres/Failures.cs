using System.Net.Sockets;
using System.Security.Authentication;
using CasPaxos.Registers;
using Npgsql;

namespace CasPaxos.Postgres;

/// <summary>
/// Tells what a failed statement means: whether it may have taken effect, in the words of the port (rule 11). In doubt
/// it may.
/// </summary>
internal static class Failures
{
    /// <summary>Raised by the functions when the database is not the acceptor that the caller means.</summary>
    public const string WrongIdentity = "CP001";

    /// <summary>True if the failure is storage trouble, not a bug of the caller and not a cancellation.</summary>
    public static bool IsStorageTrouble(Exception failure) => failure is NpgsqlException or TimeoutException
        or SocketException or IOException or ObjectDisposedException or InvalidOperationException
        or AuthenticationException or InvalidCastException or NotSupportedException or OperationCanceledException;

    /// <summary>True if a table, a function or the schema of the acceptor is not there.</summary>
    public static bool IsMissingObject(PostgresException failure) => failure.SqlState
        is PostgresErrorCodes.UndefinedTable or PostgresErrorCodes.UndefinedFunction
        or PostgresErrorCodes.InvalidSchemaName or PostgresErrorCodes.UndefinedColumn;

    /// <summary>
    /// True if connections opened before are suspect: the server went away, or its objects are not what they were.
    /// </summary>
    public static bool SpoilsConnections(Exception failure) => failure is not PostgresException answer
        || answer.InvariantSeverity != "ERROR" || answer.SqlState[..2] is not ("57" or "55" or "40" or "53" or "CP")
        || answer.SqlState == WrongIdentity;

    /// <summary>Puts a failure into the words of the port.</summary>
    /// <param name="place">Slot and address, for the message.</param>
    /// <param name="failure">What was thrown.</param>
    /// <param name="sent">False if the statement certainly did not leave this process.</param>
    public static AcceptorUnavailableException Describe(string place, Exception failure, bool sent)
    {
        if (failure is AcceptorUnavailableException known)
        {
            return known;
        }

        // An error of the statement rolled it back. A fatal one ends the session, perhaps just after the commit.
        var mayHaveTakenEffect = sent && failure is not PostgresException { InvariantSeverity: "ERROR" };
        return new AcceptorUnavailableException($"{place}: {Reason(failure, sent)}", mayHaveTakenEffect, failure);
    }

    /// <summary>What a failure of storage means, without the place.</summary>
    /// <param name="failure">What was thrown.</param>
    /// <param name="sent">False if the statement certainly did not leave this process.</param>
    public static string Reason(Exception failure, bool sent)
    {
        if (failure is PostgresException answer)
        {
            var advice = answer.SqlState == WrongIdentity || (sent && IsMissingObject(answer)) ? Refusal : "";
            return $"{answer.MessageText} (SQLSTATE {answer.SqlState}).{advice}";
        }

        var timedOut = failure is OperationCanceledException or TimeoutException
            || failure.InnerException is TimeoutException;
        var what = timedOut
            ? sent ? "no answer in time" : "no connection in time"
            : sent ? $"the connection was lost ({failure.Message})" : $"no connection ({failure.Message})";
        return $"{what}.";
    }

    private const string Refusal =
        " The acceptor's tables were dropped, emptied, restored or swapped, so it may have forgotten promises and " +
        "does not serve. Give the slot a new, empty database as a new member; never restore an old one.";
}
