using System.Reflection;
using CasPaxos.Registers;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using Orleans.Messaging;
using Orleans.Storage;

namespace CasPaxos.Orleans.Clustering.Tests;

/// <summary>What users of Orleans' own providers take for granted.</summary>
[Collection(DatabasesCollection.Name)]
public sealed class ProviderConventionTests(RegisterDatabases databases)
{
    private const string Secret = "Host=nowhere;Password=hunter2";

    private static readonly Type[] AllOptions =
    [
        typeof(CasPaxosClusteringOptions), typeof(CasPaxosReminderOptions), typeof(CasPaxosGrainStorageOptions),
        typeof(CasPaxosOptions), typeof(CasPaxosSlotOptions), typeof(GrainRegisterClientOptions),
    ];

    [Fact]
    public void Options_are_logged_without_passwords()
    {
        using var silo = OptionsTests.Silo([], builder => AddAll(builder, Secret));
        using var client = OptionsTests.Client([], builder => builder
            .UseCasPaxosClustering(options => options.ConnectionStrings.Add(Secret))
            .AddCasPaxos());

        var ofSilo = Formatted(silo);
        var ofClient = Formatted(client);

        Assert.Equal(
            [
                "CasPaxos.Orleans.CasPaxosClusteringOptions", "CasPaxos.Orleans.CasPaxosGrainStorageOptions-Default",
                "CasPaxos.Orleans.CasPaxosGrainStorageOptions-named", "CasPaxos.Orleans.CasPaxosOptions",
                "CasPaxos.Orleans.CasPaxosReminderOptions",
            ],
            ofSilo.Keys.Order(StringComparer.Ordinal));
        Assert.Equal(
            ["CasPaxos.Orleans.CasPaxosClusteringOptions", "CasPaxos.Orleans.GrainRegisterClientOptions"],
            ofClient.Keys.Order(StringComparer.Ordinal));
        Assert.All([.. ofSilo.Values, .. ofClient.Values], text =>
        {
            Assert.Contains("Timeout: 00:00:05", text, StringComparison.Ordinal);
            Assert.DoesNotContain("hunter2", text, StringComparison.Ordinal);
        });
    }

    [Fact]
    public void Every_option_that_may_hold_a_secret_says_so()
    {
        var secrets = AllOptions.SelectMany(options => options.GetProperties())
            .Where(property => property.Name.Contains("ConnectionString", StringComparison.Ordinal)).ToList();

        Assert.Equal(4, secrets.Count);
        Assert.All(secrets, secret => Assert.NotNull(secret.GetCustomAttribute<RedactAttribute>(inherit: true)));
    }

    [Fact] // Whoever names a method of the one kind finds the other two.
    public void Every_method_takes_options_and_their_builder()
    {
        Type[] places =
        [
            typeof(CasPaxosClusteringExtensions), typeof(CasPaxosReminderExtensions),
            typeof(CasPaxosGrainStorageSiloBuilderExtensions), typeof(CasPaxosGrainStorageServiceCollectionExtensions),
            typeof(CasPaxosSiloBuilderExtensions), typeof(CasPaxosClientBuilderExtensions),
        ];
        var methods = places.SelectMany(place => place.GetMethods(BindingFlags.Public | BindingFlags.Static))
            .Where(method => method.Name != nameof(CasPaxosSiloBuilderExtensions.UseGatewayGuard)) // Has no options.
            .GroupBy(method => (method.DeclaringType, method.Name, method.GetParameters()[0].ParameterType));

        Assert.All(methods, overloads =>
        {
            var kinds = overloads.Select(method => method.GetParameters()[^1].ParameterType)
                .Where(type => type.IsGenericType).Select(type => type.GetGenericArguments()[0].IsGenericType);
            Assert.Equal([false, true], kinds.Order());
        });
    }

    [Fact]
    public void Options_may_need_services_and_the_methods_of_the_services_do_the_same()
    {
        using var host = OptionsTests.Silo([], silo =>
        {
            silo.Services.AddSingleton("Host=of a service");
            silo.UseCasPaxosClustering(builder => builder.Configure<string>(
                (options, text) => options.ConnectionStrings.Add(text)));
            silo.Services.UseCasPaxosReminders(builder => builder.Configure<string>(
                (options, text) => options.ConnectionStrings.Add(text)));
            silo.Services.AddCasPaxosGrainStorageAsDefault(builder => builder.Configure<string>(
                (options, text) => options.ConnectionStrings.Add(text)));
            silo.AddCasPaxos(builder => builder.Configure<string>(
                (options, text) => options.Slots.Add(new CasPaxosSlotOptions { ConnectionString = text })));
        });

        string?[] found =
        [
            .. host.Services.GetRequiredService<IOptions<CasPaxosClusteringOptions>>().Value.ConnectionStrings,
            .. host.Services.GetRequiredService<IOptions<CasPaxosReminderOptions>>().Value.ConnectionStrings,
            .. host.Services.GetRequiredService<IOptionsMonitor<CasPaxosGrainStorageOptions>>().Get("Default")
                .ConnectionStrings,
            host.Services.GetRequiredService<IOptions<CasPaxosOptions>>().Value.Slots[0].ConnectionString,
        ];

        Assert.Equal(Enumerable.Repeat("Host=of a service", 4), found);
        Assert.IsType<CasPaxosReminderTable>(host.Services.GetRequiredService<IReminderTable>());
        Assert.IsType<CasPaxosGrainStorage>(host.Services.GetRequiredService<IGrainStorage>());
    }

    [Fact]
    public void What_was_made_and_never_started_is_disposed_of_synchronously()
    {
        var silo = OptionsTests.Silo([], builder => AddAll(builder, "Host=nowhere"));
        var client = OptionsTests.Client([], builder => builder
            .UseCasPaxosClustering(options => options.ConnectionStrings.Add("Host=nowhere")));
        silo.Services.GetRequiredService<IMembershipTable>();
        silo.Services.GetRequiredService<IReminderTable>();
        silo.Services.GetRequiredService<IGrainStorage>();
        silo.Services.GetRequiredKeyedService<IGrainStorage>("named");
        silo.Services.GetRequiredService<SlotStores>();
        silo.Services.GetRequiredService<IRegisterClient>();
        client.Services.GetRequiredService<IGatewayListProvider>();

        ((IDisposable)silo.Services).Dispose();
        ((IDisposable)silo.Services).Dispose();
        ((IDisposable)client.Services).Dispose();
    }

    [SkippableTheory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_silo_and_its_client_are_disposed_of_synchronously(bool stopped)
    {
        RegisterDatabases.Need();
        var name = Make.Name();
        var (silo, client) = await ProviderHosts.StartAsync(databases.Postgres.ConnectionStrings, name);
        if (stopped)
        {
            await client.StopAsync();
            await silo.StopAsync();
        }

        ((IDisposable)client.Services).Dispose();
        silo.Dispose(); // Not its services: Orleans itself has some, once they were used, that are async only.
    }

    [Fact]
    public void Nothing_here_can_be_disposed_of_asynchronously_only()
    {
        var types = AllOptions.Select(options => options.Assembly).Distinct()
            .SelectMany(assembly => assembly.GetTypes())
            .Where(type => type.IsAssignableTo(typeof(IAsyncDisposable))).ToList();

        Assert.NotEmpty(types);
        Assert.All(types, type => Assert.True(type.IsAssignableTo(typeof(IDisposable)), type.FullName));
    }

    private static void AddAll(ISiloBuilder silo, string database)
    {
        silo.UseCasPaxosClustering(options => options.ConnectionStrings.Add(database));
        silo.UseCasPaxosReminders(options => options.ConnectionStrings.Add(database));
        silo.AddCasPaxosGrainStorageAsDefault(options => options.ConnectionStrings.Add(database));
        silo.AddCasPaxosGrainStorage("named", options => options.ConnectionStrings.Add(database));
        silo.AddCasPaxos(options => options.Slots.Add(new CasPaxosSlotOptions { ConnectionString = database }));
        silo.AddCasPaxos(options => options.Slot = 0); // Options on top: no second line in the log.
    }

    /// <summary>What Orleans logs of this project's options when a host starts.</summary>
    private static Dictionary<string, string> Formatted(IHost host) => host.Services.GetServices<IOptionFormatter>()
        .Where(formatter => formatter.Name.StartsWith("CasPaxos", StringComparison.Ordinal))
        .ToDictionary(formatter => formatter.Name, formatter => string.Join('\n', formatter.Format()));
}
