using System.Diagnostics;
using System.Text.RegularExpressions;
using CasPaxos.Orleans.Testing;

namespace CasPaxos.Silo.Tests;

/// <summary>The development cluster of the <c>local</c> command.</summary>
public sealed partial class LocalTests
{
    [SkippableFact]
    public async Task A_local_cluster_serves_keeps_its_data_folder_and_leaves_nothing_running()
    {
        SiloFixture.Need();

        // Not a private one: PostgreSQL, which refuses to be root, must get through it as another user.
        var folder = Directory.CreateDirectory(
            Path.Combine(Path.GetTempPath(), $"caspaxos-data-{Guid.NewGuid():n}"));
        try
        {
            using var http = new HttpClient();
            var first = await RunAsync(folder, async url =>
            {
                using var put = await http.PutAsync(new Uri(url, "registers/kept"), new StringContent("kept"));
                Assert.True(put.IsSuccessStatusCode);
            });
            var second = await RunAsync(folder, async url =>
                Assert.Equal("kept", await http.GetStringAsync(new Uri(url, "registers/kept"))));

            Assert.Equal((0, 0), (first, second));
            Assert.Empty(Directory.EnumerateFiles(folder.FullName, "postmaster.pid", SearchOption.AllDirectories));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static async Task<int> RunAsync(DirectoryInfo folder, Func<Uri, Task> use)
    {
        var log = Path.Combine(folder.FullName, $"{Guid.NewGuid():n}.out");
        await using var local = SiloProcess.Start(
            new Dictionary<string, string> { ["CASPAXOS_CONTEXT"] = Path.Combine(folder.FullName, "context.json") },
            log,
            $"local --data {folder.FullName}");
        var began = Stopwatch.GetTimestamp();
        while (!local.ReadLog().Contains("Ctrl-C", StringComparison.Ordinal))
        {
            Assert.True(
                local.Id is not null && Stopwatch.GetElapsedTime(began) < TimeSpan.FromMinutes(5), local.ReadLog());
            await Task.Delay(100);
        }

        try
        {
            await use(new Uri(HttpUrl().Match(local.ReadLog()).Value));
        }
        finally
        {
            local.Terminate();
        }

        return await local.WaitForExitAsync();
    }

    [GeneratedRegex("http://127.0.0.1:[0-9]+/")]
    private static partial Regex HttpUrl();
}
