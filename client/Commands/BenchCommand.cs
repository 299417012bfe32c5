using System.CommandLine;
using System.Diagnostics;
using System.Globalization;

namespace CasPaxos.Client;

/// <summary>Measures operations per second and latencies.</summary>
internal static class BenchCommand
{
    private static readonly Option<string> Operation = new("--operation")
    {
        Description = "put, get or incr.",
        HelpName = "put|get|incr",
        DefaultValueFactory = _ => "put",
    };

    private static readonly Option<int> Concurrency = Number("--concurrency", "Operations under way at a time.", 16);
    private static readonly Option<int> Seconds = Number("--seconds", "How long, after a second to warm up.", 10);
    private static readonly Option<int> Registers = Number("--registers", "How many registers to spread over.", 100);
    private static readonly Option<int> ValueBytes = Number("--value-bytes", "The size of each value.", 128);

    private static readonly Option<string> Prefix = new("--prefix")
    {
        Description = "What the keys of the registers begin with.",
        HelpName = "TEXT",
        DefaultValueFactory = _ => "caspaxos-bench/",
    };

    public static Command Create()
    {
        Operation.AcceptOnlyFromAmong("put", "get", "incr");
        var command = new Command(
            "bench",
            "Measures operations per second and latencies. Writes registers of its own and leaves them there: " +
            "PREFIX + operation + / + number.")
        {
            Operation, Concurrency, Seconds, Registers, ValueBytes, Prefix,
        };
        CommandLineProgram.SetAction(command, RunAsync);
        return command;
    }

    private static async Task<int> RunAsync(CommandContext context)
    {
        var operation = context.Get(Operation)!;
        var (concurrency, seconds) = (Check(context, Concurrency, 1, 10_000), Check(context, Seconds, 1, 86_400));
        var (registers, bytes) = (Check(context, Registers, 1, 10_000_000), Check(context, ValueBytes, 0, 1 << 26));
        await using var service = await context.ConnectAsync();
        BenchLoad NewLoad() => new(
            service.Registers, operation, context.Get(Prefix)!, registers, bytes, context.Settings.Timeout);
        if (operation == "get")
        {
            context.Printer.Note($"Writing {registers} registers to read ...");
            await NewLoad().FillAsync(Math.Min(concurrency, 64), context.Token);
        }

        await MeasureAsync(NewLoad(), concurrency, TimeSpan.FromSeconds(1), _ => { }, context.Token);
        var load = NewLoad();
        var elapsed = await MeasureAsync(
            load, concurrency, TimeSpan.FromSeconds(seconds), text => context.Printer.Note(text), context.Token);
        if (load.Failed > 0)
        {
            context.Printer.Note($"{load.Failed} operations were not applied; the last: {load.Failure}");
        }

        Report(context.Printer, load, operation, concurrency, elapsed);
        return context.Interruption.Happened ? ExitCodes.Interrupted
            : load.Latencies.Count == 0 ? ExitCodes.Unavailable
            : ExitCodes.Applied;
    }

    /// <summary>Runs the load for a time, and says every second how it goes.</summary>
    private static async Task<TimeSpan> MeasureAsync(
        BenchLoad load, int concurrency, TimeSpan time, Action<string> say, CancellationToken cancellationToken)
    {
        using var end = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var began = Stopwatch.GetTimestamp();
        var running = load.RunAsync(concurrency, end.Token);
        long before = 0;
        for (var second = 1; second <= time.TotalSeconds && !cancellationToken.IsCancellationRequested; second++)
        {
            var left = TimeSpan.FromSeconds(second) - Stopwatch.GetElapsedTime(began);
            await Task.Delay(left > TimeSpan.Zero ? left : TimeSpan.Zero, cancellationToken)
                .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            var count = load.Latencies.Count;
            say(string.Create(
                CultureInfo.InvariantCulture,
                $"{second,4} s {count - before,8} op/s   median {Milliseconds(load, 0.5),8:0.00} ms   " +
                $"99 % {Milliseconds(load, 0.99),8:0.00} ms   failed {load.Failed}"));
            before = count;
        }

        var elapsed = Stopwatch.GetElapsedTime(began);
        await end.CancelAsync();
        await running;
        return elapsed;
    }

    private static void Report(
        Printer printer, BenchLoad load, string operation, int concurrency, TimeSpan elapsed)
    {
        (string Name, double Share)[] quantiles =
            [("50", 0.5), ("90", 0.9), ("99", 0.99), ("99.9", 0.999)];
        var count = load.Latencies.Count;
        var rate = count / elapsed.TotalSeconds;
        if (printer.Json)
        {
            printer.Object(json =>
            {
                json.WriteString("command", "bench");
                json.WriteString("operation", operation);
                json.WriteNumber("concurrency", concurrency);
                json.WriteNumber("seconds", Math.Round(elapsed.TotalSeconds, 3));
                json.WriteNumber("operations", count);
                json.WriteNumber("failed", load.Failed);
                json.WriteNumber("operationsPerSecond", Math.Round(rate, 1));
                json.WriteStartObject("latencyMilliseconds");
                foreach (var (name, share) in quantiles)
                {
                    json.WriteNumber($"p{name}", Math.Round(Milliseconds(load, share), 3));
                }

                json.WriteNumber("max", Math.Round(load.Latencies.Most.TotalMilliseconds, 3));
                json.WriteEndObject();
            });
            return;
        }

        printer.Line(string.Create(
            CultureInfo.InvariantCulture,
            $"{operation}: {count} operations in {elapsed.TotalSeconds:0.0} s, {rate:0} per second, " +
            $"{concurrency} at a time, {load.Failed} failed"));
        printer.Line("latency: " + string.Join(", ", quantiles.Select(quantile => string.Create(
            CultureInfo.InvariantCulture, $"{quantile.Name} % {Milliseconds(load, quantile.Share):0.00} ms"))) +
            string.Create(CultureInfo.InvariantCulture, $", most {load.Latencies.Most.TotalMilliseconds:0.00} ms"));
    }

    private static double Milliseconds(BenchLoad load, double share) =>
        load.Latencies.Quantile(share).TotalMilliseconds;

    private static Option<int> Number(string name, string description, int value) => new(name)
    {
        Description = description,
        HelpName = "NUMBER",
        DefaultValueFactory = _ => value,
    };

    private static int Check(CommandContext context, Option<int> option, int least, int most) =>
        context.Get(option) is var value && value >= least && value <= most
            ? value
            : throw CommandFailedException.Usage($"{option.Name} is {least} to {most}.");
}
