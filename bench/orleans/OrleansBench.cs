using System.Diagnostics;
using System.Globalization;
using System.Net;
using CasPaxos.Orleans.Testing;
using CasPaxos.Registers;
using CasPaxos.Testing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Orleans.Configuration;

namespace CasPaxos.Bench;

/// <summary>
/// The register service, three silo processes over three servers, beside grains whose state is in Orleans' own ADO.NET
/// storage, three silo processes over one of the same servers; one client of each, taking turns.
/// </summary>
internal static class OrleansBench
{
    private const int Keys = 1000;
    private const int ValueBytes = 128;

    private static int _unknown;

    public static async Task RunAsync(int[] concurrencies, TimeSpan duration, Report report)
    {
        await using var postgres = await PostgresTestCluster.StartAsync();
        await using var silos = await SiloProcessCluster.StartAsync(postgres);
        int[] ports = [.. Enumerable.Range(0, 3).Select(_ => FreePorts.Next())];
        int[] gateways = [.. Enumerable.Range(0, 3).Select(_ => FreePorts.Next())];
        var database = await GrainSilo.CreateTablesAsync(postgres.ConnectionStrings[0]);
        Process[] stock =
        [
            .. ports.Select((port, i) => GrainSilo.Start(StorageKind.Stock, port, gateways[i], ports[0], [database])),
        ];
        try
        {
            using var ours = await ConnectAsync(SiloProcessCluster.ClusterId, silos.Gateways);
            using var theirs = await ConnectAsync(
                "default", [.. gateways.Select(port => new IPEndPoint(IPAddress.Loopback, port))]);
            var registers = RegistersOf(ours);
            var grains = theirs.Services.GetRequiredService<IClusterClient>();
            await CompareAsync(registers, grains, concurrencies, duration, report);
        }
        finally
        {
            foreach (var silo in stock)
            {
                silo.Kill();
                await silo.WaitForExitAsync();
            }
        }
    }

    /// <summary>How much a silo grows by registers that it has served once.</summary>
    public static async Task MemoryAsync(int registers, bool json)
    {
        await using var postgres = await PostgresTestCluster.StartAsync();
        await using var silos = await SiloProcessCluster.StartAsync(
            postgres, new SiloProcessClusterOptions { Silos = 1 });
        using var host = await ConnectAsync(SiloProcessCluster.ClusterId, silos.Gateways);
        var client = RegistersOf(host);
        await ServeAsync(client, "warm-up", 2000);
        var before = Resident(silos.Silos[0].Id!.Value);
        await ServeAsync(client, "served", registers);
        await Task.Delay(TimeSpan.FromSeconds(5));
        var after = Resident(silos.Silos[0].Id!.Value);
        var each = (double)(after - before) / registers;
        Console.WriteLine(json
            ? System.Text.Json.JsonSerializer.Serialize(new
            {
                bench = "orleans-memory",
                registers,
                bytes_each = Math.Round(each),
                bytes_per_million = Math.Round(each * 1e6),
            })
            : $"{registers:N0} registers served: {each:N0} bytes of resident memory each, {each:N0} MB a million.");
    }

    private static async Task CompareAsync(
        IRegisterClient registers, IGrainFactory grains, int[] concurrencies, TimeSpan duration, Report report)
    {
        RegisterKey[] keys = [.. Enumerable.Range(0, Keys).Select(i => Key("key", i))];
        IStockGrain[] peers = [.. Enumerable.Range(0, Keys).Select(i => grains.GetGrain<IStockGrain>(i))];
        for (var i = 0; i < Keys; i++)
        {
            await peers[i].WriteAsync(new byte[ValueBytes]);
            await registers.PutAsync(keys[i], new byte[ValueBytes]);
        }

        foreach (var concurrency in concurrencies)
        {
            var theirWrites = await Measure.RunAsync(
                concurrency, duration, (_, random) => peers[random.Next(Keys)].WriteAsync(Value(random)));
            var writes = await Measure.RunAsync(
                concurrency,
                duration,
                (_, random) => Applied(registers.PutAsync(keys[random.Next(Keys)], Value(random))));
            report.Add("write", concurrency, writes, "grain state, one server", theirWrites);

            var theirReads = await Measure.RunAsync(
                concurrency, duration, (_, random) => peers[random.Next(Keys)].ReadAsync());
            var reads = await Measure.RunAsync(
                concurrency, duration, (_, random) => Applied(registers.GetAsync(keys[random.Next(Keys)])));
            report.Add("linearizable read", concurrency, reads, "grain call, from memory", theirReads);

            var theirHot = await Measure.RunAsync(
                concurrency, duration, (_, _) => peers[0].IncrementAsync());
            var hot = await Measure.RunAsync(
                concurrency, duration, (_, _) => Applied(registers.IncrementAsync(new RegisterKey("hot"))));
            report.Add("increment of one", concurrency, hot, "one grain's state, one server", theirHot);
            Console.Error.WriteLine($"  {Interlocked.Exchange(ref _unknown, 0)} operations ended as unknown");
        }
    }

    private static async Task ServeAsync(IRegisterClient client, string prefix, int registers)
    {
        var next = -1;
        await Task.WhenAll(Enumerable.Range(0, 64).Select(async _ =>
        {
            while (Interlocked.Increment(ref next) is var number && number < registers)
            {
                await Applied(client.PutAsync(Key(prefix, number), new byte[ValueBytes]));
            }
        }));
    }

    private static RegisterKey Key(string prefix, int number) =>
        new(string.Create(CultureInfo.InvariantCulture, $"{prefix}/{number:0000}"));

    private static long Resident(int process)
    {
        using var running = Process.GetProcessById(process);
        return running.WorkingSet64;
    }

    internal static async Task<IHost> ConnectAsync(
        string clusterId, IReadOnlyList<IPEndPoint> gateways, Action<IClientBuilder>? configure = null)
    {
        var builder = Host.CreateApplicationBuilder();
        builder.Logging.ClearProviders();
        builder.UseOrleansClient(client =>
        {
            client.UseStaticClustering([.. gateways]);
            client.Configure<ClusterOptions>(options => options.ClusterId = options.ServiceId = clusterId);
            client.UseConnectionRetryFilter(async (_, stop) =>
            {
                await Task.Delay(200, stop); // Silos that are starting.
                return true;
            });
            client.AddCasPaxos();
            configure?.Invoke(client);
        });
        var host = builder.Build();
        await host.StartAsync();
        return host;
    }

    /// <summary>The registers, as a connected client sees them.</summary>
    internal static IRegisterClient RegistersOf(IHost client) => client.Services.GetRequiredService<IRegisterClient>();

    internal static byte[] Value(Random random)
    {
        var value = new byte[ValueBytes];
        random.NextBytes(value);
        return value;
    }

    /// <summary>An operation that others overtook may end as unknown; how many did is part of the figures.</summary>
    internal static async Task Applied(Task<Outcome> operation)
    {
        switch (await operation)
        {
            case Outcome.Applied:
                break;
            case Outcome.Unknown:
                Interlocked.Increment(ref _unknown);
                break;
            case var other:
                throw new InvalidOperationException($"An operation ended as {other}.");
        }
    }
}
