using CasPaxos.Testing;
using Orleans.Configuration;

namespace CasPaxos.Client.Tests;

/// <summary>One silo for all tests of a class.</summary>
public sealed class SiloFixture(PostgresFixture postgres) : IAsyncLifetime
{
    private TestSilo? _silo;

    internal TestSilo Silo => _silo!;

    /// <inheritdoc/>
    public async Task InitializeAsync()
    {
        if (PostgresBinaries.SkipReason is null)
        {
            _silo = await TestSilo.StartAsync(postgres.Cluster.ConnectionStrings);
        }
    }

    /// <inheritdoc/>
    public async Task DisposeAsync()
    {
        if (_silo is not null)
        {
            await _silo.DisposeAsync();
        }
    }
}

/// <summary>The commands through a silo.</summary>
[Collection(PostgresFixture.Collection)]
public sealed class SiloTests(PostgresFixture postgres, SiloFixture fixture) : IClassFixture<SiloFixture>
{
    private TestSilo Silo => fixture.Silo;

    [SkippableFact]
    public async Task What_is_not_open_to_clients_is_an_exit_code_of_its_own_and_open_to_who_asks_the_databases()
    {
        Skip.If(PostgresBinaries.SkipReason is not null, PostgresBinaries.SkipReason);
        const string Key = "membership/cli/reserved";

        var put = await Silo.RunAsync("put", Key, "v");
        var got = await Silo.RunAsync("get", Key, "--json");
        var listed = await Silo.RunAsync("list", "--prefix", Key);
        var direct = await postgres.RunAsync("get", Key);

        Assert.Equal((7, 7, 7), (put.ExitCode, got.ExitCode, listed.ExitCode));
        Assert.Contains("ClientsMayUseReservedKeys", put.Errors, StringComparison.Ordinal);
        Assert.Equal("forbidden", got.Field("outcome"));
        Assert.Equal(3, direct.ExitCode); // Absent: the put did nothing.
    }

    [SkippableFact]
    public async Task Every_operation_works_through_a_silo_and_means_the_same()
    {
        Skip.If(PostgresBinaries.SkipReason is not null, PostgresBinaries.SkipReason);

        var created = await Silo.RunAsync("create", "silo/all/a", "one");
        var again = await Silo.RunAsync("create", "silo/all/a", "two");
        var swapped = await Silo.RunAsync("cas", "silo/all/a", "two", "--etag", created.Line);
        var late = await Silo.RunAsync("cas", "silo/all/a", "three", "--etag", created.Line);
        var appended = await Silo.RunAsync("append", "silo/all/a", "!");
        var got = await Silo.RunAsync("get", "silo/all/a");
        var stale = await Silo.RunAsync("get", "silo/all/a", "--stale", "--json");
        var read = await Silo.RunAsync("get", "silo/all/a", "--sealed", "--json");
        var bytes = await Silo.RunAsync("get", "silo/all/a", "--sealed");
        var summed = await Silo.RunAsync("incr", "silo/all/n", "41");
        var listed = await Silo.RunAsync("list", "--prefix", "silo/all/");
        var deleted = await Silo.RunAsync("delete", "silo/all/a");
        var gone = await Silo.RunAsync("get", "silo/all/a", "--json");

        Assert.True(created.ExitCode == 0, created.ToString());
        Assert.Equal((2, 0, 2), (again.ExitCode, swapped.ExitCode, late.ExitCode));
        Assert.Equal((0, "two!"), (got.ExitCode, got.Text));
        Assert.Equal(appended.Line, stale.Field("etag"));
        Assert.Equal((appended.Line, "two!"), (read.Field("etag"), read.Field("value")));
        Assert.Equal((0, "two!"), (bytes.ExitCode, bytes.Text));
        Assert.Equal("41", summed.Line);
        Assert.Equal(
            ["silo/all/a", "silo/all/n"], listed.Text.TrimEnd('\n').Split('\n').Select(line => line.Split('\t')[0]));
        Assert.Equal("deleted", deleted.Line);
        Assert.Equal((3, "absent"), (gone.ExitCode, gone.Field("outcome")));
    }

    [SkippableFact]
    public async Task Silos_are_found_by_the_registers_that_hold_their_membership()
    {
        Skip.If(PostgresBinaries.SkipReason is not null, PostgresBinaries.SkipReason);
        var databases = postgres.Cluster.ConnectionStrings;
        var cluster = Guid.NewGuid().ToString("N");
        await using var silo = await TestSilo.StartAsync(databases, builder => builder
            .Configure<ClusterOptions>(options => options.ClusterId = options.ServiceId = cluster)
            .UseCasPaxosClustering(options =>
            {
                foreach (var database in databases)
                {
                    options.ConnectionStrings.Add(database);
                }
            }));

        var put = await CliProcess.RunAsync(
            [
                "put", "silo/found", "v", "--cluster-id", cluster, "--service-id", cluster,
                .. databases.SelectMany(database => (string[])["--clustering-database", database]),
            ]);
        var unreadable = await CliProcess.RunAsync(
            ["get", "k", "--clustering-database", "Password=geheim;Port=none"]);

        Assert.True(put.ExitCode == 0, put.ToString());
        Assert.Contains("cannot be read", unreadable.Errors);
        Assert.DoesNotContain("geheim", unreadable.Errors);
    }

    [SkippableFact]
    public async Task A_retry_through_a_silo_is_recognised()
    {
        Skip.If(PostgresBinaries.SkipReason is not null, PostgresBinaries.SkipReason);
        var id = Guid.NewGuid().ToString("N");

        var first = await Silo.RunAsync("incr", "silo/once", "--operation-id", id);
        var retry = await Silo.RunAsync("incr", "silo/once", "--operation-id", id, "--since", "absent", "--json");

        Assert.Equal("1", first.Line);
        Assert.Equal(("True", "1"), (retry.Field("recovered"), retry.Field("value")));
    }

    [SkippableFact]
    public async Task The_status_shows_silos_slots_and_where_each_acceptor_is()
    {
        Skip.If(PostgresBinaries.SkipReason is not null, PostgresBinaries.SkipReason);

        var text = await Silo.RunAsync("status");
        var json = await Silo.RunAsync("status", "--json");

        Assert.True(text.ExitCode == 0, text.ToString());
        Assert.Contains("quorum: yes", text.Text);
        Assert.Contains("SILO", text.Text);
        Assert.Contains("Active", text.Text);
        Assert.Contains("ACCEPTOR ON", text.Text);
        var slots = json.Json.GetProperty("slots").EnumerateArray().ToList();
        Assert.Equal(3, slots.Count);
        var acceptors = slots.ConvertAll(slot => slot.GetProperty("acceptors")[0]);
        Assert.All(acceptors, acceptor => Assert.True(acceptor.GetProperty("reachable").GetBoolean()));
        Assert.Equal([true, false, false], acceptors.Select(each => each.GetProperty("atHome").GetBoolean()));
        Assert.Equal("0", json.Json.GetProperty("silos")[0].GetProperty("slot").ToString());
    }

    [SkippableFact]
    public async Task A_bench_runs_through_a_silo()
    {
        Skip.If(PostgresBinaries.SkipReason is not null, PostgresBinaries.SkipReason);

        var result = await Silo.RunAsync("bench", "--seconds", "1", "--registers", "4", "--operation", "incr");

        Assert.True(result.ExitCode == 0, result.ToString());
        Assert.Contains("per second", result.Text);
        Assert.Contains("latency: 50 %", result.Text);
    }

    [SkippableFact]
    public async Task Without_a_majority_nothing_is_changed_and_the_wait_can_be_interrupted()
    {
        Skip.If(PostgresBinaries.SkipReason is not null, PostgresBinaries.SkipReason);
        await postgres.Cluster.Servers[1].KillAsync();
        await postgres.Cluster.Servers[2].KillAsync();
        try
        {
            var put = await Silo.RunAsync("put", "silo/down", "v", "--timeout", "1", "--json");
            var status = await Silo.RunAsync("status");
            var list = await Silo.RunAsync("list", "--timeout", "1", "--json");
            using var waiting = CliProcess.Start(
                ["put", "silo/down", "--stdin", "--timeout", "60", "--gateway", Silo.Gateway]);
            await waiting.FeedAsync();
            waiting.CloseInput();
            await Task.Delay(TimeSpan.FromSeconds(1.5));
            await waiting.InterruptAsync();
            var interrupted = await waiting.EndAsync();

            Assert.True(put.ExitCode == 4, put.ToString());
            Assert.Equal("unavailable", put.Field("outcome"));
            Assert.True(status.ExitCode == 4, status.ToString());
            Assert.Contains("quorum: NO", status.Text);
            Assert.True(list.ExitCode == 4, list.ToString());
            Assert.Equal(("unavailable", "0"), (list.Field("outcome"), list.Field("count")));
            Assert.True(interrupted.ExitCode == 130, interrupted.ToString());
            Assert.Contains("nothing was changed", interrupted.Errors, StringComparison.OrdinalIgnoreCase);
        }
        finally
        {
            await Task.WhenAll(
                postgres.Cluster.Servers[1].RestartAsync(), postgres.Cluster.Servers[2].RestartAsync());
        }
    }

    [SkippableFact]
    public async Task A_cluster_of_another_name_is_a_failure_that_names_the_options()
    {
        Skip.If(PostgresBinaries.SkipReason is not null, PostgresBinaries.SkipReason);

        var result = await Silo.RunAsync("get", "k", "--cluster-id", "another", "--timeout", "4");

        Assert.True(result.ExitCode == 6, result.ToString());
        Assert.Contains("--cluster-id 'another'", result.Errors);
    }
}
