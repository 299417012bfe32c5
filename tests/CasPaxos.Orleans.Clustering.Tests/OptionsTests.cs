using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Orleans.Configuration;
using Orleans.Messaging;

namespace CasPaxos.Orleans.Clustering.Tests;

/// <summary>Settings from code and from a configuration, and what is said of wrong ones.</summary>
public sealed class OptionsTests
{
    private static readonly Dictionary<string, string?> Configured = new()
    {
        ["Orleans:ClusterId"] = "c",
        ["Orleans:ServiceId"] = "s",
        ["Orleans:Clustering:ProviderType"] = "CasPaxos",
        ["Orleans:Clustering:ConnectionStrings:0"] = "Host=a",
        ["Orleans:Clustering:ConnectionStrings:1"] = "Host=b",
        ["Orleans:Clustering:Timeout"] = "00:00:02",
        ["Orleans:Clustering:GatewayRefreshPeriod"] = "00:00:03",
    };

    [Fact]
    public async Task Every_wrong_setting_is_named_with_its_limit()
    {
        using var host = Silo([], silo => silo
            .UseCasPaxosClustering(options =>
            {
                options.ConnectionStrings.Add(" ");
                options.Timeout = TimeSpan.Zero;
                options.StartTimeout = TimeSpan.FromDays(1);
                options.ConnectionsMax = 0;
                options.GatewayRefreshPeriod = TimeSpan.FromDays(1);
            })
            .Configure<ClusterOptions>(cluster => cluster.ServiceId = new string('/', 400)));

        var failure = await Assert.ThrowsAsync<OrleansConfigurationException>(() => host.StartAsync());

        Assert.All(
            [
                "ConnectionStrings:0", "Timeout: 00:00:00 is outside 00:00:00.1", "StartTimeout", "ConnectionsMax",
                "GatewayRefreshPeriod", "ServiceId",
            ],
            part => Assert.Contains(part, failure.Message, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Missing_databases_are_named()
    {
        using var host = Silo([], silo => silo.UseCasPaxosClustering((CasPaxosClusteringOptions _) => { }));

        var failure = await Assert.ThrowsAsync<OrleansConfigurationException>(() => host.StartAsync());

        Assert.Contains("ConnectionStrings: there are 0", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_silo_is_configured_by_the_type_of_its_providers()
    {
        using var host = Silo(
            new(Configured)
            {
                ["Orleans:Reminders:ProviderType"] = "CasPaxos",
                ["Orleans:Reminders:ConnectionStrings:0"] = "Host=a",
            },
            _ => { });

        Assert.IsType<CasPaxosMembershipTable>(host.Services.GetRequiredService<IMembershipTable>());
        Assert.IsType<CasPaxosReminderTable>(host.Services.GetRequiredService<IReminderTable>());
        Check(host.Services);
    }

    [Fact]
    public void A_client_is_configured_by_the_type_of_its_provider()
    {
        using var host = Client(Configured, _ => { });

        var gateways = Assert.IsType<CasPaxosGatewayList>(host.Services.GetRequiredService<IGatewayListProvider>());
        Assert.Equal(TimeSpan.FromSeconds(3), gateways.MaxStaleness);
        Check(host.Services);
    }

    [Fact]
    public async Task Reminders_without_databases_need_the_register_service()
    {
        using var host = Silo([], silo => silo.UseLocalhostClustering().UseCasPaxosReminders());

        var failure = await Assert.ThrowsAsync<OrleansConfigurationException>(() => host.StartAsync());

        Assert.Contains("AddCasPaxos", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_silo_names_what_is_wrong_with_all_its_providers_at_once()
    {
        using var host = Silo([], silo => silo
            .UseCasPaxosClustering((CasPaxosClusteringOptions _) => { })
            .UseCasPaxosReminders(options => options.Timeout = TimeSpan.Zero)
            .AddCasPaxosGrainStorage("carts", options => options.KeyPrefix = "")
            .AddCasPaxos(options => options.Slots.Add(new CasPaxosSlotOptions { GrainStorage = "nowhere" })));

        var failure = await Assert.ThrowsAsync<OrleansConfigurationException>(() => host.StartAsync());

        Assert.All(
            [
                "CasPaxosClusteringOptions: Property ConnectionStrings: there are 0", "CasPaxosReminderOptions: ",
                "CasPaxosGrainStorageOptions 'carts': Property KeyPrefix", "no grain storage named 'nowhere'",
                "Slots:0:Incarnation",
            ],
            part => Assert.Contains(part, failure.Message, StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_client_names_its_wrong_settings_too()
    {
        using var host = Client([], client => client
            .UseCasPaxosClustering(options => options.Timeout = TimeSpan.Zero)
            .AddCasPaxos(options => options.ResendAfter = TimeSpan.Zero));

        var failure = await Assert.ThrowsAsync<OrleansConfigurationException>(() => host.StartAsync());

        Assert.All(
            ["ConnectionStrings: there are 0", "Timeout: 00:00:00", "ResendAfter: 00:00:00"],
            part => Assert.Contains(part, failure.Message, StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_value_of_another_type_is_named_with_its_path()
    {
        using var host = Silo(new(Configured) { ["Orleans:Clustering:Timeout"] = "soon" }, _ => { });

        var failure = await Assert.ThrowsAsync<OrleansConfigurationException>(() => host.StartAsync());

        Assert.Contains("Orleans:Clustering:Timeout", failure.Message, StringComparison.Ordinal);
    }

    private static void Check(IServiceProvider services)
    {
        var options = services.GetRequiredService<IOptions<CasPaxosClusteringOptions>>().Value;
        Assert.Equal(["Host=a", "Host=b"], options.ConnectionStrings);
        Assert.Equal(TimeSpan.FromSeconds(2), options.Timeout);
    }

    internal static IHost Client(Dictionary<string, string?> configuration, Action<IClientBuilder> configure)
    {
        var builder = Host.CreateApplicationBuilder();
        builder.Configuration.AddInMemoryCollection(configuration);
        builder.Logging.ClearProviders();
        builder.UseOrleansClient(configure);
        return builder.Build();
    }

    internal static IHost Silo(Dictionary<string, string?> configuration, Action<ISiloBuilder> configure)
    {
        var builder = Host.CreateApplicationBuilder();
        builder.Configuration.AddInMemoryCollection(configuration);
        builder.Logging.ClearProviders();
        builder.UseOrleans(configure);
        return builder.Build();
    }
}
