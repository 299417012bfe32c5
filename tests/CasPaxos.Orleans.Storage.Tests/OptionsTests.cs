using CasPaxos.Registers;
using CasPaxos.Testing;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Orleans.Storage;

namespace CasPaxos.Orleans.Storage.Tests;

/// <summary>Storages are added from code and from configuration, and wrong settings are named.</summary>
public sealed class OptionsTests
{
    [Fact]
    public async Task Every_wrong_setting_is_named_with_its_limit()
    {
        using var host = Build(silo => silo.AddCasPaxosGrainStorage("wrong", options =>
        {
            options.ConnectionStrings.Add(" ");
            options.KeyPrefix = "a/b";
            options.Timeout = TimeSpan.FromHours(1);
            options.ValueBytesMax = 0;
            options.ProposersMax = 0;
            options.StartTimeout = TimeSpan.FromSeconds(-1);
            options.TombstoneAge = TimeSpan.Zero;
            options.EraseInterval = TimeSpan.FromSeconds(-1);
        }));

        var failure = await Assert.ThrowsAsync<OrleansConfigurationException>(() => host.StartAsync());

        foreach (var name in (string[])
        [
            "ConnectionStrings:0", "KeyPrefix", "1 to 64", "Timeout", "00:10:00", "ValueBytesMax", "1024 to 67108864",
            "ProposersMax", "StartTimeout", "TombstoneAge", "EraseInterval", "below 0",
        ])
        {
            Assert.Contains(name, failure.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_silo_without_registers_and_databases_does_not_start_and_says_what_is_missing()
    {
        using var host = Build(silo => silo.AddCasPaxosGrainStorageAsDefault());

        var failure = await Assert.ThrowsAsync<OrleansConfigurationException>(() => host.StartAsync());

        Assert.Contains("AddCasPaxos", failure.Message, StringComparison.Ordinal);
        Assert.Contains("'Default'", failure.Message, StringComparison.Ordinal);
        Assert.Contains("ConnectionStrings", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Several_storages_come_from_configuration_and_from_code()
    {
        using var host = Build(
            silo => silo.AddCasPaxosGrainStorage("code", options => options.ConnectionStrings.Add("Host=c")),
            new()
            {
                ["Orleans:GrainStorage:Default:ProviderType"] = "CasPaxos",
                ["Orleans:GrainStorage:Default:ConnectionStrings:0"] = "Host=a",
                ["Orleans:GrainStorage:Default:ConnectionStrings:1"] = "Host=b",
                ["Orleans:GrainStorage:Default:DeleteStateOnClear"] = "true",
                ["Orleans:GrainStorage:Default:Timeout"] = "00:00:03",
                ["Orleans:GrainStorage:users:ProviderType"] = "CasPaxos",
                ["Orleans:GrainStorage:users:SerializerKey"] = "mine",
                ["Orleans:GrainStorage:users:KeyPrefix"] = "users",
                ["Orleans:GrainStorage:users:ConnectionStrings:0"] = "Host=d",
            },
            services => services.AddKeyedSingleton("mine", Storages.Serializer));

        var (first, users) = (OptionsOf(host, "Default"), OptionsOf(host, "users"));

        Assert.Equal(["Host=a", "Host=b"], first.ConnectionStrings);
        Assert.True(first.DeleteStateOnClear);
        Assert.Equal(TimeSpan.FromSeconds(3), first.Timeout);
        Assert.NotNull(first.GrainStorageSerializer);
        Assert.Same(Storages.Serializer, users.GrainStorageSerializer);
        Assert.Equal("users", users.KeyPrefix);
        Assert.Equal(["Host=c"], OptionsOf(host, "code").ConnectionStrings);
        var storages = (string[])["Default", "users", "code"];
        Assert.Equal(3, storages.Select(host.Services.GetRequiredKeyedService<IGrainStorage>).Distinct().Count());
        Assert.Same(
            host.Services.GetRequiredKeyedService<IGrainStorage>("Default"),
            host.Services.GetRequiredService<IGrainStorage>());
    }

    [Fact]
    public async Task Registers_of_the_silo_are_used_where_no_databases_are_named()
    {
        var cluster = new MemoryCluster();
        using var host = Build(
            silo => silo.AddCasPaxosGrainStorage("silo"),
            services: services => services.AddSingleton<IRegisterClient>(cluster.Client()));
        var storage = host.Services.GetRequiredKeyedService<IGrainStorage>("silo");

        await storage.WriteAsync(Storages.NewGrain(), Storages.NewState("one"));

        var listed = await cluster.Client().ListAsync("grains/service/test/");
        Assert.EndsWith("/state", Assert.Single(listed.Registers).Key.Text, StringComparison.Ordinal);
    }

    [Fact]
    public void The_page_names_every_setting()
    {
        var page = File.ReadAllText(Checkout.PathOf("docs", "grain-storage.md"));

        Assert.All(
            typeof(CasPaxosGrainStorageOptions).GetProperties(),
            setting => Assert.Contains($"`{setting.Name}", page, StringComparison.Ordinal));
    }

    private static CasPaxosGrainStorageOptions OptionsOf(IHost host, string name) =>
        host.Services.GetRequiredService<IOptionsMonitor<CasPaxosGrainStorageOptions>>().Get(name);

    private static IHost Build(
        Action<ISiloBuilder> configure,
        Dictionary<string, string?>? settings = null,
        Action<IServiceCollection>? services = null)
    {
        var builder = Host.CreateApplicationBuilder();
        builder.Logging.ClearProviders();
        builder.Configuration.AddInMemoryCollection(settings ?? []);
        builder.UseOrleans(silo =>
        {
            silo.UseLocalhostClustering(serviceId: "service");
            configure(silo);
            services?.Invoke(silo.Services);
        });
        return builder.Build();
    }
}
