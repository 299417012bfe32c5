using System.Net;
using System.Text.Json;

namespace CasPaxos.Silo.Tests;

/// <summary>What a silo says of its health over HTTP.</summary>
[Collection(SiloCollection.Name)]
public sealed class HealthTests(SiloFixture silo)
{
    [SkippableFact]
    public async Task A_silo_with_a_quorum_and_a_lost_slot_is_ready_and_says_that_it_is_degraded()
    {
        SiloFixture.Need();
        var healthy = await UntilAsync("Healthy");
        await silo.Postgres.Servers[2].KillAsync();
        try
        {
            var degraded = await UntilAsync("Degraded");

            Assert.Equal((HttpStatusCode.OK, HttpStatusCode.OK), (healthy.Status, degraded.Status));
            Assert.True(degraded.Body.GetProperty("ready").GetBoolean());
            Assert.Equal(
                [true, true, false],
                degraded.Body.GetProperty("slots").EnumerateArray().Select(
                    slot => slot.GetProperty("reachable").GetBoolean()));
            Assert.Contains("Slot 2", degraded.Body.GetProperty("problem").GetString(), StringComparison.Ordinal);
        }
        finally
        {
            await silo.Postgres.Servers[2].RestartAsync();
            await UntilAsync("Healthy");
        }
    }

    private async Task<(HttpStatusCode Status, JsonElement Body)> UntilAsync(string status)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(3));
        while (true)
        {
            using var answer = await silo.SendAsync(HttpMethod.Get, "health/ready");
            using var body = JsonDocument.Parse(await answer.Content.ReadAsStringAsync(limit.Token));
            if (body.RootElement.GetProperty("status").GetString() == status)
            {
                return (answer.StatusCode, body.RootElement.Clone());
            }

            await Task.Delay(100, limit.Token);
        }
    }
}
