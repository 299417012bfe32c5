using CasPaxos.Orleans;
using CasPaxos.Postgres;

namespace CasPaxos.Silo;

/// <summary><c>local</c>: a whole cluster for development on this machine, until it is told to stop.</summary>
internal static class LocalCommand
{
    public static async Task<int> RunAsync(DirectoryInfo? data)
    {
        if (OperatingSystem.IsWindows())
        {
            return ConsoleText.Complain("local needs Linux or macOS.", ExitCodes.NotStarted);
        }

        if (LocalPostgres.FindPrograms() is not { } programs)
        {
            return ConsoleText.Complain(
                "local needs PostgreSQL 14 or newer, and finds no initdb and pg_ctl on PATH or under " +
                "/usr/lib/postgresql/*/bin. On Debian and Ubuntu: apt-get install postgresql.",
                ExitCodes.NotStarted);
        }

        using var stop = new StopSignal();
        await using var cluster = new LocalCluster(programs, data);
        try
        {
            await cluster.StartAsync(stop.Token);
            Console.WriteLine(cluster.Describe());
            Console.WriteLine("Ctrl-C stops everything.");
            await cluster.WatchAsync(Console.WriteLine, stop.Token);
        }
        catch (OperationCanceledException) when (stop.Token.IsCancellationRequested)
        {
            // Told to stop: the end of the command.
        }
        catch (Exception failure) when (failure is LocalException or PostgresClusterException or RegisterGrainException
            or IOException or UnauthorizedAccessException)
        {
            return ConsoleText.Complain(failure.Message, ExitCodes.NotStarted);
        }

        Console.WriteLine("Stopping.");
        return ExitCodes.Done;
    }
}
