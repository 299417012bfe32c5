using System.Diagnostics;
using System.Runtime.Versioning;
using CasPaxos.Testing;

namespace CasPaxos.Docs.Tests;

/// <summary>
/// The terminal of somebody who reads a page from its beginning: what one block exports, the next ones see. In the
/// checkout, with a folder of its own for everything that is written. Programs of the checkout are run as they were
/// built.
/// </summary>
[UnsupportedOSPlatform("windows")]
internal sealed class PageShell : IAsyncDisposable, ILeftover
{
    private readonly List<Process> _running = [];
    private readonly Dictionary<string, string> _variables;

    /// <param name="variables">What the reader has in the environment.</param>
    public PageShell(IReadOnlyDictionary<string, string>? variables = null)
    {
        // Under a name that anybody may enter: PostgreSQL, which refuses to be root, has to get through.
        Folder = Directory.CreateDirectory(Path.Combine(Path.GetTempPath(), $"caspaxos-docs-{Guid.NewGuid():n}"));
        File.SetUnixFileMode(Folder.FullName, (UnixFileMode)0b111_111_111);
        File.WriteAllText(Exported, "");
        File.SetUnixFileMode(Exported, (UnixFileMode)0b110_110_110);
        var dotnet = FindDotnet();
        Script("dotnet", $"""[ "$1" = run ] && shift && set -- run --no-build "$@"; exec "{dotnet}" "$@" """);
        Script("caspaxos", $"""exec "{dotnet}" exec "{Built("client", "caspaxos-cli.dll")}" "$@" """);
        Script("caspaxos-silo", $"""exec "{dotnet}" exec "{Built("silo", "caspaxos-silo.dll")}" "$@" """);
        _variables = new Dictionary<string, string>(variables ?? new Dictionary<string, string>())
        {
            ["PATH"] = $"{Programs}:{Environment.GetEnvironmentVariable("PATH")}",
            ["CASPAXOS_CONTEXT"] = Context,
        };
        LeftoverCollector.Add(this);
    }

    /// <summary>For everything that is written.</summary>
    public DirectoryInfo Folder { get; }

    /// <summary>Of a cluster that a block starts.</summary>
    public string Context => Path.Combine(Folder.FullName, "context.json");

    private string Exported => Path.Combine(Folder.FullName, "exported");

    private string Programs => Path.Combine(Folder.FullName, "programs");

    /// <summary>Runs commands to their end.</summary>
    /// <returns>The exit code, and what they printed.</returns>
    public async Task<(int ExitCode, string Printed)> RunAsync(string text)
    {
        var log = NewLog();
        using var process = Start(log, $"{text}\nexport -p >'{Exported}'");
        await process.WaitForExitAsync().WaitAsync(TimeSpan.FromMinutes(3));
        return (process.ExitCode, await File.ReadAllTextAsync(log));
    }

    /// <summary>Starts commands that go on until Ctrl-C, and waits until they have printed something.</summary>
    public async Task<string> StartAsync(string text, string until)
    {
        var log = NewLog();
        var process = Start(log, text);
        _running.Add(process);
        var began = Stopwatch.GetTimestamp();
        while (!File.ReadAllText(log).Contains(until, StringComparison.Ordinal))
        {
            Assert.False(process.HasExited, $"It ended by itself:\n{text}\n{await File.ReadAllTextAsync(log)}");
            Assert.True(
                Stopwatch.GetElapsedTime(began) < TimeSpan.FromMinutes(2),
                $"It never said '{until}':\n{text}\n{await File.ReadAllTextAsync(log)}");
            await Task.Delay(50);
        }

        return await File.ReadAllTextAsync(log);
    }

    /// <summary>Ctrl-C in every terminal where something goes on.</summary>
    /// <returns>The exit codes.</returns>
    public async Task<IReadOnlyList<int>> InterruptAsync()
    {
        var exitCodes = new List<int>();
        foreach (var process in _running)
        {
            Processes.Signal(-process.Id, Processes.SigInt); // As a terminal does: to the whole group.
            await process.WaitForExitAsync().WaitAsync(TimeSpan.FromMinutes(2));
            exitCodes.Add(process.ExitCode);
            process.Dispose();
        }

        _running.Clear();
        return exitCodes;
    }

    public async ValueTask DisposeAsync()
    {
        LeftoverCollector.Forget(this);
        await InterruptAsync();
        foreach (var server in Servers())
        {
            Processes.Signal(server, Processes.SigQuit);
            while (Processes.IsAlive(server))
            {
                await Task.Delay(20);
            }
        }

        Folder.Delete(recursive: true);
    }

    public void Remove()
    {
        LeftoverCollector.Forget(this);
        _running.ForEach(process => Processes.Signal(-process.Id, Processes.SigInt));
        foreach (var server in Servers())
        {
            Processes.Signal(server, Processes.SigQuit);
        }
    }

    /// <summary>PostgreSQL servers that blocks have started in the folder and that still run.</summary>
    private IEnumerable<int> Servers() =>
        from file in Directory.EnumerateFiles(Folder.FullName, "postmaster.pid", SearchOption.AllDirectories)
        let id = int.Parse(File.ReadLines(file).First(), System.Globalization.CultureInfo.InvariantCulture)
        where Processes.IsAlive(id)
        select id;

    private Process Start(string log, string text)
    {
        // PostgreSQL refuses to be root. Everything else is done as who we are, who can read the checkout.
        var asPostgres = Processes.IsRoot && (text.Contains("initdb ", StringComparison.Ordinal)
            || text.Contains("pg_ctl ", StringComparison.Ordinal));
        string[] user = asPostgres ? ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups"] : [];
        var start = new ProcessStartInfo("setsid", [
            "sh", "-c", "log=$1; shift; exec \"$@\" >>\"$log\" 2>&1 </dev/null", "sh", log,
            .. user, "env", "--default-signal=INT", "bash", "-euo", "pipefail", "-c", $"source '{Exported}'\n{text}",
        ])
        {
            WorkingDirectory = asPostgres ? Folder.FullName : Checkout.Root,
        };
        foreach (var name in start.Environment.Keys
            .Where(name => name.StartsWith("caspaxos", StringComparison.OrdinalIgnoreCase)).ToList())
        {
            start.Environment.Remove(name);
        }

        foreach (var (name, value) in _variables)
        {
            start.Environment[name] = value;
        }

        return Process.Start(start)!;
    }

    private string NewLog()
    {
        var log = Path.Combine(Folder.FullName, $"{Guid.NewGuid():n}.log");
        File.WriteAllText(log, "");
        return log;
    }

    private void Script(string name, string line)
    {
        Directory.CreateDirectory(Programs);
        var path = Path.Combine(Programs, name);
        File.WriteAllText(path, $"#!/bin/sh\n{line}\n");
        File.SetUnixFileMode(path, (UnixFileMode)0b111_101_101);
    }

    /// <summary>The real one, for the script of that name.</summary>
    private static string FindDotnet() =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Select(folder => Path.Combine(folder, "dotnet"))
            .First(File.Exists);

    private static string Built(string project, string file) =>
        Checkout.PathOf(project, "bin", "Release", "net10.0", file);
}
