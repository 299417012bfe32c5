using System.IO.Compression;
using System.Xml.Linq;
using CasPaxos.Testing;

namespace CasPaxos.Packages.Tests;

/// <summary>The libraries as packages: what is in them, and that an application that has nothing else runs.</summary>
public sealed class PackageTests(PackageFeed feed) : IClassFixture<PackageFeed>
{
    [Fact]
    public void A_package_has_what_its_users_and_their_tools_look_for()
    {
        Assert.NotEmpty(feed.Packages);
        foreach (var package in feed.Packages)
        {
            using var archive = ZipFile.OpenRead(package);
            var files = archive.Entries.Select(entry => entry.FullName).ToHashSet();
            var name = Path.GetFileName(package)[..^$".{PackageFeed.Version}.nupkg".Length];
            Assert.Contains("README.md", files);
            Assert.Contains($"lib/net10.0/{name}.dll", files);
            Assert.Contains($"lib/net10.0/{name}.xml", files);
            Assert.True(File.Exists(Path.ChangeExtension(package, ".snupkg")), $"{name} has no symbols");

            using var nuspec = archive.GetEntry($"{name}.nuspec")!.Open();
            var metadata = XDocument.Load(nuspec).Root!.Elements()
                .Single(element => element.Name.LocalName == "metadata");
            Assert.Equal("MIT", Value(metadata, "license"));
            Assert.Equal("README.md", Value(metadata, "readme"));
            Assert.NotEmpty(Value(metadata, "description"));
            Assert.DoesNotContain("Package Description", Value(metadata, "description"), StringComparison.Ordinal);
        }
    }

    [SkippableFact]
    public async Task An_application_with_the_package_of_PostgreSQL_runs_a_register()
    {
        Skip.If(PostgresBinaries.SkipReason is not null, PostgresBinaries.SkipReason);
        await using var postgres = await PostgresTestCluster.StartAsync();

        var printed = await feed.RunAsync("Postgres", [.. postgres.ConnectionStrings]);

        Assert.Equal("visits 42, swapped True", printed);
    }

    [SkippableFact]
    public async Task An_application_with_the_package_of_Orleans_runs_a_register()
    {
        Skip.If(PostgresBinaries.SkipReason is not null, PostgresBinaries.SkipReason);
        Skip.IfNot(feed.HasOrleans, "Only CasPaxos.slnf is built, so there is no package for Orleans.");
        await using var postgres = await PostgresTestCluster.StartAsync();

        var printed = await feed.RunAsync(
            "Orleans", [PackageFeed.FreePort(), PackageFeed.FreePort(), .. postgres.ConnectionStrings]);

        Assert.Equal("visits 42, swapped True", printed);
    }

    private static string Value(XElement metadata, string name) =>
        metadata.Elements().SingleOrDefault(element => element.Name.LocalName == name)?.Value ?? "";
}
