using CasPaxos.Testing;
using Npgsql;
using Orleans.TestingHost;

namespace CasPaxos.Client.Tests;

/// <summary>A database in which grains have left their states by Orleans' own ADO.NET storage.</summary>
public sealed class AdoNetSource : IAsyncLifetime
{
    internal const string Service = "notes of ours";

    /// <summary>Texts that the table keeps as they are, some of them against all appearances.</summary>
    internal static readonly string[] Texts =
    [
        "adam", "Adam", "ключ/№1", "a b+c", "+5", "5 ", "g5", "x'; --", "0x5", "-5", "FFFFFFFFFFFFFFFFF",
        "20240101000000000000000000000042", "00000000000000000000000000000007+x", "12345678901234567890123456789012+",
        new string('k', 500),
    ];

    /// <summary>Texts that the table holds for numbers or Guids.</summary>
    internal static readonly string[] Lossy =
    [
        "12", "ada", "DEF+x", "0+x", "00+x", "1+", "FFFFFFFFFFFFFFFF",
        "ABCDEF00000000000000000000000001", "abcdef00000000000000000000000002+y",
    ];

    private static readonly long[] Integers = [0, 5, -1, 0x12, long.MaxValue, long.MinValue];

    private static readonly Guid[] Guids =
        [Guid.Empty, new("00000000-0000-0000-0000-000000000005"), new("0f8b6d2c-1a5e-4f0b-9c3d-77aa10e0b1ff")];

    private PostgresServer? _server;

    /// <summary>The database.</summary>
    internal string Database { get; private set; } = "";

    /// <summary>The grains whose states are in the table in full.</summary>
    internal static IEnumerable<INoteGrain> Notes(IGrainFactory grains) =>
    [
        .. Texts.Select(key => grains.GetGrain<ITextNoteGrain>(key)),
        .. Integers.Select(key => grains.GetGrain<IIntegerNoteGrain>(key)),
        .. Integers.Select(key => grains.GetGrain<IIntegerCompoundNoteGrain>(key, "x+/")),
        .. Guids.Select(key => grains.GetGrain<IGuidNoteGrain>(key)),
        .. Guids.Select(key => grains.GetGrain<IGuidCompoundNoteGrain>(key, "x+/")),
    ];

    /// <summary>What each of them has noted.</summary>
    internal static string TextOf(INoteGrain grain) => $"This is {grain.GetGrainId()}.";

    /// <summary>A grain that has cleared its state.</summary>
    internal static INoteGrain Cleared(IGrainFactory grains) => grains.GetGrain<ITextNoteGrain>("cleared");

    /// <summary>Starts one silo.</summary>
    internal static async Task<InProcessTestCluster> StartSiloAsync(Action<ISiloBuilder> configure)
    {
        var builder = new InProcessTestClusterBuilder(1);
        builder.Options.ServiceId = Service;
        builder.Options.ConfigureFileLogging = false;
        builder.ConfigureSilo((_, silo) => configure(silo));
        var cluster = builder.Build();
        await cluster.DeployAsync();
        return cluster;
    }

    /// <summary>A database with an empty table.</summary>
    internal async Task<string> NewDatabaseAsync(string name)
    {
        var database = await _server!.CreateDatabaseAsync(name);
        await RunAsync(
            database, await File.ReadAllTextAsync(Checkout.PathOf("sql", "orleans-storage", "postgresql.sql")));
        return database;
    }

    internal static async Task RunAsync(string database, string sql)
    {
        await using var source = NpgsqlDataSource.Create(database);
        await using var command = source.CreateCommand(sql);
        await command.ExecuteNonQueryAsync();
    }

    public async Task InitializeAsync()
    {
        if (PostgresBinaries.SkipReason is not null)
        {
            return;
        }

        _server = await PostgresServer.StartAsync(new PostgresServerOptions { InMemory = true });
        Database = await NewDatabaseAsync("stock");
        await using var silo = await StartSiloAsync(silo => silo.AddAdoNetGrainStorageAsDefault(options =>
        {
            options.Invariant = "Npgsql";
            options.ConnectionString = Database;
        }));
        var lossy = Lossy.Select(key => silo.Client.GetGrain<ITextNoteGrain>(key)).DistinctBy(RowOf);
        await Task.WhenAll(Notes(silo.Client).Concat(lossy).Select(grain => grain.SetAsync(TextOf(grain))));
        await Cleared(silo.Client).SetAsync("soon gone");
        await Cleared(silo.Client).ClearAsync();
    }

    public async Task DisposeAsync()
    {
        if (_server is not null)
        {
            await _server.DisposeAsync();
        }
    }

    /// <summary>Two texts of one row would be each other's conflict.</summary>
    private static StockKey RowOf(ITextNoteGrain grain) => StockKey.Of(grain.GetGrainId().Key);
}
