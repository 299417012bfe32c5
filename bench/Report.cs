using System.Text.Json;
using Spectre.Console;

namespace CasPaxos.Bench;

/// <summary>Prints rows as a table, or as one JSON object a line.</summary>
internal sealed class Report(string bench, bool json)
{
    private readonly Table _table = new Table()
        .AddColumns("op", "concurrency", "ops/s", "p50 ms", "p99 ms", "peer", "peer ops/s", "peer p50 ms", "ratio");

    public void Add(string op, int concurrency, Rate ours, string peer, Rate theirs)
    {
        var ratio = theirs.OpsPerSecond > 0 ? ours.OpsPerSecond / theirs.OpsPerSecond : 0;
        if (json)
        {
            Console.WriteLine(JsonSerializer.Serialize(new
            {
                bench,
                op,
                concurrency,
                ops_per_s = Math.Round(ours.OpsPerSecond),
                p50_ms = Rounded(ours.P50),
                p99_ms = Rounded(ours.P99),
                peer,
                peer_ops_per_s = Math.Round(theirs.OpsPerSecond),
                peer_p50_ms = Rounded(theirs.P50),
                ratio = Math.Round(ratio, 2),
            }));
            return;
        }

        _table.AddRow(
            op,
            $"{concurrency}",
            $"{ours.OpsPerSecond:N0}",
            $"{ours.P50:N2}",
            $"{ours.P99:N2}",
            peer,
            $"{theirs.OpsPerSecond:N0}",
            $"{theirs.P50:N2}",
            $"{ratio:N2}");
        Console.Error.WriteLine(
            $"{op}, {concurrency} at a time: {ours.OpsPerSecond:N0} against {theirs.OpsPerSecond:N0}");
    }

    private static double? Rounded(double? milliseconds) =>
        milliseconds is { } measured ? Math.Round(measured, 3) : null;

    public void Print()
    {
        if (!json)
        {
            AnsiConsole.Profile.Width = Math.Max(AnsiConsole.Profile.Width, 140); // Also where there is no terminal.
            AnsiConsole.Write(_table);
        }
    }
}
