using System.Diagnostics;
using System.Net;
using System.Text.Json;
using CasPaxos.Testing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Spectre.Console;

namespace CasPaxos.Bench;

/// <summary>
/// The same grains on four silos, each a process, that differ in their storage only. The loads take turns: what is idle
/// costs nothing.
/// </summary>
internal static class StorageBench
{
    private const int Grains = 1000;
    private const int ValueBytes = 128;
    private const int GapWorkers = 16;

    private static readonly TimeSpan Outage = TimeSpan.FromSeconds(3);

    public static async Task RunAsync(int[] concurrencies, TimeSpan duration, bool json)
    {
        await using var postgres = await PostgresTestCluster.StartAsync();
        await using var replicated = await ReplicatedServer.StartAsync();
        await using var service = await Subject.StartAsync(
            "registers, service", StorageKind.Service, postgres.ConnectionStrings);
        await using var direct = await Subject.StartAsync(
            "registers, direct", StorageKind.Direct, postgres.ConnectionStrings);
        await using var agreed = await Subject.StartAsync(
            "registers, direct, agreed", StorageKind.Agreed, postgres.ConnectionStrings);
        await using var single = await Subject.StartAsync(
            "stock, one server", StorageKind.Stock, [await GrainSilo.CreateTablesAsync(postgres.ConnectionStrings[0])]);
        await using var standbys = await Subject.StartAsync(
            "stock, two synchronous standbys",
            StorageKind.Stock,
            [await GrainSilo.CreateTablesAsync(replicated.Primary.ConnectionString())]);

        var report = new Report("storage", json);
        foreach (var concurrency in concurrencies)
        {
            var rates = new Dictionary<Subject, Rate>();
            foreach (var subject in (Subject[])[service, direct, single, standbys])
            {
                rates[subject] = await Measure.RunAsync(
                    concurrency, duration, (_, random) => subject.WriteAsync(random));
            }

            foreach (var ours in (Subject[])[service, direct])
            {
                foreach (var theirs in (Subject[])[single, standbys])
                {
                    report.Add($"write, {ours.Name}", concurrency, rates[ours], theirs.Name, rates[theirs]);
                }
            }

            var reads = new Dictionary<Subject, Rate>();
            foreach (var subject in (Subject[])[service, direct, agreed, single])
            {
                reads[subject] = await Measure.RunAsync(
                    concurrency, duration, (_, random) => subject.ReloadAsync(random));
            }

            foreach (var ours in (Subject[])[service, direct, agreed])
            {
                report.Add($"read, {ours.Name}", concurrency, reads[ours], single.Name, reads[single]);
            }
        }

        report.Print();
        var gaps = new Table().AddColumns("writes go to", "killed, and back after 3 s", "longest gap, s", "failed");
        foreach (var (subject, name, server) in ((Subject, string, PostgresServer)[])
        [
            (service, "one of three servers", postgres.Servers[1]),
            (direct, "one of three servers", postgres.Servers[1]),
            (single, "the server", postgres.Servers[0]),
            (standbys, "the primary", replicated.Primary),
        ])
        {
            var (gap, failed) = await GapAsync(subject, server);
            gaps.AddRow(subject.Name, name, $"{gap.TotalSeconds:N2}", $"{failed}");
            if (json)
            {
                Console.WriteLine(JsonSerializer.Serialize(new
                {
                    bench = "storage-gap",
                    storage = subject.Name,
                    killed = name,
                    longest_gap_s = Math.Round(gap.TotalSeconds, 3),
                    failed,
                }));
            }
        }

        if (!json)
        {
            AnsiConsole.Write(gaps);
        }
    }

    /// <summary>The longest time in which no write succeeded, while a server is killed and started again.</summary>
    private static async Task<(TimeSpan Gap, int Failed)> GapAsync(Subject subject, PostgresServer server)
    {
        var (longest, last, failed) = (0L, Stopwatch.GetTimestamp(), 0);
        var gate = new Lock();
        void Succeeded()
        {
            lock (gate)
            {
                var now = Stopwatch.GetTimestamp();
                (longest, last) = (Math.Max(longest, now - last), now);
            }
        }

        using var end = new CancellationTokenSource();
        var workers = Enumerable.Range(0, GapWorkers).Select(worker => Task.Run(async () =>
        {
            var random = new Random(worker);
            while (!end.IsCancellationRequested)
            {
                try
                {
                    await subject.WriteAsync(random);
                    Succeeded();
                }
#pragma warning disable CA1031 // Whatever a killed server makes of a write: it is counted.
                catch (Exception)
#pragma warning restore CA1031
                {
                    Interlocked.Increment(ref failed);
                    await Task.Delay(20);
                }
            }
        })).ToArray();
        await Task.Delay(Outage);
        await server.KillAsync();
        await Task.Delay(Outage);
        await server.RestartAsync();
        await Task.Delay(Outage);
        await end.CancelAsync();
        await Task.WhenAll(workers);
        Succeeded(); // A storage that never came back counts until now.
        return (TimeSpan.FromSeconds((double)longest / Stopwatch.Frequency), failed);
    }

    /// <summary>A silo whose grains keep their state in one of the storages, and its client.</summary>
    private sealed class Subject(string name, Process silo, IHost client) : IAsyncDisposable
    {
        private readonly IStockGrain[] _grains =
        [
            .. Enumerable.Range(0, Grains).Select(
                i => client.Services.GetRequiredService<IClusterClient>().GetGrain<IStockGrain>(i)),
        ];

        public string Name => name;

        public static async Task<Subject> StartAsync(string name, StorageKind kind, IReadOnlyList<string> databases)
        {
            var (port, gateway) = (FreePorts.Next(), FreePorts.Next());
            var silo = GrainSilo.Start(kind, port, gateway, port, databases);
            try
            {
                var client = await OrleansBench.ConnectAsync(
                    "default", [new IPEndPoint(IPAddress.Loopback, gateway)]);
                var subject = new Subject(name, silo, client);
                await Parallel.ForEachAsync(
                    subject._grains, async (grain, _) => await grain.WriteAsync(new byte[ValueBytes]));
                return subject;
            }
            catch
            {
                silo.Kill();
                throw;
            }
        }

        public Task WriteAsync(Random random) => _grains[random.Next(Grains)].WriteAsync(OrleansBench.Value(random));

        public Task ReloadAsync(Random random) => _grains[random.Next(Grains)].ReloadAsync();

        public async ValueTask DisposeAsync()
        {
            client.Dispose();
            silo.Kill();
            await silo.WaitForExitAsync();
            silo.Dispose();
        }
    }
}
