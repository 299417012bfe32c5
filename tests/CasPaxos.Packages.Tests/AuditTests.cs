using System.Diagnostics;
using CasPaxos.Testing;

namespace CasPaxos.Packages.Tests;

/// <summary>What <c>scripts/audit.sh</c> says of an application, by advisories that the test serves.</summary>
public sealed class AuditTests : IDisposable
{
    private const int Clean = 0;
    private const int Vulnerable = 1;
    private const int NotAudited = 3;

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("caspaxos-audit-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task A_transitive_package_with_an_advisory_is_named_and_fails_the_audit()
    {
        await using var server = new AdvisoryServer(Advisory("xunit.assert", severity: 0));

        var (status, printed) = await AuditAsync(server.Index);

        Assert.True(status == Vulnerable, printed);
        Assert.Contains("xunit.assert", printed);
        Assert.Contains("https://example.org/advisory", printed);
    }

    [Fact]
    public async Task An_advisory_of_other_versions_is_no_finding()
    {
        await using var server = new AdvisoryServer(Advisory("xunit.assert", severity: 3, versions: "(, 1.0.0)"));

        var (status, printed) = await AuditAsync(server.Index);

        Assert.True(status == Clean, printed);
        Assert.Contains("1 of 1", printed);
    }

    [Fact]
    public async Task A_source_of_advisories_that_does_not_answer_is_told_in_one_line()
    {
        var (status, printed) = await AuditAsync($"http://127.0.0.1:{PackageFeed.FreePort()}/index.json");

        Assert.True(status == NotAudited, printed);
        Assert.Contains("NU1900", printed);
        Assert.Single(printed.TrimEnd().Split('\n'));
    }

    [Fact]
    public async Task A_source_without_advisories_is_told_in_one_line()
    {
        await using var server = new AdvisoryServer(advisories: null);

        var (status, printed) = await AuditAsync(server.Index);

        Assert.True(status == NotAudited, printed);
        Assert.Contains("not audited", printed);
        Assert.Single(printed.TrimEnd().Split('\n'));
    }

    [Fact]
    public async Task Package_sources_of_which_none_has_advisories_are_told_in_one_line()
    {
        await using var server = new AdvisoryServer(advisories: null);

        var (status, printed) = await AuditAsync(server.Index, "packageSources");

        Assert.True(status == NotAudited, printed);
        Assert.Contains("no package source offers advisories", printed);
        Assert.Single(printed.TrimEnd().Split('\n'));
    }

    private static string Advisory(string package, int severity, string versions = "(, 99.0.0)") =>
        $$"""
        { "{{package}}": [
            { "url": "https://example.org/advisory", "severity": {{severity}}, "versions": "{{versions}}" } ] }
        """;

    /// <summary>Audits an application that refers to xunit, which is restored already: this test uses it.</summary>
    private async Task<(int Status, string Printed)> AuditAsync(string source, string kind = "auditSources")
    {
        var project = Path.Combine(_folder.FullName, "Audited.csproj");
        await File.WriteAllTextAsync(project, $"""
            <Project Sdk="Microsoft.NET.Sdk">
              <PropertyGroup><TargetFramework>net10.0</TargetFramework></PropertyGroup>
              <ItemGroup><PackageReference Include="xunit" Version="{XunitVersion()}" /></ItemGroup>
            </Project>
            """);
        await File.WriteAllTextAsync(Path.Combine(_folder.FullName, "nuget.config"), $"""
            <configuration>
              <{kind}><clear /><add key="test" value="{source}" allowInsecureConnections="true" /></{kind}>
            </configuration>
            """);
        var start = new ProcessStartInfo(Checkout.PathOf("scripts", "audit.sh"), [project])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };

        // No build server that outlives the test, and no answer of another test's server on the same port.
        start.Environment["MSBUILDDISABLENODEREUSE"] = "1";
        start.Environment["NUGET_HTTP_CACHE_PATH"] = Path.Combine(_folder.FullName, "http");
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync();
        var errors = process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync().WaitAsync(TimeSpan.FromMinutes(3));
        return (process.ExitCode, await output + await errors);
    }

    private static string XunitVersion()
    {
        var pin = File.ReadLines(Checkout.PathOf("Directory.Packages.props"))
            .Single(line => line.Contains("\"xunit\"", StringComparison.Ordinal));
        return pin.Split('"')[3];
    }
}
