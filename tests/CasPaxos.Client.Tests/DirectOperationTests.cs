using CasPaxos.Testing;

namespace CasPaxos.Client.Tests;

/// <summary>Every operation against the databases themselves.</summary>
[Collection(PostgresFixture.Collection)]
public sealed class DirectOperationTests(PostgresFixture postgres)
{
    [SkippableFact]
    public async Task A_value_that_was_put_is_got_as_it_is_until_it_is_deleted()
    {
        Skip.If(PostgresBinaries.SkipReason is not null, PostgresBinaries.SkipReason);

        var put = await postgres.RunAsync("put", "direct/greeting", "good morning");
        var got = await postgres.RunAsync("get", "direct/greeting");
        var json = await postgres.RunAsync("get", "direct/greeting", "--json");
        var deleted = await postgres.RunAsync("delete", "direct/greeting");
        var gone = await postgres.RunAsync("get", "direct/greeting");
        var again = await postgres.RunAsync("delete", "direct/greeting");

        Assert.True(put.ExitCode == 0, put.ToString());
        Assert.True(ETag.TryParse(put.Line, out var etag) && etag.Version == 1, put.Text);
        Assert.Equal((0, "good morning", ""), (got.ExitCode, got.Text, got.Errors));
        Assert.Equal("good morning", json.Field("value"));
        Assert.Equal("utf-8", json.Field("encoding"));
        Assert.Equal("applied", json.Field("outcome"));
        Assert.Equal(put.Line, json.Field("etag"));
        Assert.Equal((0, "deleted\n"), (deleted.ExitCode, deleted.Text));
        Assert.Equal((3, ""), (gone.ExitCode, gone.Text));
        Assert.Contains("does not exist", gone.Errors);
        Assert.Equal(3, again.ExitCode);
    }

    [SkippableFact]
    public async Task Bytes_pass_unchanged_through_standard_input_files_and_json()
    {
        Skip.If(PostgresBinaries.SkipReason is not null, PostgresBinaries.SkipReason);
        byte[] bytes = [0, 255, 10, 13, 0xC3, 0x28, .. Enumerable.Repeat((byte)'x', 100_000), 0];
        var file = Path.GetTempFileName();
        await File.WriteAllBytesAsync(file, bytes[..6]);

        var put = await CliProcess.RunAsync(["put", "direct/bytes", "--stdin", .. postgres.Direct], bytes);
        var got = await postgres.RunAsync("get", "direct/bytes");
        var appended = await postgres.RunAsync("append", "direct/other", "--file", file);
        var json = await postgres.RunAsync("get", "direct/other", "--json");
        File.Delete(file);

        Assert.True(put.ExitCode == 0, put.ToString());
        Assert.Equal(bytes, got.Output);
        Assert.Equal(0, appended.ExitCode);
        Assert.Equal("base64", json.Field("encoding"));
        Assert.Equal(bytes[..6], json.Json.GetProperty("value").GetBytesFromBase64());
    }

    [SkippableFact]
    public async Task A_create_is_refused_the_second_time()
    {
        Skip.If(PostgresBinaries.SkipReason is not null, PostgresBinaries.SkipReason);

        var first = await postgres.RunAsync("create", "direct/created", "one");
        var second = await postgres.RunAsync("create", "direct/created", "two", "--json");

        Assert.Equal(0, first.ExitCode);
        Assert.Equal(2, second.ExitCode);
        Assert.Equal("refused", second.Field("outcome"));
        Assert.Equal("Exists", second.Field("refusal"));
        Assert.Equal("one", second.Field("value"));
        Assert.Equal(first.Line, second.Field("etag"));
        Assert.Contains("exists", second.Errors);
    }

    [SkippableFact]
    public async Task Compare_and_swap_and_delete_hold_to_the_ETag()
    {
        Skip.If(PostgresBinaries.SkipReason is not null, PostgresBinaries.SkipReason);

        var created = await postgres.RunAsync("cas", "direct/cas", "one", "--etag", "absent");
        var swapped = await postgres.RunAsync("cas", "direct/cas", "two", "--etag", created.Line);
        var late = await postgres.RunAsync("cas", "direct/cas", "three", "--etag", created.Line);
        var kept = await postgres.RunAsync("delete", "direct/cas", "--etag", created.Line);
        var value = await postgres.RunAsync("get", "direct/cas");
        var deleted = await postgres.RunAsync("delete", "direct/cas", "--etag", swapped.Line, "--json");

        Assert.Equal(0, created.ExitCode);
        Assert.Equal(0, swapped.ExitCode);
        Assert.Equal(2, late.ExitCode);
        Assert.Contains(swapped.Line, late.Errors);
        Assert.Equal(2, kept.ExitCode);
        Assert.Equal("two", value.Text);
        Assert.Equal(0, deleted.ExitCode);
        Assert.Equal("absent", deleted.Field("etag"));
        Assert.Equal("False", deleted.Field("exists"));
    }

    [SkippableFact]
    public async Task Numbers_are_added_up_and_text_is_no_number()
    {
        Skip.If(PostgresBinaries.SkipReason is not null, PostgresBinaries.SkipReason);

        var one = await postgres.RunAsync("incr", "direct/number");
        var less = await postgres.RunAsync("incr", "direct/number", "-5", "--json");
        var words = await postgres.RunAsync("append", "direct/number", "--", "--x");
        var refused = await postgres.RunAsync("incr", "direct/number", "2");

        Assert.Equal((0, "1\n"), (one.ExitCode, one.Text));
        Assert.Equal("-4", less.Field("value"));
        Assert.Equal(0, words.ExitCode);
        Assert.Equal(2, refused.ExitCode);
        Assert.Contains("does not hold a number", refused.Errors);
    }

    [SkippableFact]
    public async Task A_retry_under_its_id_is_recognised_and_not_applied_twice()
    {
        Skip.If(PostgresBinaries.SkipReason is not null, PostgresBinaries.SkipReason);
        var id = Guid.NewGuid().ToString("N");

        var first = await postgres.RunAsync("incr", "direct/once", "--operation-id", id, "--json");
        var retry = await postgres.RunAsync(
            "incr", "direct/once", "--operation-id", id, "--since", "absent", "--json");

        Assert.Equal(("False", "1", id), (first.Field("recovered"), first.Field("value"), first.Field("operationId")));
        Assert.Equal(0, retry.ExitCode);
        Assert.Equal(("True", "1"), (retry.Field("recovered"), retry.Field("value")));
        Assert.Contains("earlier try", retry.Errors);
    }

    [SkippableFact]
    public async Task A_value_over_the_limit_is_invalid_input()
    {
        Skip.If(PostgresBinaries.SkipReason is not null, PostgresBinaries.SkipReason);

        var result = await CliProcess.RunAsync(
            ["put", "direct/large", "--stdin", .. postgres.Direct], new byte[1024 * 1024 + 1]);

        Assert.Equal(1, result.ExitCode);
        Assert.Contains("over the limit", result.Errors);
    }

    [SkippableFact]
    public async Task Registers_are_listed_in_order_by_prefix_and_page()
    {
        Skip.If(PostgresBinaries.SkipReason is not null, PostgresBinaries.SkipReason);
        string[] keys = ["list/a", "list/b\tc", "list/d", "list/é"];
        foreach (var key in keys)
        {
            Assert.Equal(0, (await postgres.RunAsync("put", key, "v")).ExitCode);
        }

        var all = await postgres.RunAsync("list", "--prefix", "list/");
        var two = await postgres.RunAsync("list", "--prefix", "list/", "--limit", "2", "--json");
        var rest = await postgres.RunAsync("list", "--prefix", "list/", "--after", two.Field("next")!, "--json");
        var none = await postgres.RunAsync("list", "--prefix", "list/nothing", "--json");

        Assert.Equal(0, all.ExitCode);
        Assert.Equal(
            ["list/a", @"list/b\tc", "list/d", "list/é"],
            all.Text.TrimEnd('\n').Split('\n').Select(line => line.Split('\t')[0]));
        Assert.All(all.Text.TrimEnd('\n').Split('\n'), line => Assert.True(ETag.TryParse(line.Split('\t')[1], out _)));
        Assert.Equal(("2", "list/b\tc"), (two.Field("count"), two.Field("next")));
        Assert.Equal(["list/d", "list/é"], KeysOf(rest));
        Assert.Equal(("0", "", "applied"), (none.Field("count"), none.Field("next"), none.Field("outcome")));
    }

    [SkippableFact]
    public async Task A_sealed_read_prints_the_value_or_that_there_is_none()
    {
        Skip.If(PostgresBinaries.SkipReason is not null, PostgresBinaries.SkipReason);

        var absent = await postgres.RunAsync("get", "direct/sealed", "--sealed", "--json");
        await postgres.RunAsync("put", "direct/sealed", "v");
        var present = await postgres.RunAsync("get", "direct/sealed", "--sealed");

        Assert.Equal((3, "absent"), (absent.ExitCode, absent.Field("outcome")));
        Assert.Equal((0, "v"), (present.ExitCode, present.Text));
    }

    [SkippableFact]
    public async Task A_retry_keeps_the_position_of_a_register_that_was_erased()
    {
        Skip.If(PostgresBinaries.SkipReason is not null, PostgresBinaries.SkipReason);
        const string erased = "5-00000000000000000000000000000000";

        // No quorum here knows that the register was erased, so whether an earlier try was applied does not show.
        var retry = await postgres.RunAsync(
            "incr", "direct/erased", "--operation-id", $"{Guid.NewGuid()}", "--since", erased, "--json");

        Assert.Equal((5, erased), (retry.ExitCode, retry.Field("since")));
    }

    [SkippableFact]
    public async Task The_databases_come_from_the_environment_as_well()
    {
        Skip.If(PostgresBinaries.SkipReason is not null, PostgresBinaries.SkipReason);
        var variables = new Dictionary<string, string>
        {
            ["CASPAXOS_DIRECT"] = string.Join('|', postgres.Cluster.ConnectionStrings),
        };

        var put = await CliProcess.RunAsync(["put", "direct/env", ""], variables: variables);
        var got = await CliProcess.RunAsync(["get", "direct/env", "--json", "--stale"], variables: variables);

        Assert.Equal(0, put.ExitCode);
        Assert.Equal(("True", ""), (got.Field("exists"), got.Field("value")));
    }

    [SkippableFact]
    public async Task The_status_shows_every_slot()
    {
        Skip.If(PostgresBinaries.SkipReason is not null, PostgresBinaries.SkipReason);

        var text = await postgres.RunAsync("status");
        var json = await postgres.RunAsync("status", "--json");

        Assert.Equal(0, text.ExitCode);
        Assert.Contains("quorum: yes", text.Text);
        Assert.Contains("SLOT  SERVES  EPOCH", text.Text);
        Assert.Equal("True", json.Field("quorum"));
        Assert.Equal(3, json.Json.GetProperty("slots").GetArrayLength());
        Assert.All(json.Json.GetProperty("slots").EnumerateArray(), slot =>
            Assert.True(slot.GetProperty("serves").GetBoolean()));
    }

    [SkippableTheory]
    [InlineData("put")]
    [InlineData("get")]
    [InlineData("incr")]
    public async Task The_bench_measures_every_operation(string operation)
    {
        Skip.If(PostgresBinaries.SkipReason is not null, PostgresBinaries.SkipReason);

        var result = await postgres.RunAsync(
            "bench", "--operation", operation, "--seconds", "1", "--registers", "8", "--concurrency", "4", "--json");

        Assert.True(result.ExitCode == 0, result.ToString());
        Assert.True(result.Json.GetProperty("operationsPerSecond").GetDouble() > 1, result.Text);
        Assert.Equal("0", result.Field("failed"));
        Assert.True(result.Json.GetProperty("latencyMilliseconds").GetProperty("p99").GetDouble() > 0, result.Text);
        Assert.Contains("op/s", result.Errors);
    }

    private static IEnumerable<string?> KeysOf(CliResult result) =>
        result.Json.GetProperty("registers").EnumerateArray().Select(each => each.GetProperty("key").GetString());
}
