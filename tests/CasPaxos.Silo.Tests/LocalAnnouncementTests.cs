using System.Runtime.Versioning;
using System.Text.Json.Nodes;
using CasPaxos.Local;

namespace CasPaxos.Silo.Tests;

/// <summary>What a development cluster writes for clients, and what it leaves alone.</summary>
[UnsupportedOSPlatform("windows")]
public sealed class LocalAnnouncementTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("caspaxos-context-");

    private string File => Path.Combine(_folder.FullName, "context.json");

    private static LocalContext Mine { get; } =
        LocalContext.OfThisProcess("mine", "mine", ["127.0.0.1:30000"], ["http://127.0.0.1:8080/"]);

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public void A_context_that_was_written_is_read_as_it_was_and_removed_at_the_end()
    {
        var announcement = LocalAnnouncement.Make(File, Mine);

        var read = ContextFile.Read(File)!;
        var fields = JsonNode.Parse(System.IO.File.ReadAllText(File))!.AsObject().Select(field => field.Key).ToList();
        announcement.Withdraw();

        Assert.Equal(Mine.ToString(), (read with { Gateways = Mine.Gateways, HttpUrls = Mine.HttpUrls }).ToString());
        Assert.Equal(Mine.Gateways, read.Gateways);
        Assert.Equal(Mine.HttpUrls, read.HttpUrls);
        Assert.True(read.IsAlive);
        Assert.Equal(
            ["version", "processId", "processMark", "clusterId", "serviceId", "gateways", "httpUrls"], fields);
        Assert.Empty(_folder.EnumerateFileSystemInfos());
    }

    [Fact]
    public void The_context_of_another_cluster_that_runs_is_left_and_the_options_are_told()
    {
        ContextFile.Write(File, Mine with { ClusterId = "other" });

        var announcement = LocalAnnouncement.Make(File, Mine);

        Assert.Equal("other", ContextFile.Read(File)!.ClusterId);
        Assert.Contains(File, announcement.Text);
        Assert.Contains("--cluster-id mine --service-id mine --gateway 127.0.0.1:30000", announcement.Text);
    }

    [Fact]
    public void The_context_of_a_cluster_that_is_gone_is_replaced()
    {
        ContextFile.Write(File, Mine with { ClusterId = "other", ProcessMark = "earlier" });

        LocalAnnouncement.Make(File, Mine);

        Assert.Equal("mine", ContextFile.Read(File)!.ClusterId);
    }

    [Fact]
    public void A_context_that_another_cluster_has_written_meanwhile_is_not_removed()
    {
        var announcement = LocalAnnouncement.Make(File, Mine);
        ContextFile.Write(File, Mine with { ProcessMark = "later" });

        announcement.Withdraw();

        Assert.Equal("later", ContextFile.Read(File)!.ProcessMark);
    }

    [Theory]
    [InlineData("""{ "version": 2 }""", "version 2")]
    [InlineData("nonsense", "malformed")]
    public void A_file_of_an_unknown_format_is_left_and_told(string text, string reason)
    {
        System.IO.File.WriteAllText(File, text);

        var announcement = LocalAnnouncement.Make(File, Mine);
        announcement.Withdraw();

        Assert.Contains(reason, announcement.Text);
        Assert.Contains("--gateway", announcement.Text);
        Assert.Equal(text, System.IO.File.ReadAllText(File));
    }

    [Fact]
    public void Where_the_file_cannot_be_written_the_options_are_told()
    {
        System.IO.File.WriteAllText(File, "a file, and no folder");

        var announcement = LocalAnnouncement.Make(Path.Combine(File, "context.json"), Mine);

        Assert.Contains("cannot be", announcement.Text);
        Assert.Contains("--gateway", announcement.Text);
    }

    [Fact]
    public void Without_a_home_folder_the_options_are_told()
    {
        var announcement = LocalAnnouncement.Make(path: null, Mine);
        announcement.Withdraw();

        Assert.Contains("CASPAXOS_CONTEXT", announcement.Text);
        Assert.Contains("--gateway", announcement.Text);
    }
}
