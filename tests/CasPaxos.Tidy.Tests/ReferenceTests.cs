using System.Text.Json;
using System.Xml.Linq;

namespace CasPaxos.Tidy.Tests;

/// <summary>Dependencies point one way (design §3).</summary>
public sealed class ReferenceTests
{
    /// <summary>What each shipped project may refer to, and nothing else.</summary>
    private static readonly Dictionary<string, string[]> Allowed = new()
    {
        ["CasPaxos"] = [],
        ["CasPaxos.Registers"] = ["CasPaxos"],
        ["CasPaxos.Postgres"] = ["CasPaxos.Registers", "Npgsql"],
        ["CasPaxos.Orleans.Abstractions"] =
            ["CasPaxos.Registers", "Microsoft.Extensions.Diagnostics.HealthChecks", "Microsoft.Orleans.Sdk"],
        ["CasPaxos.Orleans"] =
        [
            "CasPaxos.Orleans.Abstractions",
            "CasPaxos.Orleans.Clustering",
            "CasPaxos.Postgres",
            "Microsoft.Orleans.Server",
        ],
        ["CasPaxos.Orleans.Clustering"] =
        [
            "CasPaxos.Orleans.Abstractions", "CasPaxos.Postgres", "Microsoft.Orleans.Runtime", "Microsoft.Orleans.Sdk",
        ],
        ["CasPaxos.Orleans.Reminders"] =
            ["CasPaxos.Orleans.Clustering", "Microsoft.Orleans.Reminders", "Microsoft.Orleans.Sdk"],
        ["CasPaxos.Orleans.GrainDirectory"] =
            ["CasPaxos.Orleans.Clustering", "Microsoft.Orleans.Runtime", "Microsoft.Orleans.Sdk"],
        ["CasPaxos.Orleans.AdoNet"] = ["CasPaxos.Orleans", "Microsoft.Orleans.Persistence.AdoNet", "Npgsql"],
    };

    [Fact]
    public void No_project_refers_to_one_that_the_design_does_not_draw()
    {
        var arrows = from project in Projects("src")
                     from reference in References(project)
                     where !Allowed[Path.GetFileNameWithoutExtension(project)].Contains(reference)
                     select $"{Path.GetFileNameWithoutExtension(project)} -> {reference}";

        Assert.Equal([], arrows);
    }

    [Fact]
    public void The_protocol_refers_to_nothing()
    {
        var protocol = Projects("src").Single(project => Path.GetFileNameWithoutExtension(project) == "CasPaxos");

        Assert.Equal([], References(protocol));
    }

    [Fact]
    public void The_checker_shares_no_code_with_what_it_judges()
    {
        var checker = Projects("tests")
            .Single(project => Path.GetFileNameWithoutExtension(project) == "CasPaxos.Checker");

        Assert.Equal([], References(checker));
    }

    [Fact]
    public void The_solution_and_its_filter_hold_every_project()
    {
        var projects = Repository.Files("*.csproj").Select(Repository.Relative)
            .Where(project => !project.Contains("/Consumers/", StringComparison.Ordinal)) // Built by a test.
            .ToHashSet();
        var solution = File.ReadLines(Path.Combine(Repository.Root, "CasPaxos.Orleans.sln"))
            .Where(line => line.Contains(".csproj", StringComparison.Ordinal))
            .Select(line => line.Split('"')[5].Replace('\\', '/')).ToHashSet();
        using var filter = JsonDocument.Parse(File.ReadAllText(Path.Combine(Repository.Root, "CasPaxos.slnf")));
        var filtered = filter.RootElement.GetProperty("solution").GetProperty("projects").EnumerateArray()
            .Select(project => project.GetString()!.Replace('\\', '/')).ToHashSet();

        Assert.Equal(projects.Order(), solution.Order());
        Assert.Equal(projects.Where(project => !NeedsOrleans(project)).Order(), filtered.Order());
    }

    /// <summary>Itself, or by what it refers to.</summary>
    private static bool NeedsOrleans(string project)
    {
        var references = References(Path.Combine(Repository.Root, project)).ToList();
        return references.Exists(reference => reference.StartsWith("Microsoft.Orleans.", StringComparison.Ordinal))
            || Repository.Files("*.csproj").Select(Repository.Relative)
                .Any(other => references.Contains(Path.GetFileNameWithoutExtension(other)) && NeedsOrleans(other));
    }

    private static IEnumerable<string> Projects(string folder) =>
        Repository.Files("*.csproj")
            .Where(file => Repository.Relative(file).StartsWith(folder + "/", StringComparison.Ordinal));

    /// <summary>Projects and packages, but for analyzers, which are not shipped along.</summary>
    private static IEnumerable<string> References(string project) =>
        from element in XDocument.Load(project).Descendants()
        where element.Name.LocalName is "ProjectReference" or "PackageReference"
        where element.Attribute("PrivateAssets")?.Value != "all"
        let include = element.Attribute("Include")!.Value
        select element.Name.LocalName == "ProjectReference" ? Path.GetFileNameWithoutExtension(include) : include;
}
