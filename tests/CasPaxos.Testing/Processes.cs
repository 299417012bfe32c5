using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;

namespace CasPaxos.Testing;

/// <summary>Programs and signals, as the shared harness needs them. Linux.</summary>
internal static class Processes
{
    public const int SigInt = 2;
    public const int SigQuit = 3;
    public const int SigKill = 9;
    public const int SigTerm = 15;
    public const int SigCont = 18;
    public const int SigStop = 19;

    /// <summary>True if we may be anybody; PostgreSQL then refuses to run as us.</summary>
    public static bool IsRoot { get; } = OperatingSystem.IsLinux() && EffectiveUserId() == 0;

    /// <summary>A start of a PostgreSQL program, as the user <c>postgres</c> when we are root.</summary>
    public static ProcessStartInfo AsPostgres(string program, params ReadOnlySpan<string> arguments)
    {
        // setpriv becomes the program, so the process id is the program's.
        string[] user = IsRoot ? ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups"] : [];
        string[] line = [.. user, PostgresBinaries.PathOf(program), .. arguments];
        var start = Command(line[0], line.AsSpan(1));
        start.WorkingDirectory = "/";
        start.Environment["LC_ALL"] = "C";
        return start;
    }

    /// <summary>The same for a server: what it prints goes to a file.</summary>
    public static ProcessStartInfo AsPostgresInto(
        string log, string program, params ReadOnlySpan<string> arguments)
    {
        var plain = AsPostgres(program, arguments);
        var start = Into(log, [plain.FileName, .. plain.ArgumentList]);
        start.WorkingDirectory = plain.WorkingDirectory;
        start.Environment["LC_ALL"] = "C";
        return start;
    }

    /// <summary>
    /// A start of a program as ourselves; what it prints is added to a file. Not through us: reading a pipe takes a
    /// thread of the pool for as long as the pipe is open, and a few servers would leave none for the code under test.
    /// </summary>
    /// <param name="log">The file.</param>
    /// <param name="line">The program and its arguments; the process id is the program's.</param>
    public static ProcessStartInfo Into(string log, IEnumerable<string> line) =>
        new("sh", ["-c", "log=$1; shift; exec \"$@\" >>\"$log\" 2>&1", "sh", log, .. line]);

    /// <summary>Runs a program to its end.</summary>
    /// <returns>What it printed, and whether it succeeded.</returns>
    public static async Task<(bool Succeeded, string Output)> TryRunAsync(ProcessStartInfo start)
    {
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync();
        var errors = process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        return (process.ExitCode == 0, await output + await errors);
    }

    /// <summary>Runs a program to its end.</summary>
    /// <exception cref="InvalidOperationException">It failed; says what it printed.</exception>
    public static async Task RunAsync(ProcessStartInfo start)
    {
        var (succeeded, output) = await TryRunAsync(start);
        if (!succeeded)
        {
            throw new InvalidOperationException($"{start.FileName} {string.Join(' ', start.ArgumentList)}: {output}");
        }
    }

    /// <summary>A start of a system program as ourselves.</summary>
    public static ProcessStartInfo Command(string program, params ReadOnlySpan<string> arguments)
    {
        var start = new ProcessStartInfo(program) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        return start;
    }

    /// <summary>A process and the children that it has now, itself first.</summary>
    public static IReadOnlyList<int> Family(int parent)
    {
        var family = new List<int> { parent };
        foreach (var folder in Directory.EnumerateDirectories("/proc"))
        {
            if (int.TryParse(Path.GetFileName(folder), CultureInfo.InvariantCulture, out var id)
                && ParentOf(id) == parent)
            {
                family.Add(id);
            }
        }

        return family;
    }

    /// <summary>Sends a signal; to a process that is gone already, nothing.</summary>
    public static void Signal(int id, int signal) => _ = SendSignal(id, signal);

    /// <summary>True while a process is there and is not merely waiting to be collected.</summary>
    public static bool IsAlive(int id)
    {
        try
        {
            // The state follows the name, and the name may hold blanks and brackets.
            var stat = File.ReadAllText($"/proc/{id}/stat");
            return stat[stat.LastIndexOf(')') + 2] is not ('Z' or 'X');
        }
        catch (IOException)
        {
            return false;
        }
    }

    private static int? ParentOf(int id)
    {
        try
        {
            var stat = File.ReadAllText($"/proc/{id}/stat");
            var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
            return int.Parse(fields[1], CultureInfo.InvariantCulture);
        }
        catch (IOException)
        {
            return null; // Ended while we looked.
        }
    }

    [DllImport("libc", EntryPoint = "kill", ExactSpelling = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int SendSignal(int id, int signal);

    [DllImport("libc", EntryPoint = "geteuid", ExactSpelling = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern uint EffectiveUserId();
}
