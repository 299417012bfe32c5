using System.Diagnostics;
using CasPaxos.Testing;

namespace CasPaxos.Client.Tests;

/// <summary>What is said when databases fail.</summary>
[Collection(PostgresFixture.Collection)]
public sealed class DirectFailureTests(PostgresFixture postgres)
{
    [SkippableFact]
    public async Task With_one_database_down_everything_works_and_the_status_says_which()
    {
        Skip.If(PostgresBinaries.SkipReason is not null, PostgresBinaries.SkipReason);
        await postgres.Cluster.Servers[1].KillAsync();
        try
        {
            var put = await postgres.RunAsync("put", "failing/one", "v");
            var status = await postgres.RunAsync("status");

            Assert.True(put.ExitCode == 0, put.ToString());
            Assert.Equal(0, status.ExitCode);
            Assert.Contains("Slot 1 does not serve", status.Text);
        }
        finally
        {
            await postgres.Cluster.Servers[1].RestartAsync();
        }
    }

    [SkippableFact]
    public async Task With_a_majority_down_nothing_is_changed_and_the_exit_code_is_4_and_with_all_down_6()
    {
        Skip.If(PostgresBinaries.SkipReason is not null, PostgresBinaries.SkipReason);
        await postgres.Cluster.Servers[0].KillAsync();
        await postgres.Cluster.Servers[1].KillAsync();
        try
        {
            var put = await postgres.RunAsync("put", "failing/two", "v", "--json");
            var get = await postgres.RunAsync("get", "failing/two");
            var retry = await postgres.RunAsync(
                "put", "failing/two", "v", "--operation-id", $"{Guid.NewGuid()}", "--since", "absent", "--json");
            await postgres.Cluster.Servers[2].KillAsync();
            var none = await postgres.RunAsync("get", "failing/two");

            Assert.True(put.ExitCode == 4, put.ToString());
            Assert.Equal("unavailable", put.Field("outcome"));
            Assert.Contains("nothing was changed", put.Errors);
            Assert.Equal(4, get.ExitCode);
            Assert.True(retry.ExitCode == 5, retry.ToString()); // The first try may have been applied for all we know.
            Assert.Equal(6, none.ExitCode);
            Assert.Contains("Cannot connect to any database", none.Errors);
        }
        finally
        {
            await Task.WhenAll(postgres.Cluster.Servers.Where(server => !server.IsRunning)
                .Select(server => server.RestartAsync()));
        }
    }

    [SkippableFact]
    public async Task An_unknown_outcome_comes_with_the_command_that_tells_the_truth()
    {
        Skip.If(PostgresBinaries.SkipReason is not null, PostgresBinaries.SkipReason);
        await OnAllAsync(CutAtAccept);
        CliResult unknown;
        try
        {
            unknown = await postgres.RunAsync("put", "doomed", "boom it's", "--timeout", "1", "--json");
        }
        finally
        {
            await OnAllAsync("DROP FUNCTION doom() CASCADE");
        }

        var retry = unknown.Field("retry")!;
        var told = await ShellAsync(retry);

        Assert.True(unknown.ExitCode == 5, unknown.ToString());
        Assert.Equal("unknown", unknown.Field("outcome"));
        Assert.Contains(unknown.Field("operationId")!, unknown.Errors);
        Assert.Contains($"--since {unknown.Field("since")}", unknown.Errors);
        Assert.True(told.ExitCode == 0, told.ToString());
        Assert.Equal("boom it's", (await postgres.RunAsync("get", "doomed")).Text);
    }

    [SkippableFact]
    public async Task A_bench_that_is_interrupted_reports_what_it_measured()
    {
        Skip.If(PostgresBinaries.SkipReason is not null, PostgresBinaries.SkipReason);
        using var process = CliProcess.Start(["bench", "--seconds", "60", "--registers", "4", .. postgres.Direct]);
        await process.SaidAsync("op/s");

        await process.InterruptAsync();
        var result = await process.EndAsync();

        Assert.Equal(130, result.ExitCode);
        Assert.Contains("per second", result.Text);
    }

    [SkippableFact]
    public async Task Databases_of_no_cluster_or_in_another_order_are_a_failure_that_says_what_to_do()
    {
        Skip.If(PostgresBinaries.SkipReason is not null, PostgresBinaries.SkipReason);
        var strings = postgres.Cluster.ConnectionStrings;

        var swapped = await CliProcess.RunAsync(
            ["get", "k", "--direct", strings[1], "--direct", strings[0], "--direct", strings[2]]);
        var two = await CliProcess.RunAsync(["get", "k", "--direct", strings[0], "--direct", strings[1]]);
        var empty = await CliProcess.RunAsync(["get", "k", "--direct", $"{strings[0]};Database=template1"]);

        Assert.Equal((6, 6, 6), (swapped.ExitCode, two.ExitCode, empty.ExitCode));
        Assert.Contains("order", swapped.Errors);
        Assert.Contains("has 3 slots", two.Errors);
        Assert.Contains("which cluster", empty.Errors);
    }

    /// <summary>The session dies with the accept in its hands: nobody can tell whether that was committed.</summary>
    private const string CutAtAccept =
        """
        CREATE FUNCTION doom() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            PERFORM pg_terminate_backend(pg_backend_pid());
            PERFORM pg_sleep(1);
            RETURN NEW;
        END $$;
        CREATE TRIGGER doom BEFORE INSERT OR UPDATE ON caspaxos.register FOR EACH ROW
            WHEN (position('boom'::bytea in NEW.value) > 0) EXECUTE FUNCTION doom();
        """;

    private async Task OnAllAsync(string sql) =>
        await Task.WhenAll(postgres.Cluster.Servers.Select(server => server.ExecuteAsync(sql)));

    /// <summary>Lets a shell run the printed command, as a person would.</summary>
    private static async Task<CliResult> ShellAsync(string line)
    {
        var program = Path.Combine(AppContext.BaseDirectory, "caspaxos-cli.dll");
        var start = new ProcessStartInfo("sh", ["-c", $"caspaxos() {{ dotnet exec '{program}' \"$@\"; }}; {line}"])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using var shell = Process.Start(start)!;
        var (output, errors) = (shell.StandardOutput.ReadToEndAsync(), shell.StandardError.ReadToEndAsync());
        await shell.WaitForExitAsync();
        return new CliResult(shell.ExitCode, System.Text.Encoding.UTF8.GetBytes(await output), await errors);
    }
}
