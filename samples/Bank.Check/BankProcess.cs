using System.Diagnostics;
using System.Globalization;
using CasPaxos.Testing;

namespace Bank.Check;

/// <summary>The application as a process of its own, as an operator would start it.</summary>
internal sealed class BankProcess : IAsyncDisposable
{
    private readonly Process _process;

    private BankProcess(Process process, Uri url)
    {
        _process = process;
        Url = url;
    }

    public Uri Url { get; }

    /// <summary>Starts it; what it prints goes to a file.</summary>
    public static BankProcess Start(IReadOnlyList<string> databases, string log)
    {
        var url = new Uri($"http://127.0.0.1:{FreePorts.Next()}");
        var start = new ProcessStartInfo("sh", [
            "-c", "log=$1; shift; exec \"$@\" >>\"$log\" 2>&1", "sh", log,
            "dotnet", "exec", typeof(IAccountGrain).Assembly.Location, "--urls", url.ToString(),
        ]);
        start.Environment["SiloPort"] = FreePorts.Next().ToString(CultureInfo.InvariantCulture);
        start.Environment["GatewayPort"] = FreePorts.Next().ToString(CultureInfo.InvariantCulture);
        for (var i = 0; i < databases.Count; i++)
        {
            start.Environment[$"Databases__{i}"] = databases[i];
        }

        return new BankProcess(Process.Start(start)!, url);
    }

    /// <summary>Waits until it serves.</summary>
    public async Task WaitAsync(HttpClient http)
    {
        var began = Stopwatch.GetTimestamp();
        while (true)
        {
            try
            {
                await http.GetStringAsync(new Uri(Url, "accounts/nobody"));
                return;
            }
            catch (Exception failure) when (failure is HttpRequestException or TaskCanceledException)
            {
                if (_process.HasExited || Stopwatch.GetElapsedTime(began) > TimeSpan.FromSeconds(60))
                {
                    throw new InvalidOperationException("The bank did not start; see its log.", failure);
                }
            }

            await Task.Delay(100);
        }
    }

    public async Task KillAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill(); // SIGKILL.
            await _process.WaitForExitAsync();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await KillAsync();
        _process.Dispose();
    }
}
