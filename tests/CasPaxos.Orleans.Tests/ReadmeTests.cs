using CasPaxos.Registers;
using CasPaxos.Testing;
using Orleans.TestingHost;

namespace CasPaxos.Orleans.Tests;

/// <summary>What the README shows compiles and runs.</summary>
public sealed class ReadmeTests
{
    [SkippableFact]
    public async Task The_samples_of_the_readme_run()
    {
        Skip.If(PostgresBinaries.SkipReason is not null, PostgresBinaries.SkipReason);
        await using var postgres = await PostgresTestCluster.StartAsync(
            server: new PostgresServerOptions { InMemory = true });
        var builder = new InProcessTestClusterBuilder(1);
        builder.ConfigureSilo((_, siloBuilder) => AddTo(siloBuilder, postgres.ConnectionStrings));
        builder.ConfigureClient(clientBuilder => clientBuilder.AddCasPaxos());
        await using var cluster = builder.Build();
        await cluster.DeployAsync();

        Assert.True(await UseAsync(cluster.Client));
    }

    [Fact]
    public void The_readme_shows_these_very_samples()
    {
        var readme = File.ReadAllText(Checkout.PathOf("README.md"));
        var source = File.ReadAllText(
            Checkout.PathOf("tests", "CasPaxos.Orleans.Tests", "ReadmeTests.cs"));

        foreach (var sample in (string[])["silo sample", "grain sample"])
        {
            var lines = Between(source, $"// <{sample}>\n", $"        // </{sample}>").Split('\n')
                .Select(line => line.Length > 8 ? line[8..] : line.Trim());
            Assert.Equal(
                string.Join('\n', lines).Trim(), Between(readme, $"<!-- {sample} -->\n```csharp\n", "```").Trim());
        }
    }

    private static void AddTo(ISiloBuilder siloBuilder, IReadOnlyList<string> connectionStrings)
    {
        // <silo sample>
        siloBuilder.AddCasPaxos(options =>
        {
            foreach (var database in connectionStrings) // One for each slot, the same on every silo, in the same order.
            {
                options.Slots.Add(new CasPaxosSlotOptions { ConnectionString = database });
            }

            options.Slot = 0; // Which slot's acceptors belong on this silo: its failure domain.
        });
        // </silo sample>
    }

    private static async Task<bool> UseAsync(IGrainFactory grainFactory)
    {
        // <grain sample>
        var basket = grainFactory.GetRegister<string[]>("basket/ada"); // Or a Guid, or an integer.
        var seen = await basket.ReadAsync();
        var attempt = await basket.TryWriteAsync([.. seen.Value ?? [], "pears"], expected: seen.ETag);

        var visits = await grainFactory.GetRegisterClient().IncrementAsync(new RegisterKey("visits"));
        // </grain sample>
        return attempt.Applied && visits is Outcome.Applied;
    }

    private static string Between(string text, string begin, string end)
    {
        var start = text.IndexOf(begin, StringComparison.Ordinal) + begin.Length;
        return text[start..text.IndexOf(end, start, StringComparison.Ordinal)];
    }
}
