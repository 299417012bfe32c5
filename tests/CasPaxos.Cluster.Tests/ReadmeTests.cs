using CasPaxos.Postgres;
using CasPaxos.Registers;
using CasPaxos.Testing;

namespace CasPaxos.Cluster.Tests;

/// <summary>What the README shows compiles and does what it says.</summary>
public sealed class ReadmeTests(ClusterFixture fixture) : IClassFixture<ClusterFixture>
{
    [SkippableFact]
    public async Task The_sample_of_the_readme_runs()
    {
        var connectionStrings = fixture.Cluster.ConnectionStrings;

        // <sample>
        await using var cluster = await PostgresCluster.OpenAsync(connectionStrings);
        var client = new RegisterClient(cluster.Configuration, cluster.Acceptors);

        var basket = client.Register<string[]>(new RegisterKey("basket/ada"));
        await basket.WriteAsync(["apples"]);
        var seen = await basket.ReadAsync();
        var attempt = await basket.TryWriteAsync([.. seen.Value!, "pears"], expected: seen.ETag);
        Console.WriteLine(attempt.Applied ? "added" : "somebody else changed it: " + attempt.Current.ETag);

        var visits = await client.IncrementAsync(new RegisterKey("visits"));
        // </sample>

        Assert.True(attempt.Applied);
        Assert.Equal(["apples", "pears"], (await basket.ReadAsync()).Value!);
        Assert.IsType<Outcome.Applied>(visits);
    }

    [Fact]
    public void The_readme_shows_this_very_sample()
    {
        var source = File.ReadAllText(Checkout.PathOf("tests", "CasPaxos.Cluster.Tests", "ReadmeTests.cs"));
        var readme = File.ReadAllText(Checkout.PathOf("README.md"));
        var sample = Between(source, "// <sample>\n", "        // </sample>")
            .Replace("\n        ", "\n", StringComparison.Ordinal);

        Assert.Equal(sample.Trim(), Between(readme, "<!-- sample -->\n```csharp\n", "```").Trim());
    }

    private static string Between(string text, string begin, string end)
    {
        var from = text.IndexOf(begin, StringComparison.Ordinal) + begin.Length;
        return text[from..text.IndexOf(end, from, StringComparison.Ordinal)];
    }
}
