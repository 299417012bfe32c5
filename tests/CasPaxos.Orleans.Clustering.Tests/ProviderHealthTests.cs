using CasPaxos.Testing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;

namespace CasPaxos.Orleans.Clustering.Tests;

/// <summary>The health check sees every provider that has databases of its own.</summary>
public sealed class ProviderHealthTests
{
    [SkippableFact]
    public async Task Every_provider_is_asked_and_all_are_degraded_when_their_common_database_dies()
    {
        Skip.If(PostgresBinaries.SkipReason is not null, PostgresBinaries.SkipReason);
        await using var postgres = await PostgresTestCluster.StartAsync(
            server: new PostgresServerOptions { InMemory = true });
        var (silo, client) = await ProviderHosts.StartAsync(postgres.ConnectionStrings, Make.Name());
        using (silo)
        using (client)
        {
            var healthy = await Task.WhenAll(
                UntilAsync(silo, HealthStatus.Healthy), UntilAsync(client, HealthStatus.Healthy));
            await postgres.Servers[1].KillAsync();
            var degraded = await Task.WhenAll(
                UntilAsync(silo, HealthStatus.Degraded), UntilAsync(client, HealthStatus.Degraded));
            await client.StopAsync();
            await silo.StopAsync();

            string[][] expected =
            [
                ["clustering", "grain storage Default", "reminders", "service"], ["gateways", "service"],
            ];
            Assert.Equal(expected, healthy.Select(data => data.Keys.Order(StringComparer.Ordinal).ToArray()));
            Assert.All(healthy.SelectMany(data => data.Values), health => Assert.Equal(3, health.Slots.Count));
            Assert.Equal(expected, degraded.Select(data => data.Keys.Order(StringComparer.Ordinal).ToArray()));
            Assert.All(degraded.SelectMany(data => data.Values), health => Assert.True(health.HasQuorum));
        }
    }

    /// <summary>Waits until all uses of registers have a status; returns what each says.</summary>
    private static async Task<Dictionary<string, RegisterHealth>> UntilAsync(IHost host, HealthStatus status)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(3));
        var checks = host.Services.GetRequiredService<HealthCheckService>();
        while (true)
        {
            var report = (await checks.CheckHealthAsync(limit.Token)).Entries["caspaxos-ready"];
            var data = report.Data.ToDictionary(entry => entry.Key, entry => (RegisterHealth)entry.Value);
            if (report.Status == status
                && data.Values.All(health => health.IsDegraded == (status == HealthStatus.Degraded)))
            {
                return data;
            }

            await Task.Delay(100, limit.Token);
        }
    }
}
