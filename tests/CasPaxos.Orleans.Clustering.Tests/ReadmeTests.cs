using System.Net;
using CasPaxos.Testing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Orleans.Configuration;

namespace CasPaxos.Orleans.Clustering.Tests;

/// <summary>What the README and docs/getting-started.md show of an application compiles and runs.</summary>
[Collection(DatabasesCollection.Name)]
public sealed class ReadmeTests(RegisterDatabases databases)
{
    [SkippableFact]
    public async Task An_application_runs_on_the_lines_that_are_shown()
    {
        RegisterDatabases.Need();
        var name = Make.Name();
        using var silo = Build(builder => builder.UseOrleans(siloBuilder =>
        {
            siloBuilder.Configure<ClusterOptions>(options => options.ClusterId = options.ServiceId = name);
            siloBuilder.ConfigureEndpoints(IPAddress.Loopback, FreePorts.Next(), FreePorts.Next());
            AddTo(siloBuilder, [.. databases.Postgres.ConnectionStrings]);
        }));
        using var client = Build(builder => builder.UseOrleansClient(clientBuilder =>
        {
            clientBuilder.Configure<ClusterOptions>(options => options.ClusterId = options.ServiceId = name);
            AddTo(clientBuilder, [.. databases.Postgres.ConnectionStrings]);
        }));
        await silo.StartAsync();
        await client.StartAsync();

        var basket = client.Services.GetRequiredService<IClusterClient>().GetGrain<IBasketGrain>("ada");
        await basket.AddAsync("apples");
        await basket.AddAsync("pears");

        Assert.Equal(2, await basket.CountAsync());
        await client.StopAsync();
        await silo.StopAsync();
    }

    [Theory]
    [InlineData("README.md", "silo lines", "client lines")]
    [InlineData("docs/getting-started.md", "silo lines", "client lines", "grain lines")]
    public void The_pages_show_these_very_lines(string page, params string[] samples)
    {
        var text = File.ReadAllText(Checkout.PathOf(page));
        var source = File.ReadAllLines(
            Checkout.PathOf("tests", "CasPaxos.Orleans.Clustering.Tests", "ReadmeTests.cs"));
        foreach (var sample in samples)
        {
            var first = Array.FindIndex(source, line => line.EndsWith($"// <{sample}>", StringComparison.Ordinal));
            var last = Array.FindIndex(source, line => line.EndsWith($"// </{sample}>", StringComparison.Ordinal));
            var indent = source[first].IndexOf('/', StringComparison.Ordinal);
            var lines = source[(first + 1)..last].Select(line => line.Length > indent ? line[indent..] : "");
            Assert.Contains(string.Join('\n', lines), text, StringComparison.Ordinal);
        }
    }

    private static void AddTo(ISiloBuilder siloBuilder, List<string> databases)
    {
        // <silo lines>
        siloBuilder.UseCasPaxosClustering(options => databases.ForEach(options.ConnectionStrings.Add));
        siloBuilder.AddCasPaxosGrainStorageAsDefault(options => databases.ForEach(options.ConnectionStrings.Add));
        siloBuilder.UseCasPaxosReminders(options => databases.ForEach(options.ConnectionStrings.Add));
        // </silo lines>
    }

    private static void AddTo(IClientBuilder clientBuilder, List<string> databases)
    {
        // <client lines>
        clientBuilder.UseCasPaxosClustering(options => databases.ForEach(options.ConnectionStrings.Add));
        // </client lines>
    }

    private static IHost Build(Action<HostApplicationBuilder> configure)
    {
        var builder = Host.CreateApplicationBuilder();
        builder.Logging.ClearProviders();
        configure(builder);
        return builder.Build();
    }
}

/// <summary>A basket.</summary>
public interface IBasketGrain : IGrainWithStringKey
{
    /// <summary>Puts an item into it.</summary>
    Task AddAsync(string item);

    /// <summary>How many are in it.</summary>
    Task<int> CountAsync();
}

// <grain lines>
/// <summary>An ordinary grain with an ordinary persistent state.</summary>
public sealed class BasketGrain([PersistentState("basket")] IPersistentState<List<string>> basket)
    : Grain, IBasketGrain
{
    /// <inheritdoc/>
    public async Task AddAsync(string item)
    {
        basket.State.Add(item);
        try
        {
            await basket.WriteStateAsync();
        }
        catch
        {
            DeactivateOnIdle(); // Memory is ahead of what is stored: the next activation reads that.
            throw;
        }
    }

    /// <inheritdoc/>
    public Task<int> CountAsync() => Task.FromResult(basket.State.Count);
}
// </grain lines>
