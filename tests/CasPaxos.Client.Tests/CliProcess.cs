using System.Diagnostics;
using System.Text;
using System.Text.Json;

namespace CasPaxos.Client.Tests;

/// <summary>How a run of the program ended.</summary>
internal sealed record CliResult(int ExitCode, byte[] Output, string Errors)
{
    public string Text => Encoding.UTF8.GetString(Output);

    /// <summary>The first line of the output.</summary>
    public string Line => Text.Split('\n')[0];

    public JsonElement Json => JsonDocument.Parse(Output).RootElement;

    /// <summary>A property of the JSON object, as text.</summary>
    public string? Field(string name) => Json.GetProperty(name).ToString();

    public override string ToString() => $"exit code {ExitCode}\n{Text}\n{Errors}";
}

/// <summary>The real program as a process of its own.</summary>
internal sealed class CliProcess : IDisposable
{
    private static readonly string Program = Path.Combine(AppContext.BaseDirectory, "caspaxos-cli.dll");

    private readonly Process _process;
    private readonly MemoryStream _output = new();
    private readonly Task _outputRead;
    private readonly StringBuilder _errors = new();
    private readonly Task _errorsRead;

    private CliProcess(Process process)
    {
        _process = process;
        _outputRead = process.StandardOutput.BaseStream.CopyToAsync(_output);
        _errorsRead = ReadErrorsAsync();
    }

    /// <summary>
    /// Starts it with an open standard input, and without the caller's CASPAXOS variables and context file.
    /// </summary>
    public static CliProcess Start(IEnumerable<string> arguments, IReadOnlyDictionary<string, string>? variables = null)
    {
        var start = new ProcessStartInfo("env", ["--default-signal=INT", "dotnet", "exec", Program, .. arguments])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var name in start.Environment.Keys.Where(name => name.StartsWith("CASPAXOS_")).ToList())
        {
            start.Environment.Remove(name);
        }

        start.Environment["CASPAXOS_CONTEXT"] = Path.Combine(AppContext.BaseDirectory, "no-context.json");
        start.Environment["CASPAXOS_TIMEOUT"] = "60"; // A busy machine is no failure; tests of failures give less.
        foreach (var (name, value) in variables ?? new Dictionary<string, string>())
        {
            start.Environment[name] = value;
        }

        return new CliProcess(Process.Start(start)!);
    }

    /// <summary>Runs it to its end.</summary>
    public static async Task<CliResult> RunAsync(
        IEnumerable<string> arguments, byte[]? input = null, IReadOnlyDictionary<string, string>? variables = null)
    {
        using var process = Start(arguments, variables);
        await process._process.StandardInput.BaseStream.WriteAsync(input ?? []);
        process._process.StandardInput.Close();
        return await process.EndAsync();
    }

    /// <summary>Waits for the end.</summary>
    public async Task<CliResult> EndAsync()
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(120));
        try
        {
            await _process.WaitForExitAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            _process.Kill();
            throw new TimeoutException($"The program did not end. It said: {Errors}");
        }

        await Task.WhenAll(_outputRead, _errorsRead);
        return new CliResult(_process.ExitCode, _output.ToArray(), Errors);
    }

    /// <summary>Waits until the program has said this to its user.</summary>
    public async Task SaidAsync(string text)
    {
        while (!Errors.Contains(text, StringComparison.Ordinal))
        {
            Assert.False(_process.HasExited, $"The program ended. It said: {Errors}");
            await Task.Delay(20);
        }
    }

    private string Errors
    {
        get
        {
            lock (_errors)
            {
                return _errors.ToString();
            }
        }
    }

    private async Task ReadErrorsAsync()
    {
        var buffer = new char[1024];
        while (await _process.StandardError.ReadAsync(buffer) is > 0 and var read)
        {
            lock (_errors)
            {
                _errors.Append(buffer, 0, read);
            }
        }
    }

    /// <summary>
    /// Gives it a value of 256 KiB as input, and leaves the input open. A pipe holds less: when this returns, the
    /// program reads, and so has begun to look after Ctrl-C.
    /// </summary>
    public async Task FeedAsync() => await _process.StandardInput.BaseStream.WriteAsync(new byte[256 * 1024]);

    /// <summary>Ends the input.</summary>
    public void CloseInput() => _process.StandardInput.Close();

    /// <summary>Ctrl-C.</summary>
    public async Task InterruptAsync()
    {
        using var kill = Process.Start("kill", ["-INT", $"{_process.Id}"]);
        await kill.WaitForExitAsync();
    }

    public void Dispose() => _process.Dispose();
}
