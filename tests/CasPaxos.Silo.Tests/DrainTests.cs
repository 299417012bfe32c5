using System.Net;
using System.Net.Sockets;
using System.Text;
using CasPaxos.Orleans.Testing;

namespace CasPaxos.Silo.Tests;

/// <summary>How a silo stops.</summary>
[Collection(SiloCollection.Name)]
public sealed class DrainTests(SiloFixture silo)
{
    [SkippableFact]
    public async Task A_silo_that_is_told_to_stop_is_not_ready_and_finishes_what_is_under_way_and_sends_its_metrics()
    {
        SiloFixture.Need();
        using var collector = new TcpListener(IPAddress.Loopback, 0);
        collector.Start();
        await using var silos = await SiloProcessCluster.StartAsync(silo.Postgres, new SiloProcessClusterOptions
        {
            Silos = 1,
            Settings = new Dictionary<string, string>
            {
                ["Silo:DrainTime"] = "00:00:02",
                ["Silo:OtlpEndpoint"] = $"http://127.0.0.1:{((IPEndPoint)collector.LocalEndpoint).Port}",
            },
        });
        var url = silos.HttpUrls[0];
        using var slow = new TcpClient();
        await slow.ConnectAsync(IPAddress.Loopback, url.Port);
        var stream = slow.GetStream();
        await stream.WriteAsync(
            "PUT /registers/slow HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nConnection: close\r\n\r\n1"u8.ToArray());

        silos.Silos[0].Terminate();
        await Task.Delay(500);
        using var ready = await silo.Http.GetAsync(new Uri(url, "health/ready"));
        await Task.Delay(2000); // Past the drain time: the server has stopped listening.
        await stream.WriteAsync("2"u8.ToArray());
        using var reader = new StreamReader(stream, Encoding.ASCII);
        var status = await reader.ReadLineAsync();
        var exitCode = await silos.Silos[0].WaitForExitAsync();

        Assert.Equal(HttpStatusCode.ServiceUnavailable, ready.StatusCode);
        Assert.Contains("\"draining\":true", await ready.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        Assert.Equal("HTTP/1.1 201 Created", status);
        Assert.Equal(0, exitCode);
        using var read = await silo.SendAsync(HttpMethod.Get, "registers/slow");
        Assert.Equal("12", await read.Content.ReadAsStringAsync());
        Assert.True(collector.Pending(), "Nobody has connected to the collector.");
    }

    [SkippableFact]
    public async Task A_silo_is_killed_paused_and_restarted_and_the_others_go_on()
    {
        SiloFixture.Need();
        await using var silos = await SiloProcessCluster.StartAsync(silo.Postgres);
        var path = "registers/" + Guid.NewGuid().ToString("n");

        await silos.Silos[2].KillAsync();
        using var afterKill = await silo.Http.PutAsync(new Uri(silos.HttpUrls[0], path), new StringContent("1"));
        await silos.Silos[2].RestartAsync();
        silos.Silos[1].Pause();
        using var whilePaused = await silo.Http.PutAsync(new Uri(silos.HttpUrls[0], path), new StringContent("2"));
        silos.Silos[1].Resume();
        var read = await silo.Http.GetStringAsync(new Uri(silos.HttpUrls[2], path));

        Assert.Equal(HttpStatusCode.Created, afterKill.StatusCode);
        Assert.Equal(HttpStatusCode.NoContent, whilePaused.StatusCode);
        Assert.Equal("2", read);
    }
}
