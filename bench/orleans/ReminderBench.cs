using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Text.Json;
using CasPaxos.Testing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;
using Spectre.Console;

namespace CasPaxos.Bench;

/// <summary>
/// How long silos take from their start until their reminder services have all reminders, which are in registers over
/// three servers, beside Orleans' own ADO.NET table on one of them. The silos are in this process.
/// </summary>
internal static class ReminderBench
{
    private const string Cluster = "reminders";

    public static async Task RunAsync(bool json)
    {
        System.Data.Common.DbProviderFactories.RegisterFactory("Npgsql", NpgsqlFactory.Instance);
        await using var postgres = await PostgresTestCluster.StartAsync();
        var stock = await GrainSilo.CreateTablesAsync(postgres.ConnectionStrings[0], "reminders");
        var table = new Table().AddColumns("reminders", "silos", "table", "written in, s", "ready after, s");
        foreach (var (silos, reminders) in ((int, int)[])[(3, 30_000), (1, 100_000)])
        {
            foreach (var (name, databases) in ((string, IReadOnlyList<string>)[])
                [("registers", postgres.ConnectionStrings), ("ADO.NET", [stock])])
            {
                var service = $"{name}-{silos}";
                var written = await WriteAsync(service, databases, reminders);
                var ready = await StartAsync(service, databases, silos, reminders);
                table.AddRow(
                    $"{reminders:N0}", $"{silos}", name, $"{written.TotalSeconds:N1}", $"{ready.TotalSeconds:N2}");
                if (json)
                {
                    Console.WriteLine(JsonSerializer.Serialize(new
                    {
                        bench = "reminders",
                        reminders,
                        silos,
                        table = name,
                        written_s = Math.Round(written.TotalSeconds, 2),
                        ready_s = Math.Round(ready.TotalSeconds, 3),
                    }));
                }
            }
        }

        if (!json)
        {
            AnsiConsole.Write(table);
        }
    }

    /// <summary>Writes reminders that are not due today: all of them at once, as far as the table takes them.</summary>
    private static async Task<TimeSpan> WriteAsync(string service, IReadOnlyList<string> databases, int reminders)
    {
        using var host = Build(service, databases, FreePorts.Next(), primary: null, slot: null, watch: null);
        await host.StartAsync();
        var table = host.Services.GetRequiredService<IReminderTable>();
        var began = Stopwatch.GetTimestamp();

        // Orleans' own table waits at most 15 s for a connection of its pool.
        var atOnce = databases.Count == 1 ? 64 : reminders;
        await Parallel.ForEachAsync(
            Enumerable.Range(0, reminders),
            new ParallelOptions { MaxDegreeOfParallelism = atOnce },
            async (i, _) => await table.UpsertRow(new ReminderEntry
            {
                GrainId = GrainId.Create("bench.reminded", i.ToString(CultureInfo.InvariantCulture)),
                ReminderName = "reminder",
                StartAt = DateTime.UtcNow.AddDays(1),
                Period = TimeSpan.FromDays(1),
            }));
        var took = Stopwatch.GetElapsedTime(began);
        await host.StopAsync();
        return took;
    }

    private static async Task<TimeSpan> StartAsync(
        string service, IReadOnlyList<string> databases, int silos, int reminders)
    {
        int[] ports = [.. Enumerable.Range(0, silos).Select(_ => FreePorts.Next())];
        var watch = new Watch();
        IHost[] hosts =
        [
            .. ports.Select((port, i) => Build(
                service, databases, port, ports[0], slot: silos == 1 ? null : i, watch)),
        ];
        var began = Stopwatch.GetTimestamp();
        await Task.WhenAll(hosts.Select(host => host.StartAsync()));
        while (watch.IsReading || watch.Found < reminders)
        {
            if (Stopwatch.GetElapsedTime(began) > TimeSpan.FromMinutes(5))
            {
                throw new TimeoutException($"Of {reminders} reminders the silos have {watch.Found}.");
            }

            await Task.Delay(5);
        }

        var took = Stopwatch.GetElapsedTime(began);
        foreach (var host in hosts)
        {
            await host.StopAsync();
            host.Dispose();
        }

        return took;
    }

    private static IHost Build(
        string service, IReadOnlyList<string> databases, int port, int? primary, int? slot, Watch? watch)
    {
        var builder = Host.CreateApplicationBuilder();
        builder.Logging.ClearProviders();
        builder.UseOrleans(silo =>
        {
            silo.UseLocalhostClustering(
                port, FreePorts.Next(), new IPEndPoint(IPAddress.Loopback, primary ?? port), service, Cluster);
            if (databases.Count == 1)
            {
                silo.UseAdoNetReminderService(options =>
                {
                    options.Invariant = "Npgsql";
                    options.ConnectionString = databases[0];
                });
            }
            else
            {
                silo.AddCasPaxos(options =>
                {
                    options.Slot = slot;
                    options.Timeout = TimeSpan.FromMinutes(1);
                    foreach (var database in databases)
                    {
                        options.Slots.Add(new() { ConnectionString = database });
                    }
                });
                silo.UseCasPaxosReminders(options => options.Timeout = TimeSpan.FromMinutes(1));
            }

            silo.ConfigureServices(services => watch?.Over(services));
        });
        return builder.Build();
    }

    /// <summary>Sees what the silos' reminder services read of their table, range by range.</summary>
    private sealed class Watch
    {
        private readonly ConcurrentDictionary<GrainId, bool> _found = [];
        private int _reading;

        /// <summary>How many of the grains they have.</summary>
        public int Found => _found.Count;

        public bool IsReading => Volatile.Read(ref _reading) > 0;

        /// <summary>Comes before a silo's table.</summary>
        public void Over(IServiceCollection services)
        {
            var inner = services.Last(service => service.ServiceType == typeof(IReminderTable)).ImplementationType!;
            services.AddSingleton(inner);
            services.AddSingleton<IReminderTable>(
                provider => new WatchedTable(this, (IReminderTable)provider.GetRequiredService(inner)));
        }

        private sealed class WatchedTable(Watch watch, IReminderTable table) : IReminderTable
        {
            public async Task<ReminderTableData> ReadRows(uint begin, uint end)
            {
                Interlocked.Increment(ref watch._reading);
                try
                {
                    var rows = await table.ReadRows(begin, end);
                    foreach (var row in rows.Reminders)
                    {
                        watch._found[row.GrainId] = true;
                    }

                    return rows;
                }
                finally
                {
                    Interlocked.Decrement(ref watch._reading);
                }
            }

            public Task StartAsync(CancellationToken cancellationToken = default) =>
                table.StartAsync(cancellationToken);

            public Task StopAsync(CancellationToken cancellationToken = default) => table.StopAsync(cancellationToken);

            public Task<ReminderTableData> ReadRows(GrainId grainId) => table.ReadRows(grainId);

            public Task<ReminderEntry?> ReadRow(GrainId grainId, string reminderName) =>
                table.ReadRow(grainId, reminderName);

            public Task<string?> UpsertRow(ReminderEntry entry) => table.UpsertRow(entry);

            public Task<bool> RemoveRow(GrainId grainId, string reminderName, string eTag) =>
                table.RemoveRow(grainId, reminderName, eTag);

            public Task TestOnlyClearTable() => table.TestOnlyClearTable();
        }
    }
}
