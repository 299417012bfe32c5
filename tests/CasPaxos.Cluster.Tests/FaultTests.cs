using CasPaxos.Checker;
using CasPaxos.Testing;
using CasPaxos.Testing.Load;
using Xunit.Abstractions;

namespace CasPaxos.Cluster.Tests;

/// <summary>
/// Clients under load while one of three real servers has trouble: no operation fails, none takes a second, and the
/// checker finds the whole history linearizable (cases 57, 58, 61, 62, 64).
/// </summary>
public sealed class FaultTests(ITestOutputHelper output)
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(1);

    [SkippableFact]
    public Task A_server_is_stopped_and_started_again() => UnderLoadAsync(
        server => server.StopAsync(), server => server.RestartAsync());

    [SkippableFact]
    public Task A_server_is_killed_with_9_and_started_again() => UnderLoadAsync(
        server => server.KillAsync(), server => server.RestartAsync());

    [SkippableFact] // T-O7
    public Task A_server_is_paused_and_resumed() => UnderLoadAsync(
        server => server.PauseAsync(), server => server.ResumeAsync());

    [SkippableFact]
    public Task A_server_has_no_room_on_its_disk_and_gets_some() => UnderLoadAsync(
        server => server.FillDiskAsync(), server => server.FreeDiskAsync(), smallDisk: true);

    [SkippableFact]
    public async Task One_server_after_the_other_is_killed_and_started_again()
    {
        Skip.If(PostgresBinaries.SkipReason is not null, PostgresBinaries.SkipReason);
        await using var cluster = await PostgresTestCluster.StartAsync();
        await using var clients = await TestClients.OpenAsync(cluster, 3);
        var load = new MixedLoad(clients.Clients, registers: 60, workers: 12, seed: 5);

        await using var stalls = new MachineStalls();
        using var stop = new CancellationTokenSource();
        var running = load.RunAsync(stop.Token);
        await WarmUpAsync(load.Meter);
        foreach (var server in cluster.Servers)
        {
            await Task.Delay(700);
            await server.KillAsync();
            await Task.Delay(700);
            await server.RestartAsync();
            await Task.Delay(1000); // Longer than it takes a client to find that it is back.
        }

        await stop.CancelAsync();
        await running;

        AssertGood(load.Meter, stalls);
    }

    [SkippableFact]
    public async Task With_every_server_up_deleting_and_erasing_go_on_under_load()
    {
        Skip.If(PostgresBinaries.SkipReason is not null, PostgresBinaries.SkipReason);
        await using var cluster = await PostgresTestCluster.StartAsync();
        await using var clients = await TestClients.OpenAsync(cluster, 3);
        var load = new MixedLoad(clients.Clients, registers: 30, workers: 12, seed: 6);
        var erased = 0L;

        await using var stalls = new MachineStalls();
        using var stop = new CancellationTokenSource();
        var running = load.RunAsync(stop.Token);
        await WarmUpAsync(load.Meter);
        var erasing = clients.Clients[0].EraseInBackgroundAsync(
            TimeSpan.FromSeconds(1), // Longer than any retry here: operations take milliseconds.
            TimeSpan.FromMilliseconds(20),
            counts => Interlocked.Add(ref erased, counts.Erased),
            stop.Token);
        await Task.Delay(6000);
        await stop.CancelAsync();
        await Task.WhenAll(running, erasing);

        output.WriteLine($"{Interlocked.Read(ref erased)} registers erased");
        AssertGood(load.Meter, stalls);
    }

    private async Task UnderLoadAsync(
        Func<PostgresServer, Task> hurt, Func<PostgresServer, Task> heal, bool smallDisk = false)
    {
        Skip.If(PostgresBinaries.SkipReason is not null, PostgresBinaries.SkipReason);
        var server = new PostgresServerOptions { SizeLimit = smallDisk ? 256L * 1024 * 1024 : null };
        await using var cluster = await StartOrSkipAsync(server);
        await using var clients = await TestClients.OpenAsync(cluster, 3);
        var load = new MixedLoad(clients.Clients, registers: 60, workers: 12, seed: 4);
        var victim = cluster.Servers[2];

        await using var stalls = new MachineStalls();
        using var stop = new CancellationTokenSource();
        var running = load.RunAsync(stop.Token);
        await WarmUpAsync(load.Meter);
        await Task.Delay(500);
        await hurt(victim);
        await Task.Delay(2500);
        await heal(victim);
        await Task.Delay(1500);
        await stop.CancelAsync();
        await running;

        AssertGood(load.Meter, stalls);
    }

    /// <summary>A disk of a limited size needs the right to mount one.</summary>
    private static async Task<PostgresTestCluster> StartOrSkipAsync(PostgresServerOptions server)
    {
        try
        {
            return await PostgresTestCluster.StartAsync(server: server);
        }
        catch (NotSupportedException failure)
        {
            Skip.If(true, failure.Message);
            throw;
        }
    }

    /// <summary>
    /// A process that has just started compiles, and opens connections: no fault has to answer for that.
    /// </summary>
    private static async Task WarmUpAsync(LoadMeter meter)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(1));
        while (meter.Figures.Succeeded < 500)
        {
            await Task.Delay(20, limit.Token);
        }

        meter.TakeLatencies();
        meter.TakeGaps();
    }

    private void AssertGood(LoadMeter meter, MachineStalls stalls)
    {
        var figures = meter.Figures;
        var gaps = meter.TakeGaps();
        var limit = Limit + stalls.Excess;
        var latencies = meter.TakeLatencies();
        output.WriteLine(
            $"{figures.Succeeded} operations, {figures.Failed} failed, {figures.Recovered} recovered; " +
            $"latency {LoadMeter.Percentile(latencies, 0.5):N1} ms median, " +
            $"{LoadMeter.Percentile(latencies, 1):N0} ms most; " +
            $"longest gap {gaps.Any.TotalMilliseconds:N0} ms, of one register " +
            $"{gaps.OfOneKey.TotalMilliseconds:N0} ms; " +
            $"the machine stalled for {stalls.Excess.TotalMilliseconds:N0} ms");

        Assert.True(figures.Succeeded > 100, "the load did next to nothing");
        Assert.True(figures.Failed == 0, string.Join('\n', meter.Failures));
        Assert.True(gaps.OfOneKey < limit, $"{gaps.Key}: {gaps.OfOneKey} without a success");
        Assert.True(LoadMeter.Percentile(latencies, 1) < limit.TotalMilliseconds, "an operation took over a second");
        var verdict = LinearizabilityChecker.Check(meter.History);
        Assert.True(verdict is CheckResult.Linearizable, verdict.ToString());
    }
}
