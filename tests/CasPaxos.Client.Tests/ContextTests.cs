using System.Text.Json.Nodes;

namespace CasPaxos.Client.Tests;

/// <summary>
/// What the client makes of a context file. With one of a cluster that runs, CasPaxos.Docs.Tests tries it.
/// </summary>
public sealed class ContextTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("caspaxos-context-");

    private string Context => Path.Combine(_folder.FullName, "made", "context.json");

    public void Dispose() => _folder.Delete(recursive: true);

    [Theory]
    [InlineData("has version 2", """{ "version": 2, "cluster": "a" }""")]
    [InlineData("malformed", "{")]
    [InlineData("no version", "[]")]
    [InlineData("no version", """{ "version": "1" }""")]
    [InlineData("malformed", """{ "version": 1 }""")]
    public async Task A_context_file_of_an_unknown_format_is_refused_and_named(string reason, string text)
    {
        Write(text);

        var result = await RunAsync("get", "k");

        AssertTold(result, 1, reason, Context);
    }

    [Fact]
    public async Task A_field_that_is_not_known_is_refused()
    {
        var text = Running();
        text["zone"] = "north";
        Write(text.ToString());

        var result = await RunAsync("get", "k");

        AssertTold(result, 1, "malformed", "zone");
    }

    [Fact]
    public async Task A_gateway_of_the_context_file_that_does_not_listen_is_told_with_the_file()
    {
        Write(Running().ToString());

        var result = await RunAsync("get", "k");

        AssertTold(result, 6, "127.0.0.1:1:", Context);
    }

    [Fact]
    public async Task Another_process_with_the_same_id_is_not_the_cluster()
    {
        var text = Running();
        text["processMark"] = "earlier";
        Write(text.ToString());

        var result = await RunAsync("context");

        AssertTold(result, 6, "is gone", Context);
    }

    [Theory]
    [InlineData("--cluster-id", "mine")]
    [InlineData("--service-id", "mine")]
    public async Task Whoever_names_a_cluster_does_not_get_the_one_of_the_context_file(string option, string value)
    {
        Write(Running().ToString());

        var result = await RunAsync("context", option, value, "--json");

        Assert.Equal("default", result.Field("origin"));
        Assert.Equal("""["127.0.0.1:30000"]""", result.Field("gateways"));
        Assert.DoesNotContain("found", result.Text);
    }

    [Fact]
    public async Task The_databases_of_a_context_are_shown_without_their_passwords()
    {
        var result = await RunAsync("context", "--direct", "Host=a;Password=geheim");

        Assert.Contains("Host=a", result.Text);
        Assert.Contains("--direct", result.Text);
        Assert.DoesNotContain("geheim", result.Text);
    }

    /// <summary>A context of a process that is there: this one. Nobody listens at its gateway.</summary>
    private static JsonObject Running()
    {
        var stat = File.ReadAllText($"/proc/{Environment.ProcessId}/stat");
        var boot = File.ReadAllText("/proc/sys/kernel/random/boot_id").Trim();
        return new JsonObject
        {
            ["version"] = 1,
            ["processId"] = Environment.ProcessId,
            ["processMark"] = $"{boot}/{stat[(stat.LastIndexOf(')') + 2)..].Split(' ')[19]}",
            ["clusterId"] = "found",
            ["serviceId"] = "found",
            ["gateways"] = new JsonArray("127.0.0.1:1"),
            ["httpUrls"] = new JsonArray(),
        };
    }

    private static void AssertTold(CliResult result, int exitCode, params string[] words)
    {
        Assert.True(result.ExitCode == exitCode, result.ToString());
        Assert.All(words, word => Assert.Contains(word, result.Errors));
        Assert.InRange(result.Errors.Trim().Split('\n').Length, 1, 2);
    }

    private void Write(string text)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(Context)!);
        File.WriteAllText(Context, text);
    }

    private Task<CliResult> RunAsync(params string[] arguments) =>
        CliProcess.RunAsync(arguments, variables: new Dictionary<string, string> { ["CASPAXOS_CONTEXT"] = Context });
}
