using System.Runtime.Versioning;
using CasPaxos.Testing;

namespace CasPaxos.Docs.Tests;

/// <summary>The cluster that <c>caspaxos-silo local</c> runs, and how the client finds it.</summary>
[Collection(CommandTests.OneAtATime)]
[UnsupportedOSPlatform("windows")]
public sealed class LocalClusterTests
{
    [SkippableFact]
    public async Task A_local_cluster_is_found_without_options_for_as_long_as_it_runs()
    {
        Skip.If(PostgresBinaries.SkipReason is not null, PostgresBinaries.SkipReason);
        await using var shell = new PageShell();
        var before = await shell.RunAsync("caspaxos context");
        var said = await shell.StartAsync("caspaxos-silo local", "Ctrl-C stops everything.");

        var text = await File.ReadAllTextAsync(shell.Context);
        var mode = File.GetUnixFileMode(shell.Context);
        var put = await shell.RunAsync("""caspaxos put basket/ada '["apples"]'""");
        var got = await shell.RunAsync("caspaxos get basket/ada");
        var status = await shell.RunAsync("caspaxos status");
        var shown = await shell.RunAsync("caspaxos context");
        var json = await shell.RunAsync("caspaxos context --json");
        var option = await shell.RunAsync("caspaxos get basket/ada --gateway 127.0.0.1:1");
        var variable = await shell.RunAsync("CASPAXOS_GATEWAYS=127.0.0.1:1 caspaxos context");
        var exitCodes = await shell.InterruptAsync();
        var left = File.Exists(shell.Context);
        var after = await shell.RunAsync("caspaxos context");
        await File.WriteAllTextAsync(shell.Context, text);
        var stale = await shell.RunAsync("caspaxos get basket/ada");

        AssertTold(before, 0, $"there is no context file {shell.Context}");
        Assert.Contains($"finds it without options, by the context file {shell.Context}", said);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, mode);
        AssertTold(put, 0);
        AssertTold(got, 0, """["apples"]""");
        AssertTold(status, 0, "quorum: yes");
        AssertTold(shown, 0, "Cluster caspaxos-local", $"the context file {shell.Context} says", "HTTP");
        AssertTold(json, 0, "\"origin\":\"context-file\"");
        AssertTold(option, 6, "127.0.0.1:1:");
        AssertTold(variable, 0, "CASPAXOS_GATEWAYS", "Cluster default");
        Assert.Equal([0], exitCodes);
        Assert.False(left);
        AssertTold(after, 0, $"there is no context file {shell.Context}");
        AssertTold(stale, 6, "is gone", shell.Context, "caspaxos-silo local");
    }

    private static void AssertTold((int ExitCode, string Printed) result, int exitCode, params string[] parts)
    {
        Assert.True(result.ExitCode == exitCode, $"exit code {result.ExitCode}: {result.Printed}");
        Assert.All(parts, part => Assert.Contains(part, result.Printed));
    }
}
