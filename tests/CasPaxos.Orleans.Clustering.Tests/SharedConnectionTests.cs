using CasPaxos.Postgres;
using CasPaxos.Registers;
using CasPaxos.Testing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Npgsql;
using Orleans.Storage;

namespace CasPaxos.Orleans.Clustering.Tests;

/// <summary>The connections of all providers of one process.</summary>
[Collection(DatabasesCollection.Name)]
public sealed class SharedConnectionTests(RegisterDatabases databases)
{
    private const string Finished = "finished";

    [SkippableFact]
    public async Task All_providers_of_a_silo_have_one_pool_and_close_it_when_they_are_disposed_of()
    {
        RegisterDatabases.Need();
        var database = await NewClusterAsync();
        var host = Host(database, Finish, Finish);

        await UseAllAsync(host);
        var used = await ProviderHosts.CountAsync(database, Finished);
        ((IDisposable)host.Services).Dispose();

        Assert.Equal(1, used);
        await UntilClosedAsync(database, Finished);
    }

    [SkippableFact]
    public async Task Providers_that_finish_their_connections_differently_have_their_own()
    {
        RegisterDatabases.Need();
        var database = await NewClusterAsync();
        var host = Host(database, Finish, (slot, builder) => Finish(slot, builder));

        await UseAllAsync(host);
        var used = await ProviderHosts.CountAsync(database, Finished);
        ((IDisposable)host.Services).Dispose();

        Assert.Equal(2, used);
    }

    [SkippableFact]
    public async Task A_silo_finds_its_databases_by_names_and_keys_and_leaves_what_is_not_its_own()
    {
        RegisterDatabases.Need();
        var strings = databases.Postgres.ConnectionStrings;
        NpgsqlDataSource[] sources = [.. strings.Select(NpgsqlDataSource.Create)];
        var settings = new Dictionary<string, string?>
        {
            ["Orleans:Clustering:ProviderType"] = "CasPaxos",
            ["Orleans:GrainStorage:Default:ProviderType"] = "CasPaxos",
            ["Orleans:Reminders:ProviderType"] = "CasPaxos",
            ["CasPaxos:Slots:0:ConnectionString"] = strings[0],
            ["CasPaxos:Slots:1:ConnectionName"] = "db1",
            ["CasPaxos:Slots:2:ServiceKey"] = "key2",
        };
        for (var slot = 0; slot < strings.Count; slot++)
        {
            settings[$"ConnectionStrings:db{slot}"] = strings[slot];
            settings[$"Orleans:Clustering:ConnectionNames:{slot}"] = $"db{slot}";
            settings[$"Orleans:GrainStorage:Default:ServiceKeys:{slot}"] = $"key{slot}";
            settings[$"Orleans:Reminders:ServiceKeys:{slot}"] = $"key{slot}";
        }

        using (var host = OptionsTests.Silo(settings, silo =>
        {
            ProviderHosts.Place(silo, Make.Name());
            silo.AddCasPaxos(silo.Configuration.GetSection("CasPaxos"));
            for (var slot = 0; slot < sources.Length; slot++)
            {
                silo.Services.AddKeyedSingleton($"key{slot}", sources[slot]);
            }
        }))
        {
            await host.StartAsync();
            await UseAllAsync(host);
            var registers = host.Services.GetRequiredService<IRegisterClient>();
            Assert.IsType<Outcome.Applied>(await registers.GetAsync(new RegisterKey("key")));
            await host.StopAsync();
        }

        foreach (var source in sources) // The container does not dispose of what it was given.
        {
            await using var connection = await source.OpenConnectionAsync();
        }

        Array.ForEach(sources, source => source.Dispose());
    }

    private static void Finish(int slot, NpgsqlDataSourceBuilder builder)
    {
        Assert.Equal(0, slot);
        builder.ConnectionStringBuilder.ApplicationName = Finished;
    }

    /// <summary>A silo that is not started, with its providers over one database.</summary>
    private static IHost Host(
        string database,
        Action<int, NpgsqlDataSourceBuilder> finish,
        Action<int, NpgsqlDataSourceBuilder> finishReminders) => OptionsTests.Silo([], silo =>
    {
        silo.UseCasPaxosClustering(options => Set(options, finish));
        silo.UseCasPaxosReminders(options => Set(options, finishReminders));
        silo.AddCasPaxosGrainStorageAsDefault(options => Set(options, finish));

        void Set(PassiveDatabasesOptions options, Action<int, NpgsqlDataSourceBuilder> configure)
        {
            options.ConnectionStrings.Add(database);
            options.ConfigureDataSource = configure;
        }
    });

    /// <summary>Has every provider ask its databases, one after the other.</summary>
    private static async Task UseAllAsync(IHost host)
    {
        var services = host.Services;
        await services.GetRequiredService<IMembershipTable>().ReadAllAsync();
        await services.GetRequiredService<IReminderTable>().ReadRows(GrainId.Create("kind", "key"));
        await services.GetRequiredService<IGrainStorage>()
            .ReadStateAsync("state", GrainId.Create("kind", "key"), new GrainState<List<string>>());
    }

    /// <summary>A cluster of one slot, in a database of its own.</summary>
    private async Task<string> NewClusterAsync()
    {
        var database = await databases.Postgres.Servers[0].CreateDatabaseAsync($"shared-{Guid.NewGuid():n}");
        await PostgresCluster.InitializeAsync([database]);
        return database;
    }

    private static Task UntilClosedAsync(string database, string application) =>
        Eventually.HoldsAsync(async () => await ProviderHosts.CountAsync(database, application) == 0);
}
