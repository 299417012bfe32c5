using System.Diagnostics;

namespace CasPaxos.Silo;

/// <summary>One silo of a development cluster: this program again, as a process of its own.</summary>
internal sealed class LocalSilo : IDisposable
{
    private static readonly TimeSpan ReadyTimeout = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan StopTimeout = TimeSpan.FromSeconds(20);

    private readonly Process _process;
    private readonly string _log;

    private LocalSilo(Process process, string log, Uri httpUrl) => (_process, _log, HttpUrl) = (process, log, httpUrl);

    public Uri HttpUrl { get; }

    /// <summary>Starts it, with these settings by their names.</summary>
    public static LocalSilo Start(string log, Uri httpUrl, IReadOnlyDictionary<string, string> settings)
    {
        var program = Environment.ProcessPath ?? throw new LocalException("The path of this program is not known.");
        var assembly = Path.Combine(AppContext.BaseDirectory, "caspaxos-silo.dll");
        string[] line = Path.GetFileNameWithoutExtension(program) == "dotnet"
            ? [program, "exec", assembly, "run"]
            : [program, "run"];
        var environment = settings.ToDictionary(
            setting => setting.Key.Replace(":", "__", StringComparison.Ordinal), setting => setting.Value);
        return new LocalSilo(Programs.Start(log, line, environment), log, httpUrl);
    }

    /// <summary>Waits until it reaches a quorum of the slots.</summary>
    /// <exception cref="LocalException">It ended instead, or the time is up.</exception>
    public async Task WaitUntilReadyAsync(CancellationToken cancellationToken)
    {
        using var http = new HttpClient { Timeout = TimeSpan.FromSeconds(5) };
        var began = Stopwatch.GetTimestamp();
        while (!await IsReadyAsync(http, cancellationToken))
        {
            if (_process.HasExited || Stopwatch.GetElapsedTime(began) > ReadyTimeout)
            {
                throw new LocalException($"The silo at {HttpUrl} did not become ready: {Programs.Tail(_log)}");
            }

            await Task.Delay(100, cancellationToken);
        }
    }

    /// <summary>Waits until it has ended by itself.</summary>
    public async Task<string> WaitForEndAsync(CancellationToken cancellationToken)
    {
        await _process.WaitForExitAsync(cancellationToken);
        return $"The silo at {HttpUrl} has ended with exit code {_process.ExitCode}; its log is {_log}.";
    }

    /// <summary>Stops it in order; kills it if that takes too long.</summary>
    public async Task StopAsync()
    {
        if (_process.HasExited)
        {
            return;
        }

        Programs.Terminate(_process);
        try
        {
            await _process.WaitForExitAsync().WaitAsync(StopTimeout);
        }
        catch (TimeoutException)
        {
            _process.Kill();
            await _process.WaitForExitAsync();
        }
    }

    public void Dispose() => _process.Dispose();

    private async Task<bool> IsReadyAsync(HttpClient http, CancellationToken cancellationToken)
    {
        try
        {
            using var answer = await http.GetAsync(new Uri(HttpUrl, "health/ready"), cancellationToken);
            return answer.IsSuccessStatusCode;
        }
        catch (Exception failure) when (failure is HttpRequestException
            || (failure is TaskCanceledException && !cancellationToken.IsCancellationRequested))
        {
            return false;
        }
    }
}
