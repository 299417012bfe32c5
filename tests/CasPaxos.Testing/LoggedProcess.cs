using System.Diagnostics;

namespace CasPaxos.Testing;

/// <summary>
/// A program as a process of its own, that can be killed, paused and started again, and does not outlive us. What it
/// prints goes to a file.
/// </summary>
public class LoggedProcess : IAsyncDisposable, ILeftover
{
    private readonly Func<ProcessStartInfo> _start;
    private Process? _process;

    /// <param name="log">The file for its output, that of all its starts.</param>
    /// <param name="line">The program and its arguments.</param>
    /// <param name="environment">Variables beside our own; null for none.</param>
    public LoggedProcess(
        string log, IReadOnlyList<string> line, IReadOnlyDictionary<string, string>? environment = null)
    {
        ArgumentNullException.ThrowIfNull(line);
        Log = log;
        _start = () =>
        {
            var start = Processes.Into(log, line);
            foreach (var (name, value) in environment ?? new Dictionary<string, string>())
            {
                start.Environment[name] = value;
            }

            return start;
        };
        LeftoverCollector.Add(this);
    }

    /// <summary>Where its output goes.</summary>
    public string Log { get; }

    /// <summary>The process id; null while it is not running.</summary>
    public int? Id => _process is { HasExited: false } running ? running.Id : null;

    /// <summary>Starts it, or starts it again; it must have ended.</summary>
    public void Start()
    {
        if (Id is not null)
        {
            throw new InvalidOperationException("It is running.");
        }

        _process?.Dispose();
        _process = Process.Start(_start())!;
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

    /// <summary>What it has printed.</summary>
    public string ReadLog() => File.Exists(Log) ? File.ReadAllText(Log) : "";

    /// <summary>Kills it.</summary>
    public virtual async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        LeftoverCollector.Forget(this);
        await KillAsync();
        _process?.Dispose();
    }

    /// <summary>The same without waiting for tasks: for the end of our process.</summary>
    public void Remove()
    {
        LeftoverCollector.Forget(this);
        if (Id is { } id)
        {
            Processes.Signal(id, Processes.SigKill);
        }
    }
}
