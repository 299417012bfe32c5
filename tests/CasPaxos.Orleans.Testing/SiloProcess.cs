using System.Diagnostics;
using System.Globalization;
using CasPaxos.Testing;

namespace CasPaxos.Orleans.Testing;

/// <summary>
/// A silo as a process of its own, that can be killed, paused and started again. What it prints goes to a file: reading
/// a pipe would hold a thread of the pool.
/// </summary>
public sealed class SiloProcess : IAsyncDisposable, ILeftover
{
    private readonly IReadOnlyDictionary<string, string> _settings;
    private readonly string _command;
    private readonly IReadOnlyList<string> _launcher;
    private Process? _process;

    private SiloProcess(
        IReadOnlyDictionary<string, string> settings, string log, string command, IReadOnlyList<string> launcher)
    {
        _settings = settings;
        _command = command;
        _launcher = launcher;
        Log = log;
        LeftoverCollector.Add(this);
    }

    /// <summary>Where its output goes, that of all its starts.</summary>
    public string Log { get; }

    /// <summary>Where its HTTP API is; null if the settings do not say.</summary>
    public Uri? HttpUrl => _settings.TryGetValue("Silo:HttpUrl", out var url) ? new Uri(url) : null;

    /// <summary>The process id; null while it is not running.</summary>
    public int? Id => _process is { HasExited: false } running ? running.Id : null;

    /// <summary>Starts a process, and does not wait until it serves.</summary>
    /// <param name="settings">Its settings by their names, such as <c>CasPaxos:Slot</c>; given by environment.</param>
    /// <param name="log">The file for its output.</param>
    /// <param name="command">The command line.</param>
    /// <param name="launcher">What becomes the program, such as one that enters a network; null for nothing.</param>
    public static SiloProcess Start(
        IReadOnlyDictionary<string, string> settings,
        string log,
        string command = "run",
        IReadOnlyList<string>? launcher = null)
    {
        var silo = new SiloProcess(settings, log, command, launcher ?? []);
        silo.Start();
        return silo;
    }

    /// <summary>Starts it again, with other settings where they are given; it must have ended.</summary>
    public void Start()
    {
        if (Id is not null)
        {
            throw new InvalidOperationException("The silo is running.");
        }

        _process?.Dispose();
        var start = new ProcessStartInfo("sh");
        foreach (var argument in (string[])
            [
                "-c", "log=$1; shift; exec \"$@\" >>\"$log\" 2>&1", "sh", Log, .. _launcher, "dotnet", "exec", Program,
                .. _command.Split(' ', StringSplitOptions.RemoveEmptyEntries),
            ])
        {
            start.ArgumentList.Add(argument);
        }

        foreach (var (name, value) in _settings)
        {
            start.Environment[name.Replace(":", "__", StringComparison.Ordinal)] = value;
        }

        _process = Process.Start(start)!;
    }

    /// <summary>Waits until the silo says that it is ready: that a quorum of the slots serves.</summary>
    /// <exception cref="InvalidOperationException">It ended, or the time is up; says what it printed.</exception>
    public async Task WaitUntilReadyAsync(TimeSpan? timeout = null)
    {
        using var http = new HttpClient { Timeout = TimeSpan.FromSeconds(5) };
        var began = Stopwatch.GetTimestamp();
        while (true)
        {
            if (await IsOkAsync(http, "health/ready"))
            {
                return;
            }

            if (Id is null || Stopwatch.GetElapsedTime(began) > (timeout ?? TimeSpan.FromSeconds(180)))
            {
                throw new InvalidOperationException($"The silo did not become ready: {ReadLog()}");
            }

            await Task.Delay(50);
        }
    }

    /// <summary>Waits until it has ended by itself.</summary>
    /// <returns>Its exit code.</returns>
    public async Task<int> WaitForExitAsync(TimeSpan? timeout = null)
    {
        await _process!.WaitForExitAsync().WaitAsync(timeout ?? TimeSpan.FromSeconds(180));
        return _process.ExitCode;
    }

    /// <summary>Kills it with -9.</summary>
    public async Task KillAsync()
    {
        if (Id is not null)
        {
            _process!.Kill();
            await _process.WaitForExitAsync();
        }
    }

    /// <summary>Stops it where it is: its connections stay open, and nothing is answered.</summary>
    public void Pause() => Processes.Signal(Id!.Value, Processes.SigStop);

    /// <summary>Lets it go on after a pause.</summary>
    public void Resume() => Processes.Signal(Id!.Value, Processes.SigCont);

    /// <summary>Tells it to stop in order, and does not wait.</summary>
    public void Terminate() => Processes.Signal(Id!.Value, Processes.SigTerm);

    /// <summary>Stops it in order.</summary>
    /// <returns>Its exit code.</returns>
    public Task<int> StopAsync()
    {
        Terminate();
        return WaitForExitAsync();
    }

    /// <summary>Kills it if it runs, starts it again with the same settings, and waits until it is ready.</summary>
    public async Task RestartAsync()
    {
        await KillAsync();
        Start();
        await WaitUntilReadyAsync();
    }

    /// <summary>What it has printed.</summary>
    public string ReadLog() => File.Exists(Log) ? File.ReadAllText(Log) : "";

    /// <summary>Kills it.</summary>
    public async ValueTask DisposeAsync()
    {
        LeftoverCollector.Forget(this);
        await KillAsync();
        _process?.Dispose();
    }

    /// <summary>The same without waiting for tasks: for the end of the process.</summary>
    public void Remove()
    {
        LeftoverCollector.Forget(this);
        if (Id is { } id)
        {
            Processes.Signal(id, Processes.SigKill);
        }
    }

    /// <summary>The built silo lies beside whatever refers to its project.</summary>
    private static string Program { get; } = Path.Combine(AppContext.BaseDirectory, "caspaxos-silo.dll");

    private async Task<bool> IsOkAsync(HttpClient http, string path)
    {
        try
        {
            using var answer = await http.GetAsync(new Uri(HttpUrl!, path));
            return answer.IsSuccessStatusCode;
        }
        catch (Exception failure) when (failure is HttpRequestException or TaskCanceledException)
        {
            return false;
        }
    }

    /// <inheritdoc/>
    public override string ToString() =>
        string.Create(CultureInfo.InvariantCulture, $"silo {HttpUrl} (process {Id?.ToString() ?? "none"})");
}
