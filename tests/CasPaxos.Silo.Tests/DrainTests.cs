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
                ["Silo:DrainTime"] = "00:00:06",
                ["Silo:OtlpEndpoint"] = $"http://127.0.0.1:{((IPEndPoint)collector.LocalEndpoint).Port}",
            },
        });
        var url = silos.HttpUrls[0];
        using var slow = new TcpClient();
        await slow.ConnectAsync(IPAddress.Loopback, url.Port);
        var stream = slow.GetStream();
        await stream.WriteAsync(
            ("PUT /registers/slow HTTP/1.1\r\nHost: localhost\r\n"u8
                + "Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n"u8).ToArray());
        using var stopped = new CancellationTokenSource();
        var sending = SendSlowlyAsync(stream, stopped.Token);

        silos.Silos[0].Terminate();
        using var ready = await RefusedAsync(new Uri(url, "health/ready"));
        await UntilNobodyListensAsync(url.Port); // Past the drain time.
        await stopped.CancelAsync();
        var sent = await sending;
        using var reader = new StreamReader(stream, Encoding.ASCII);
        var status = await reader.ReadLineAsync();
        var exitCode = await silos.Silos[0].WaitForExitAsync();

        Assert.Equal(HttpStatusCode.ServiceUnavailable, ready.StatusCode);
        Assert.Contains("\"draining\":true", await ready.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        Assert.Equal("HTTP/1.1 201 Created", status);
        Assert.Equal(0, exitCode);
        using var read = await silo.SendAsync(HttpMethod.Get, "registers/slow");
        Assert.Equal(sent, (await read.Content.ReadAsByteArrayAsync()).Length);
        Assert.True(collector.Pending(), "Nobody has connected to the collector.");
    }

    /// <summary>Sends a body until it is stopped, fast enough for a server that closes what hardly moves.</summary>
    /// <returns>How many bytes it had.</returns>
    private static async Task<int> SendSlowlyAsync(NetworkStream stream, CancellationToken stop)
    {
        var chunk = Encoding.ASCII.GetBytes($"64\r\n{new string('x', 0x64)}\r\n");
        var sent = 0;
        for (; !stop.IsCancellationRequested; sent += 0x64)
        {
            await stream.WriteAsync(chunk, CancellationToken.None);
            await Task.Delay(50, CancellationToken.None);
        }

        await stream.WriteAsync("0\r\n\r\n"u8.ToArray(), CancellationToken.None);
        return sent;
    }

    /// <summary>The first answer that is not 200: the signal takes a moment to arrive.</summary>
    private async Task<HttpResponseMessage> RefusedAsync(Uri url)
    {
        while (true)
        {
            var answer = await silo.Http.GetAsync(url);
            if (answer.StatusCode != HttpStatusCode.OK)
            {
                return answer;
            }

            answer.Dispose();
            await Task.Delay(20);
        }
    }

    private static async Task UntilNobodyListensAsync(int port)
    {
        try
        {
            while (true)
            {
                using var attempt = new TcpClient();
                await attempt.ConnectAsync(IPAddress.Loopback, port);
                await Task.Delay(50);
            }
        }
        catch (SocketException)
        {
            // It has stopped listening.
        }
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
