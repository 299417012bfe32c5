using CasPaxos.Postgres;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Npgsql;

namespace CasPaxos.Orleans.Clustering.Tests;

/// <summary>The ways from options to databases, and what is said of those that lead nowhere.</summary>
public sealed class DatabaseReferenceTests
{
    private static readonly NpgsqlDataSource Source = NpgsqlDataSource.Create("Host=key;Password=hunter2");

    [Fact]
    public void Strings_names_and_keys_lead_to_the_databases_of_the_slots()
    {
        using var services = Services(("ConnectionStrings:a", "Host=name"));

        var strings = Find(services, options => options.ConnectionStrings.Add("Host=string"));
        var names = Find(services, options => options.ConnectionNames.Add("a"));
        var keys = Find(services, options => options.ServiceKeys.Add("k"));

        Assert.Equal("Host=string", Assert.Single(strings).ConnectionString);
        Assert.Equal("Host=name", Assert.Single(names).ConnectionString);
        Assert.Same(Source, Assert.Single(keys).DataSource);
    }

    [Fact]
    public void A_name_or_a_key_that_leads_nowhere_is_named_with_what_to_set()
    {
        using var services = Services(("ConnectionStrings:a", "Host=name"));

        var names = Problems(services, options =>
        {
            options.ConnectionNames.Add("a");
            options.ConnectionNames.Add("missing");
            options.ConnectionNames.Add(" ");
        });
        var keys = Problems(services, options => options.ServiceKeys.Add("missing"));

        Assert.Collection(
            names,
            missing => Assert.Equal(
                "Property ConnectionNames:1: there is no connection string named 'missing': set " +
                "ConnectionStrings:missing in the configuration.",
                missing),
            empty => Assert.Equal("Property ConnectionNames:2: is empty.", empty));
        Assert.Contains(
            "Property ServiceKeys:0: there is no NpgsqlDataSource with the key 'missing'",
            Assert.Single(keys),
            StringComparison.Ordinal);
    }

    [Fact]
    public void Two_ways_at_once_and_too_many_databases_are_refused()
    {
        using var services = Services(("ConnectionStrings:a", "Host=name"));

        var both = Problems(services, options =>
        {
            options.ConnectionNames.Add("a");
            options.ServiceKeys.Add("k");
        });
        var many = Problems(services, options =>
        {
            for (var i = 0; i < 10; i++)
            {
                options.ServiceKeys.Add("k");
            }
        });

        Assert.StartsWith("ConnectionNames and ServiceKeys are set", Assert.Single(both), StringComparison.Ordinal);
        Assert.StartsWith("Property ServiceKeys: there are 10", Assert.Single(many), StringComparison.Ordinal);
    }

    [Fact]
    public void What_an_acceptor_cannot_use_is_named_without_its_secrets()
    {
        using var services = Services(("ConnectionStrings:a", "Host=a,b;Password=hunter2"));

        var names = Problems(services, options => options.ConnectionNames.Add("a"));
        var strings = Problems(services, options => options.ConnectionStrings.Add("Hst=a;Password=hunter2"));

        Assert.Contains("exactly one host", Assert.Single(names), StringComparison.Ordinal);
        Assert.Contains("cannot be read", Assert.Single(strings), StringComparison.Ordinal);
        Assert.All([.. names, .. strings], problem =>
        {
            Assert.DoesNotContain("hunter2", problem, StringComparison.Ordinal);
            Assert.DoesNotContain("Parameter", problem, StringComparison.Ordinal);
        });
    }

    [Fact]
    public void A_slot_of_the_service_has_exactly_one_place()
    {
        using var services = Services(("ConnectionStrings:a", "Host=name"));
        var options = new CasPaxosOptions();
        options.Slots.Add(new CasPaxosSlotOptions { ConnectionName = "a" });
        options.Slots.Add(new CasPaxosSlotOptions { ServiceKey = "k" });
        options.Slots.Add(new CasPaxosSlotOptions { ServiceKey = "k", ConnectionString = "Host=b" });
        options.Slots.Add(new CasPaxosSlotOptions { ConnectionName = "missing" });
        options.Slots.Add(new CasPaxosSlotOptions());

        var problems = new CasPaxosOptionsValidator(services).Validate(null, options).Failures!;

        Assert.Collection(
            problems,
            two => Assert.StartsWith("Property Slots:2: has 2 places", two, StringComparison.Ordinal),
            missing => Assert.StartsWith(
                "Property Slots:3:ConnectionName: there is no connection string named 'missing'",
                missing,
                StringComparison.Ordinal),
            none => Assert.StartsWith("Property Slots:4: has 0 places", none, StringComparison.Ordinal));
    }

    [Theory] // As Orleans' own providers have them.
    [InlineData("ConnectionString", "Host=name")]
    [InlineData("ConnectionName", "a")]
    [InlineData("ServiceKey", "k")]
    public void A_section_may_name_the_database_of_a_cluster_of_one_slot(string setting, string text)
    {
        using var host = OptionsTests.Silo(
            new()
            {
                ["Orleans:Clustering:ProviderType"] = "CasPaxos",
                [$"Orleans:Clustering:{setting}"] = text,
                ["Orleans:Reminders:ProviderType"] = "CasPaxos",
                [$"Orleans:Reminders:{setting}"] = text,
                ["Orleans:GrainStorage:Default:ProviderType"] = "CasPaxos",
                [$"Orleans:GrainStorage:Default:{setting}"] = text,
                ["ConnectionStrings:a"] = "Host=name",
            },
            silo => silo.Services.AddKeyedSingleton("k", Source));

        PassiveDatabasesOptions[] all =
        [
            host.Services.GetRequiredService<IOptions<CasPaxosClusteringOptions>>().Value,
            host.Services.GetRequiredService<IOptions<CasPaxosReminderOptions>>().Value,
            host.Services.GetRequiredService<IOptionsMonitor<CasPaxosGrainStorageOptions>>().Get("Default"),
        ];

        Assert.All(all, options =>
        {
            var database = Assert.Single(options.FindDatabases(host.Services));
            Assert.Equal(setting == "ServiceKey" ? null : "Host=name", database.ConnectionString);
            Assert.Equal(setting == "ServiceKey" ? Source : null, database.DataSource);
        });
    }

    [Fact]
    public async Task A_section_with_one_key_and_a_list_of_keys_is_refused()
    {
        using var host = OptionsTests.Silo(
            new()
            {
                ["Orleans:Clustering:ProviderType"] = "CasPaxos",
                ["Orleans:Clustering:ServiceKey"] = "k",
                ["Orleans:Clustering:ServiceKeys:0"] = "k",
            },
            silo => silo.Services.AddKeyedSingleton("k", Source));

        var failure = await Assert.ThrowsAsync<OrleansConfigurationException>(() => host.StartAsync());

        Assert.Contains(
            "Orleans:Clustering:ServiceKey and Orleans:Clustering:ServiceKeys",
            failure.Message,
            StringComparison.Ordinal);
    }

    private static ServiceProvider Services(params (string Key, string Value)[] settings) => new ServiceCollection()
        .AddSingleton<IConfiguration>(new ConfigurationBuilder()
            .AddInMemoryCollection(settings.Select(setting => KeyValuePair.Create(setting.Key, (string?)setting.Value)))
            .Build())
        .AddKeyedSingleton("k", Source)
        .BuildServiceProvider();

    private static IReadOnlyList<SlotDatabase> Find(
        IServiceProvider services, Action<CasPaxosClusteringOptions> configure)
    {
        var options = new CasPaxosClusteringOptions();
        configure(options);
        return options.FindDatabases(services);
    }

    private static List<string> Problems(IServiceProvider services, Action<CasPaxosClusteringOptions> configure)
    {
        var options = new CasPaxosClusteringOptions();
        configure(options);
        var errors = new ValidateOptionsResultBuilder();
        options.Check(errors, services);
        return [.. errors.Build().Failures ?? []];
    }
}
