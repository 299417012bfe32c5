using CasPaxos.Testing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Time.Testing;

namespace CasPaxos.Orleans.Tests;

/// <summary>What the health checks of silos and clients say.</summary>
public sealed class HealthTests
{
    [SkippableFact]
    public async Task Silos_and_clients_are_degraded_without_one_slot_and_not_ready_without_a_quorum_but_alive()
    {
        Skip.If(PostgresBinaries.SkipReason is not null, PostgresBinaries.SkipReason);
        var cluster = new ServiceCluster();
        await cluster.InitializeAsync();
        try
        {
            HealthCheckService[] checks =
            [
                cluster.OneSilo.GetRequiredService<HealthCheckService>(),
                cluster.Cluster.Client.ServiceProvider.GetRequiredService<HealthCheckService>(),
            ];
            var servers = cluster.Postgres.Servers;

            await Task.WhenAll(checks.Select(check => UntilAsync(check, HealthStatus.Healthy)));
            await servers[2].KillAsync();
            var degraded = await Task.WhenAll(checks.Select(check => UntilAsync(check, HealthStatus.Degraded)));
            await servers[1].KillAsync();
            var unhealthy = await Task.WhenAll(checks.Select(check => UntilAsync(check, HealthStatus.Unhealthy)));
            await Task.WhenAll(servers[1].RestartAsync(), servers[2].RestartAsync());
            await Task.WhenAll(checks.Select(check => UntilAsync(check, HealthStatus.Healthy)));

            Assert.All(degraded, report => Assert.Equal([true, true, false], Reachable(report)));
            Assert.All(unhealthy, report => Assert.Equal([true, false, false], Reachable(report)));
            Assert.All(unhealthy, report => Assert.Contains(
                "Slot 1", report.Entries["caspaxos-ready"].Description, StringComparison.Ordinal));
            Assert.All(unhealthy, report =>
                Assert.Equal(HealthStatus.Healthy, report.Entries["caspaxos-live"].Status));
        }
        finally
        {
            await cluster.DisposeAsync();
        }
    }

    [Theory]
    [InlineData(HealthStatus.Healthy, 3, true)]
    [InlineData(HealthStatus.Degraded, 2, true)]
    [InlineData(HealthStatus.Unhealthy, 1, false)]
    public async Task The_worst_use_of_registers_counts(HealthStatus expected, int serving, bool hasQuorum)
    {
        var all = new Source("first") { Health = Healthy(3, true) };
        var some = new Source("second") { Health = Healthy(serving, hasQuorum) };

        var result = await Check([all, some]);

        Assert.Equal(expected, result.Status);
        Assert.Equal([all.Health, some.Health], result.Data.OrderBy(pair => pair.Key).Select(pair => pair.Value));
    }

    [Fact]
    public async Task A_use_that_fails_or_never_answers_is_unhealthy_and_says_why()
    {
        var time = new FakeTimeProvider();
        var failed = await Check([new Source("first") { Failure = new InvalidOperationException("no gateway") }]);

        var silent = Check([new Source("first") { IsSilent = true }], time);
        time.Advance(TimeSpan.FromSeconds(3));

        Assert.Equal((HealthStatus.Unhealthy, "first: no gateway"), (failed.Status, failed.Description));
        Assert.Equal((HealthStatus.Unhealthy, "first: No answer within 3 s."), Of(await silent));
    }

    [Fact]
    public async Task It_asks_once_a_second_however_many_ask()
    {
        var time = new FakeTimeProvider();
        var source = new Source("first") { Health = Healthy(3, true) };
        var check = new ReadinessCheck(new HealthSources([source]), time);

        await AskAsync(check);
        await AskAsync(check);
        Assert.Equal(1, source.Asked);

        time.Advance(TimeSpan.FromSeconds(1));
        await AskAsync(check);
        Assert.Equal(2, source.Asked);
    }

    [Fact]
    public async Task Without_any_use_of_registers_and_in_a_process_that_stops_it_is_not_ready()
    {
        using var stopping = new CancellationTokenSource();
        var lifetime = new Lifetime(stopping.Token);
        var check = new ReadinessCheck(
            new HealthSources([new Source("first") { Health = Healthy(3, true) }]), null, lifetime);

        var none = await Check([]);
        var before = await AskAsync(check);
        await stopping.CancelAsync();
        var after = await AskAsync(check);

        Assert.Equal(HealthStatus.Unhealthy, none.Status);
        Assert.Contains("AddCasPaxos", none.Description, StringComparison.Ordinal);
        Assert.Equal((HealthStatus.Healthy, HealthStatus.Unhealthy), (before.Status, after.Status));
    }

    private static (HealthStatus Status, string? Text) Of(HealthCheckResult result) =>
        (result.Status, result.Description);

    private static RegisterHealth Healthy(int serving, bool hasQuorum) => new(
        hasQuorum,
        [
            .. Enumerable.Range(0, 3).Select(
                slot => new SlotHealth(slot, slot < serving, slot < serving ? null : "away")),
        ]);

    private static Task<HealthCheckResult> Check(Source[] sources, TimeProvider? time = null) =>
        AskAsync(new ReadinessCheck(new HealthSources(sources), time));

    private static Task<HealthCheckResult> AskAsync(ReadinessCheck check) => check.CheckHealthAsync(
        new HealthCheckContext { Registration = new HealthCheckRegistration("ready", check, null, null) });

    private static IEnumerable<bool> Reachable(HealthReport report) =>
        ((RegisterHealth)report.Entries["caspaxos-ready"].Data["service"]).Slots.Select(slot => slot.Reachable);

    private static Task<HealthReport> UntilAsync(HealthCheckService checks, HealthStatus status) =>
        Eventually.ReachedAsync(() => checks.CheckHealthAsync(), report => report.Status == status);

    private sealed class Source(string name) : IHealthSource
    {
        public string Name => name;

        public RegisterHealth Health { get; init; } = new(false, []);

        public Exception? Failure { get; init; }

        public bool IsSilent { get; init; }

        public int Asked { get; private set; }

        public Task<RegisterHealth> AskAsync(CancellationToken cancellationToken)
        {
            Asked++;
            return IsSilent ? new TaskCompletionSource<RegisterHealth>().Task
                : Failure is null ? Task.FromResult(Health) : Task.FromException<RegisterHealth>(Failure);
        }
    }

    private sealed class Lifetime(CancellationToken stopping) : IHostApplicationLifetime
    {
        public CancellationToken ApplicationStarted => default;

        public CancellationToken ApplicationStopping => stopping;

        public CancellationToken ApplicationStopped => default;

        public void StopApplication() => throw new NotSupportedException();
    }
}
