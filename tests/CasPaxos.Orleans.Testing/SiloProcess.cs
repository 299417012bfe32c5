using System.Diagnostics;
using System.Globalization;
using CasPaxos.Testing;

namespace CasPaxos.Orleans.Testing;

/// <summary>A silo as a process of its own.</summary>
public sealed class SiloProcess : LoggedProcess
{
    private readonly IReadOnlyDictionary<string, string> _settings;

    private SiloProcess(
        IReadOnlyDictionary<string, string> settings, string log, string command, IReadOnlyList<string> launcher)
        : base(
            log,
            [
                .. launcher, "dotnet", "exec", Program,
                .. command.Split(' ', StringSplitOptions.RemoveEmptyEntries),
            ],
            settings.ToDictionary(
                setting => setting.Key.Replace(":", "__", StringComparison.Ordinal), setting => setting.Value)) =>
        _settings = settings;

    /// <summary>Where its HTTP API is; null if the settings do not say.</summary>
    public Uri? HttpUrl => _settings.TryGetValue("Silo:HttpUrl", out var url) ? new Uri(url) : null;

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

    /// <summary>Kills it if it runs, starts it again with the same settings, and waits until it is ready.</summary>
    public async Task RestartAsync()
    {
        await KillAsync();
        Start();
        await WaitUntilReadyAsync();
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
