using System.Net;
using CasPaxos.Testing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Npgsql;
using Orleans.Configuration;

namespace CasPaxos.Orleans.Clustering.Tests;

/// <summary>A silo with every provider of this project, and its client.</summary>
internal static class ProviderHosts
{
    /// <summary>Both started, by connection strings.</summary>
    public static async Task<(IHost Silo, IHost Client)> StartAsync(IReadOnlyList<string> databases, string cluster)
    {
        var silo = OptionsTests.Silo([], builder =>
        {
            Place(builder, cluster);
            builder.Services.AddHealthChecks().AddCasPaxos();
            builder.UseCasPaxosClustering(options => Make.Databases(options, databases));
            builder.UseCasPaxosReminders(options => Make.Databases(options, databases));
            builder.AddCasPaxosGrainStorageAsDefault(options => Make.Databases(options, databases));
            builder.AddCasPaxos(options =>
            {
                foreach (var database in databases)
                {
                    options.Slots.Add(new CasPaxosSlotOptions { ConnectionString = database });
                }
            });
        });
        var client = OptionsTests.Client([], builder =>
        {
            builder.Configure<ClusterOptions>(options => options.ServiceId = options.ClusterId = cluster);
            builder.UseCasPaxosClustering(options => Make.Databases(options, databases));
            builder.AddCasPaxos();
            builder.Services.AddHealthChecks().AddCasPaxos();
        });
        await silo.StartAsync();
        await client.StartAsync();
        return (silo, client);
    }

    /// <summary>A silo of a cluster of its own on free ports.</summary>
    public static void Place(ISiloBuilder builder, string cluster)
    {
        builder.ConfigureEndpoints(IPAddress.Loopback, FreePorts.Next(), FreePorts.Next());
        builder.Configure<ClusterOptions>(options => options.ServiceId = options.ClusterId = cluster);
    }

    /// <summary>How many connections of an application a database has, as its server counts them.</summary>
    public static async Task<long> CountAsync(string database, string application)
    {
        var settings = new NpgsqlConnectionStringBuilder(database) { ApplicationName = "counting", Pooling = false };
        await using var source = NpgsqlDataSource.Create(settings.ConnectionString);
        await using var command = source.CreateCommand(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = $1");
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = application });
        return (long)(await command.ExecuteScalarAsync())!;
    }
}
