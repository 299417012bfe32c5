using System.Diagnostics;
using System.Globalization;
using System.Net;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace CasPaxos.Bench;

/// <summary>Where the grains of a silo keep their state.</summary>
internal enum StorageKind
{
    /// <summary>Orleans' own ADO.NET storage, in one database.</summary>
    Stock,

    /// <summary>Registers of the service, whose acceptors are on the same silo.</summary>
    Service,

    /// <summary>The same, which has a minute for each operation.</summary>
    Patient,

    /// <summary>Registers that the storage asks the databases for itself.</summary>
    Direct,

    /// <summary>As <see cref="Direct"/>, but that reads are not sealed.</summary>
    Agreed,
}

/// <summary>Silos with grains: processes of this program, as the service's are processes of theirs.</summary>
internal static class GrainSilo
{
    public const string Storage = "state";
    public const string Command = "grain-silo";

    /// <summary>Runs one of them until it is killed.</summary>
    public static async Task RunAsync(
        StorageKind kind, int siloPort, int gatewayPort, int primaryPort, string[] databases)
    {
        System.Data.Common.DbProviderFactories.RegisterFactory("Npgsql", NpgsqlFactory.Instance);
        var builder = Host.CreateApplicationBuilder();
        builder.Logging.ClearProviders(); // What is measured is printed, and nothing else.
        builder.UseOrleans(silo =>
        {
            silo.UseLocalhostClustering(siloPort, gatewayPort, new IPEndPoint(IPAddress.Loopback, primaryPort));
            switch (kind)
            {
                case StorageKind.Stock:
                    silo.AddAdoNetGrainStorage(Storage, options =>
                    {
                        options.Invariant = "Npgsql";
                        options.ConnectionString = databases[0];
                    });
                    break;
                case StorageKind.Service or StorageKind.Patient:
                    silo.AddCasPaxos(options => Array.ForEach(
                        databases, database => options.Slots.Add(new() { ConnectionString = database })));
                    silo.AddCasPaxosGrainStorage(Storage, options =>
                    {
                        options.KeyPrefix = $"{kind}";
                        options.Timeout = TimeSpan.FromSeconds(kind == StorageKind.Patient ? 60 : 5);
                    });
                    break;
                default:
                    silo.AddCasPaxosGrainStorage(Storage, options =>
                    {
                        Array.ForEach(databases, options.ConnectionStrings.Add);
                        options.SealedReads = kind == StorageKind.Direct;
                        options.KeyPrefix = $"{kind}";
                    });
                    break;
            }
        });
        await builder.Build().RunAsync();
    }

    /// <summary>Makes the tables of Orleans' own storage, or others, in a database of their own.</summary>
    /// <param name="server">A connection string of its server.</param>
    /// <param name="name">The database, and the script of this program that makes the tables.</param>
    /// <returns>The database's connection string.</returns>
    public static async Task<string> CreateTablesAsync(string server, string name = "storage")
    {
        await using (var source = NpgsqlDataSource.Create(server))
        {
            await using var create = source.CreateCommand($"CREATE DATABASE {name}");
            await create.ExecuteNonQueryAsync();
        }

        var database = new NpgsqlConnectionStringBuilder(server) { Database = name, MaxPoolSize = 25 }.ToString();
        await using (var source = NpgsqlDataSource.Create(database))
        {
            using var script = new StreamReader(
                typeof(GrainSilo).Assembly.GetManifestResourceStream($"{name}.sql")!);
            await using var apply = source.CreateCommand(await script.ReadToEndAsync());
            await apply.ExecuteNonQueryAsync();
        }

        return database;
    }

    /// <summary>Starts one of them.</summary>
    public static Process Start(
        StorageKind kind, int siloPort, int gatewayPort, int primaryPort, IReadOnlyList<string> databases)
    {
        var start = new ProcessStartInfo("dotnet");
        foreach (var argument in (string[])
            ["exec", typeof(GrainSilo).Assembly.Location, Command, $"{kind}", Text(siloPort), Text(gatewayPort),
                Text(primaryPort), .. databases])
        {
            start.ArgumentList.Add(argument);
        }

        return Process.Start(start)!;
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
