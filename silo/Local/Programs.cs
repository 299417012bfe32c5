using System.Diagnostics;
using System.Runtime.InteropServices;

namespace CasPaxos.Silo;

/// <summary>Starts programs of this machine. Linux and macOS.</summary>
internal static class Programs
{
    private const int SigTerm = 15;

    /// <summary>True if we may be anybody; PostgreSQL then refuses to run as us.</summary>
    public static bool IsRoot => OperatingSystem.IsLinux() && EffectiveUserId() == 0;

    /// <summary>Runs a program to its end, what it prints going to a file.</summary>
    /// <exception cref="LocalException">It failed; the message tells what it printed.</exception>
    public static async Task RunAsync(string log, IReadOnlyList<string> line, CancellationToken cancellationToken)
    {
        using var process = Start(log, line, environment: null);
        await process.WaitForExitAsync(cancellationToken);
        if (process.ExitCode != 0)
        {
            throw new LocalException($"{string.Join(' ', line)} failed: {Tail(log)}");
        }
    }

    /// <summary>
    /// Starts a program. What it prints goes to a file, not through us: it must be able to print after our end.
    /// </summary>
    public static Process Start(
        string log, IReadOnlyList<string> line, IReadOnlyDictionary<string, string>? environment)
    {
        var start = new ProcessStartInfo("sh") { WorkingDirectory = "/" };
        foreach (var argument in (IEnumerable<string>)
            ["-c", "log=$1; shift; exec \"$@\" >>\"$log\" 2>&1 </dev/null", "sh", log, .. line])
        {
            start.ArgumentList.Add(argument);
        }

        foreach (var (name, value) in environment ?? new Dictionary<string, string>())
        {
            start.Environment[name] = value;
        }

        return Process.Start(start) ?? throw new LocalException($"{line[0]} cannot be started.");
    }

    /// <summary>Tells a process to stop in order.</summary>
    public static void Terminate(Process process) => _ = Kill(process.Id, SigTerm);

    /// <summary>The end of a file, for a message.</summary>
    public static string Tail(string file) => File.Exists(file)
        ? string.Join(Environment.NewLine, File.ReadLines(file).TakeLast(12))
        : "it printed nothing.";

    [DllImport("libc", EntryPoint = "kill", ExactSpelling = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Kill(int id, int signal);

    [DllImport("libc", EntryPoint = "geteuid", ExactSpelling = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern uint EffectiveUserId();
}

/// <summary>The development cluster cannot be brought up; the message says why.</summary>
internal sealed class LocalException(string message) : Exception(message);
