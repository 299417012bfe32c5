using System.Globalization;
using System.Text.Json;

namespace CasPaxos.Client;

/// <summary>Tells how an import goes: rows that need somebody on standard output, progress on standard error.</summary>
internal sealed class ImportReport : IAsyncDisposable
{
    private static readonly TimeSpan ProgressInterval = TimeSpan.FromSeconds(1);

    private readonly CommandContext _context;
    private readonly bool _dryRun;
    private readonly Utf8JsonWriter? _json;
    private readonly Lock _lock = new();

    public ImportReport(CommandContext context, bool dryRun)
    {
        (_context, _dryRun) = (context, dryRun);
        if (context.Printer.Json)
        {
            _json = context.Printer.Stream();
            _json.WriteStartObject();
            _json.WriteString("command", "import-adonet");
            _json.WriteBoolean("dryRun", dryRun);
            _json.WriteStartArray("rows");
        }
    }

    /// <summary>What became of a row. Done ones need no line, and of unmapped ones the state is enough.</summary>
    public void Row(RowResult result, string name, string? reason)
    {
        if (!_dryRun && result is not (RowResult.Conflict or RowResult.Refused))
        {
            return;
        }

        lock (_lock)
        {
            if (_json is null)
            {
                var line = $"{NameOf(result)}\t{ShellText.Escape(name)}";
                _context.Printer.Line(reason is null ? line : $"{line}\t{ShellText.Escape(reason)}");
                return;
            }

            _json.WriteStartObject();
            _json.WriteString("result", NameOf(result));
            _json.WriteString("key", name);
            _json.WriteString("reason", reason);
            _json.WriteEndObject();
            _json.Flush();
        }
    }

    /// <summary>Waits for the import, and says every second how far it is.</summary>
    public async Task WatchAsync(StateImport import, Task running)
    {
        while (await Task.WhenAny(running, Task.Delay(ProgressInterval)) != running)
        {
            _context.Printer.Note(Text(import));
        }

        await running;
    }

    /// <summary>The counts, and why it ended early if it did.</summary>
    public async Task EndAsync(StateImport import, StateMappings mappings, int exitCode, string? reason)
    {
        var missing = mappings.States.Where(state => !import.States.ContainsKey(state)).ToList();
        if (_json is null)
        {
            _context.Printer.Line((_dryRun ? "Nothing was changed. Would be: " : "") + Text(import));
            foreach (var (state, count) in import.Unmapped)
            {
                _context.Printer.Line(string.Create(
                    CultureInfo.InvariantCulture, $"No --state for '{ShellText.Escape(state)}': {count} rows"));
            }
        }
        else
        {
            Write(_json, import, exitCode, reason);
            await _json.FlushAsync(CancellationToken.None);
            _context.Printer.Line("");
        }

        foreach (var state in reason is null ? missing : [])
        {
            _context.Printer.Note($"There is no row of state '{state}'.");
        }

        if (reason is not null)
        {
            _context.Printer.Note(reason);
        }
    }

    public ValueTask DisposeAsync() => _json?.DisposeAsync() ?? ValueTask.CompletedTask;

    private static void Write(Utf8JsonWriter json, StateImport import, int exitCode, string? reason)
    {
        json.WriteEndArray();
        json.WriteNumber("read", import.Read);
        foreach (var result in Enum.GetValues<RowResult>())
        {
            json.WriteNumber(NameOf(result), import.Count(result));
        }

        json.WriteStartObject("unmappedStates");
        foreach (var (state, count) in import.Unmapped)
        {
            json.WriteNumber(state, count);
        }

        json.WriteEndObject();
        json.WriteString("outcome", CommandRunner.OutcomeName(exitCode));
        json.WriteNumber("exitCode", exitCode);
        if (reason is not null)
        {
            json.WriteString("reason", Redaction.Apply(reason));
        }

        json.WriteEndObject();
    }

    private static string Text(StateImport import) => string.Create(
        CultureInfo.InvariantCulture,
        $"{import.Read} rows: ") + string.Join(", ", Enum.GetValues<RowResult>().Select(result => string.Create(
            CultureInfo.InvariantCulture, $"{import.Count(result)} {NameOf(result)}")));

    private static string NameOf(RowResult result) => result switch
    {
        RowResult.Created => "created",
        RowResult.Same => "same",
        RowResult.Overwritten => "overwritten",
        RowResult.Cleared => "cleared",
        RowResult.Unmapped => "unmapped",
        RowResult.Conflict => "conflict",
        _ => "refused",
    };
}
