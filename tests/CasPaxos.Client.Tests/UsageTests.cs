
namespace CasPaxos.Client.Tests;

/// <summary>What can be said without any server.</summary>
public sealed class UsageTests
{
    private static readonly string[] Commands =
    [
        "get", "put", "create", "cas", "delete", "incr", "append", "list", "status", "context", "bench",
        "import-adonet",
    ];

    [Fact]
    public async Task The_help_names_every_command_the_exit_codes_and_examples()
    {
        var help = await CliProcess.RunAsync(["--help"]);

        Assert.Equal(0, help.ExitCode);
        Assert.All(Commands, command => Assert.Contains($"  {command} ", help.Text));
        Assert.Contains("Exit codes:", help.Text);
        Assert.Contains("Examples:", help.Text);
        Assert.DoesNotContain("caspaxos-cli", help.Text);
    }

    [Theory]
    [InlineData("get", "--stale")]
    [InlineData("get", "--sealed")]
    [InlineData("put", "--stdin")]
    [InlineData("cas", "--etag")]
    [InlineData("delete", "--etag")]
    [InlineData("list", "--after")]
    [InlineData("status", "--gateway")]
    [InlineData("context", "--json")]
    [InlineData("bench", "--value-bytes")]
    [InlineData("import-adonet", "--skip-unmapped")]
    public async Task Every_command_has_a_help_with_its_options_and_examples(string command, string option)
    {
        var help = await CliProcess.RunAsync([command, "--help"]);

        Assert.Equal(0, help.ExitCode);
        Assert.Contains(option, help.Text);
        Assert.Contains($"  caspaxos {command} ", help.Text.Replace($"{command}\n", $"{command} \n"));
        Assert.Contains("Exit codes:", help.Text);
        Assert.Contains("CASPAXOS_GATEWAYS", help.Text);
    }

    [Theory]
    [InlineData("There is no command gett", "gett", "k")]
    [InlineData("Required command", "--json")]
    [InlineData("Required argument 'KEY' missing", "get")]
    [InlineData("no option --stlae", "get", "--stlae", "k")]
    [InlineData("no option --jsn", "put", "k", "--jsn")]
    [InlineData("--etag", "cas", "k", "v")]
    [InlineData("is no ETag", "cas", "k", "v", "--etag", "7")]
    [InlineData("whole number", "incr", "k", "much")]
    [InlineData("as a number", "get", "k", "--timeout", "soon")]
    [InlineData("at most 600", "get", "k", "--timeout", "0")]
    [InlineData("Give the value once", "put", "k")]
    [InlineData("Give the value once", "put", "k", "v", "--stdin")]
    [InlineData("cannot be read", "put", "k", "--file", "no/such/file")]
    [InlineData("is no operation id", "put", "k", "v", "--operation-id", "7")]
    [InlineData("give one of them", "get", "k", "--stale", "--sealed")]
    [InlineData("give the --operation-id", "put", "k", "v", "--since", "absent")]
    [InlineData("1 to 1024 bytes", "get", "")]
    [InlineData("HOST:PORT is needed", "get", "k", "--gateway", "silo1")]
    [InlineData("Only one of --gateway and --direct", "get", "k", "--gateway", "a:1", "--direct", "Host=b")]
    [InlineData("contradict", "get", "k", "--tls-insecure", "--tls-ca", "a.pem")]
    [InlineData("TLS file", "get", "k", "--tls-ca", "no/such/file")]
    [InlineData("1 or more", "list", "--limit", "0")]
    [InlineData("put", "bench", "--operation", "drop")]
    [InlineData("--concurrency is 1", "bench", "--concurrency", "0")]
    [InlineData("Say whose states", "import-adonet")]
    [InlineData("as cart=basket:string", "import-adonet", "--state", "cart=basket:text")]
    [InlineData("as cart=basket:string", "import-adonet", "--state", "cart=:string")]
    [InlineData("given twice", "import-adonet", "--state", "a=b:guid", "--state", "a=c:guid")]
    [InlineData("by --direct", "import-adonet", "--state", "a=b:guid")]
    [InlineData("--key-prefix is", "import-adonet", "--state", "a=b:guid", "--key-prefix", "a/b")]
    [InlineData("--value-bytes-max is", "import-adonet", "--state", "a=b:guid", "--value-bytes-max", "9")]
    [InlineData("Say where", "import-adonet", "--state", "a=b:guid", "--direct", "Host=a")]
    [InlineData(
        "of --from cannot be read", "import-adonet", "--state", "a=b:guid", "--direct", "Host=a", "--from",
        "Nonsense=1;Password=geheim")]
    [InlineData("cannot be read", "get", "k", "--clustering-connection", "Password=geheim;Port=none")]
    [InlineData("cannot be read", "get", "k", "--direct", "Nonsense=1;Password=geheim")]
    public async Task Wrong_usage_is_told_in_two_lines_and_ends_with_1(string message, params string[] arguments)
    {
        var result = await CliProcess.RunAsync(arguments);

        Assert.True(result.ExitCode == 1, result.ToString());
        Assert.Contains(message, result.Errors);
        Assert.InRange(result.Errors.Trim().Split('\n').Length, 1, 2);
        Assert.DoesNotContain("geheim", result.Errors);
        Assert.Equal("", result.Text);
    }

    [Theory]
    [InlineData("put", "k", "--tls-pasword", "geheim")]
    [InlineData("get", "k", "--dirct", "Host=x;Password=geheim")]
    [InlineData("get", "k", "--direct", "Host=127.0.0.1;Port=1;Username=u;Password=geheim")]
    [InlineData("get", "k", "--direct", "Host=127.0.0.1;Port=1;Username=u;Password='ge;heim'", "--verbose")]
    [InlineData("get", "k", "--clustering-connection", "Host=127.0.0.1;Port=1;Password=geheim", "--verbose")]
    [InlineData("get", "k", "--clustering-connection", "Host=127.0.0.1;Port=1;Username=u;Password=geheim", "--json")]
    public async Task Passwords_are_never_printed(params string[] arguments)
    {
        var result = await CliProcess.RunAsync(
            arguments, variables: new Dictionary<string, string> { ["CASPAXOS_TIMEOUT"] = "2" });

        Assert.True(result.ExitCode is 1 or 6, result.ToString());
        Assert.DoesNotContain("heim", result.Errors + result.Text);
        if (!arguments.Contains("--verbose"))
        {
            Assert.DoesNotContain("   at ", result.Errors); // No stack trace: those are for the logs.
        }
    }

    [Fact]
    public async Task Without_a_gateway_the_addresses_that_were_tried_are_told()
    {
        var result = await CliProcess.RunAsync(["get", "k", "--gateway", "127.0.0.1:1", "--gateway", "localhost:2"]);

        Assert.Equal(6, result.ExitCode);
        Assert.Contains("127.0.0.1:1", result.Errors);
        Assert.Contains("localhost:2", result.Errors);
        Assert.Contains("--gateway", result.Errors);
    }

    [Fact]
    public async Task Gateways_come_from_the_environment_and_failures_are_json_on_request()
    {
        var result = await CliProcess.RunAsync(
            ["get", "k", "--json"],
            variables: new Dictionary<string, string> { ["CASPAXOS_GATEWAYS"] = "127.0.0.1:3, 127.0.0.1:4" });

        Assert.Equal(6, result.ExitCode);
        Assert.Equal("failed", result.Field("outcome"));
        Assert.Equal("6", result.Field("exitCode"));
        Assert.Contains("127.0.0.1:4", result.Field("reason"));
    }

    [Fact]
    public async Task Interrupted_while_it_waits_for_input_it_says_that_nothing_was_changed()
    {
        using var process = CliProcess.Start(["put", "k", "--stdin"]);
        await process.FeedAsync();

        await process.InterruptAsync();
        var result = await process.EndAsync();

        Assert.Equal(130, result.ExitCode);
        Assert.Contains("Nothing was changed", result.Errors);
    }
}
