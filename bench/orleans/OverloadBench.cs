using System.Diagnostics;
using System.Net;
using System.Text.Json;
using CasPaxos.Orleans;
using CasPaxos.Orleans.Testing;
using CasPaxos.Registers;
using CasPaxos.Testing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Orleans.Configuration;
using Spectre.Console;

namespace CasPaxos.Bench;

/// <summary>
/// More than the service can do: everything at once, and three times the rate that it sustains, for a minute. What can
/// be done in time is done, the rest is unavailable before its time is over, and nothing is left unknown.
/// </summary>
internal static class OverloadBench
{
    private const int AtOnce = 50_000;
    private const int Workers = 512;
    private const int Keys = 10_000;

    private static readonly TimeSpan Long = TimeSpan.FromMinutes(1);

    /// <summary>Puts each load on, and reports what became of it.</summary>
    /// <returns>False if operations that had time enough were not applied.</returns>
    public static async Task<bool> RunAsync(TimeSpan duration, bool json)
    {
        var isWell = true;
        await using var postgres = await PostgresTestCluster.StartAsync();
        var table = new Table().AddColumns(
            "load", "asked", "applied", "unavailable", "unknown", "seconds", "applied/s");
        void ReportAll(string load, Tally tally)
        {
            isWell &= tally.Applied == tally.Asked;
            Report(load, tally);
        }

        void Report(string load, Tally tally)
        {
            table.AddRow(
                load,
                $"{tally.Asked:N0}",
                $"{tally.Applied:N0}",
                $"{tally.Unavailable:N0}",
                $"{tally.Unknown:N0}",
                $"{tally.Seconds:N1}",
                $"{tally.Applied / tally.Seconds:N0}");
            Console.Error.WriteLine($"{load}: {tally.Applied:N0} of {tally.Asked:N0}, {tally.Unknown:N0} unknown");
            if (json)
            {
                Console.WriteLine(JsonSerializer.Serialize(new
                {
                    bench = "overload",
                    load,
                    asked = tally.Asked,
                    applied = tally.Applied,
                    unavailable = tally.Unavailable,
                    unknown = tally.Unknown,
                    seconds = Math.Round(tally.Seconds, 2),
                }));
            }
        }

        await using (var silos = await SiloProcessCluster.StartAsync(postgres))
        {
            using var brief = await ConnectAsync(silos.Gateways);
            using var patient = await ConnectAsync(silos.Gateways, Long);
            await RatesAsync(brief, duration, Report);
            var value = new byte[128];
            ReportAll($"{AtOnce:N0} puts, 60 s", await AtOnceAsync(i => Put(patient, $"patient/{i}", value)));
            ReportAll($"{AtOnce:N0} reads, 60 s", await AtOnceAsync(i => Get(patient, $"patient/{i}")));
            Report($"{AtOnce:N0} puts, 5 s", await AtOnceAsync(i => Put(brief, $"brief/{i}", value)));
            Report($"{AtOnce:N0} reads, 5 s", await AtOnceAsync(i => Get(brief, $"patient/{i}")));
        }

        ReportAll($"{AtOnce:N0} grain writes, 60 s", await GrainsAsync(postgres, StorageKind.Patient, AtOnce));
        Report($"{AtOnce:N0} grain writes, 5 s", await GrainsAsync(postgres, StorageKind.Service, AtOnce));
        Report($"{AtOnce / 10:N0} grain writes, 5 s", await GrainsAsync(postgres, StorageKind.Service, AtOnce / 10));
        if (!json)
        {
            AnsiConsole.Write(table);
        }

        return isWell;
    }

    /// <summary>
    /// The rate of so many clients that wait for their answers, and what becomes of three times as much.
    /// </summary>
    private static async Task RatesAsync(IHost client, TimeSpan duration, Action<string, Tally> report)
    {
        var value = new byte[128];
        await SustainAsync(client, duration); // Registers are made, and code is compiled.
        var sustained = await SustainAsync(client, duration);
        report($"{Workers} at a time", sustained);

        var (tally, asked) = (new Tally(), new List<Task>());
        var rate = 3 * sustained.Applied / sustained.Seconds;
        var pick = new Random(1);
        var began = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(began) is var elapsed && elapsed < Long)
        {
            while (asked.Count < rate * elapsed.TotalSeconds)
            {
                asked.Add(tally.CountAsync(Put(client, $"key/{pick.Next(Keys)}", value)));
            }

            await Task.Delay(1);
        }

        await Task.WhenAll(asked);
        tally.Seconds = Stopwatch.GetElapsedTime(began).TotalSeconds;
        report("three times that rate", tally);
    }

    private static async Task<Tally> SustainAsync(IHost client, TimeSpan duration)
    {
        var value = new byte[128];
        var sustained = new Tally();
        var began = Stopwatch.GetTimestamp();
        await Task.WhenAll(Enumerable.Range(0, Workers).Select(worker => Task.Run(async () =>
        {
            var random = new Random(worker);
            while (Stopwatch.GetElapsedTime(began) < duration)
            {
                sustained.Add(await Put(client, $"key/{random.Next(Keys)}", value));
            }
        })));
        sustained.Seconds = Stopwatch.GetElapsedTime(began).TotalSeconds;
        return sustained;
    }

    /// <summary>Grains that are not active yet: each reads its state, and then writes it.</summary>
    private static async Task<Tally> GrainsAsync(PostgresTestCluster postgres, StorageKind kind, int count)
    {
        var (port, gateway) = (FreePorts.Next(), FreePorts.Next());
        using var silo = GrainSilo.Start(kind, port, gateway, port, postgres.ConnectionStrings);
        try
        {
            using var client = await OrleansBench.ConnectAsync(
                "default",
                [new IPEndPoint(IPAddress.Loopback, gateway)],
                builder => builder.Configure<ClientMessagingOptions>(options => options.ResponseTimeout = 3 * Long));
            var grains = client.Services.GetRequiredService<IClusterClient>();
            await grains.GetGrain<IStockGrain>(-1).WriteAsync(new byte[128]);
            return await AtOnceAsync(i => WriteAsync(grains.GetGrain<IStockGrain>(i)), count);
        }
        finally
        {
            silo.Kill();
            await silo.WaitForExitAsync();
        }
    }

    private static async Task<Tally> AtOnceAsync(Func<int, Task<Outcome>> operation, int count = AtOnce)
    {
        var tally = new Tally();
        var began = Stopwatch.GetTimestamp();
        await Task.Run(() => Task.WhenAll(Enumerable.Range(0, count).Select(i => tally.CountAsync(operation(i)))));
        tally.Seconds = Stopwatch.GetElapsedTime(began).TotalSeconds;
        return tally;
    }

    private static Task<Outcome> Put(IHost client, string key, byte[] value) =>
        OrleansBench.RegistersOf(client).PutAsync(new RegisterKey(key), value);

    private static Task<Outcome> Get(IHost client, string key) =>
        OrleansBench.RegistersOf(client).GetAsync(new RegisterKey(key));

    /// <summary>What a grain's write says, in the words of registers.</summary>
    private static async Task<Outcome> WriteAsync(IStockGrain grain)
    {
        try
        {
            await grain.WriteAsync(new byte[128]);
            return new Outcome.Applied(ETag.Absent, Snapshot.Absent);
        }
        catch (GrainStateUnavailableException failure)
        {
            return new Outcome.Unavailable(failure.Message);
        }
        catch (GrainStateOutcomeUnknownException failure)
        {
            return new Outcome.Unknown(default, ETag.Absent, failure.Message);
        }
    }

    private static Task<IHost> ConnectAsync(IReadOnlyList<IPEndPoint> gateways, TimeSpan? timeout = null) =>
        OrleansBench.ConnectAsync(SiloProcessCluster.ClusterId, gateways, client =>
        {
            if (timeout is { } time)
            {
                client.AddCasPaxos(options => options.Timeout = time);
                client.Configure<ClientMessagingOptions>(options => options.ResponseTimeout = 2 * time);
            }
        });

    /// <summary>How operations ended.</summary>
    private sealed class Tally
    {
        private int _asked;
        private int _applied;
        private int _unavailable;
        private int _unknown;

        public int Asked => _asked;

        public int Applied => _applied;

        public int Unavailable => _unavailable;

        public int Unknown => _unknown;

        public double Seconds { get; set; }

        public async Task CountAsync(Task<Outcome> operation) => Add(await operation);

        public void Add(Outcome outcome)
        {
            Interlocked.Increment(ref _asked);
            _ = outcome switch
            {
                Outcome.Applied => Interlocked.Increment(ref _applied),
                Outcome.Unavailable => Interlocked.Increment(ref _unavailable),
                Outcome.Unknown => Interlocked.Increment(ref _unknown),
                _ => throw new InvalidOperationException($"An operation ended as {outcome}."),
            };
        }
    }
}
