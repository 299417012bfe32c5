using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Orleans.Configuration;
using Orleans.GrainDirectory;

namespace CasPaxos.Orleans.GrainDirectory.Tests;

/// <summary>Settings from code and from a configuration, and what is said of wrong ones.</summary>
public sealed class DirectoryOptionsTests
{
    [Fact]
    public async Task Every_wrong_setting_is_named_with_its_limit()
    {
        var failure = await RefusedAsync(silo => silo
            .AddCasPaxosGrainDirectory("mine", (CasPaxosGrainDirectoryOptions options) =>
            {
                options.ConnectionStrings.Add(" ");
                options.Timeout = TimeSpan.Zero;
                options.StartTimeout = TimeSpan.FromDays(1);
                options.ConnectionsMax = 0;
                options.TombstoneAge = TimeSpan.Zero;
                options.EraseInterval = TimeSpan.FromSeconds(-1);
            })
            .Configure<ClusterOptions>(cluster => cluster.ServiceId = new string('/', 200)));

        Assert.All(
            [
                "ConnectionStrings:0", "Timeout: 00:00:00 is outside 00:00:00.1", "StartTimeout", "ConnectionsMax",
                "TombstoneAge", "EraseInterval: -00:00:01 is below 0", "ServiceId", "'mine'", "at most 512",
            ],
            part => Assert.Contains(part, failure, StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_directory_without_databases_needs_the_register_service()
    {
        var failure = await RefusedAsync(silo => silo.UseCasPaxosGrainDirectoryAsDefault());

        Assert.Contains("AddCasPaxos", failure, StringComparison.Ordinal);
        Assert.Contains("'default'", failure, StringComparison.Ordinal);
    }

    [Fact]
    public void A_silo_is_configured_by_the_type_of_its_providers()
    {
        using var host = Silo(
            new()
            {
                ["Orleans:GrainDirectory:Default:ProviderType"] = "CasPaxos",
                ["Orleans:GrainDirectory:Default:ConnectionStrings:0"] = "Host=a",
                ["Orleans:GrainDirectory:more:ProviderType"] = "CasPaxos",
                ["Orleans:GrainDirectory:more:ConnectionStrings:0"] = "Host=b",
                ["Orleans:GrainDirectory:more:Timeout"] = "00:00:02",
            },
            silo => silo.UseLocalhostClustering());

        var options = host.Services.GetRequiredService<IOptionsMonitor<CasPaxosGrainDirectoryOptions>>();
        Assert.IsType<CasPaxosGrainDirectory>(host.Services.GetRequiredKeyedService<IGrainDirectory>(
            GrainDirectoryAttribute.DEFAULT_GRAIN_DIRECTORY));
        Assert.IsType<CasPaxosGrainDirectory>(host.Services.GetRequiredKeyedService<IGrainDirectory>("more"));
        Assert.Equal(["Host=a"], options.Get(GrainDirectoryAttribute.DEFAULT_GRAIN_DIRECTORY).ConnectionStrings);
        Assert.Equal(["Host=b"], options.Get("more").ConnectionStrings);
        Assert.Equal(TimeSpan.FromSeconds(2), options.Get("more").Timeout);
    }

    [Fact]
    public void Options_may_need_services()
    {
        using var host = Silo([], silo => silo
            .UseLocalhostClustering()
            .UseCasPaxosGrainDirectoryAsDefault(options => options.Configure<IConfiguration>(
                (directory, configuration) => directory.ConnectionStrings.Add(configuration["database"] ?? "Host=c"))));

        var options = host.Services.GetRequiredService<IOptionsMonitor<CasPaxosGrainDirectoryOptions>>();
        Assert.Equal(["Host=c"], options.Get(GrainDirectoryAttribute.DEFAULT_GRAIN_DIRECTORY).ConnectionStrings);
    }

    private static async Task<string> RefusedAsync(Action<ISiloBuilder> configure)
    {
        using var host = Silo([], silo => configure(silo.UseLocalhostClustering()));
        return (await Assert.ThrowsAsync<OrleansConfigurationException>(() => host.StartAsync())).Message;
    }

    private static IHost Silo(Dictionary<string, string?> configuration, Action<ISiloBuilder> configure)
    {
        var builder = Host.CreateApplicationBuilder();
        builder.Configuration.AddInMemoryCollection(configuration);
        builder.Logging.ClearProviders();
        builder.UseOrleans(configure);
        return builder.Build();
    }
}
