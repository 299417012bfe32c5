using CasPaxos.Registers;
using CasPaxos.Testing;
using Microsoft.Extensions.DependencyInjection;
using Orleans.GrainDirectory;

namespace CasPaxos.Orleans.GrainDirectory.Tests;

/// <summary>A real silo in this process: its start, its grains' lives, and what is left of them.</summary>
[Collection(DatabasesCollection.Name)]
public sealed class SiloTests(DirectoryDatabasesFixture databases)
{
    [SkippableTheory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_grain_is_in_the_directory_while_it_is_active_and_its_deleted_entry_is_erased(bool passive)
    {
        Make.Need();
        var cluster = Make.Name();
        using var silo = await Make.SiloAsync(databases.Postgres, cluster, passive, builder => builder.Services
            .ConfigureAll<CasPaxosGrainDirectoryOptions>(Erase)
            .ConfigureAll<CasPaxosOptions>(options =>
            {
                options.TombstoneAge = TimeSpan.FromMilliseconds(100);
                options.EraseInterval = TimeSpan.FromMilliseconds(200);
            }));
        var grains = silo.Services.GetRequiredService<IGrainFactory>();
        IPlacedGrain[] both = [grains.GetGrain<IDefaultPlacedGrain>("g"), grains.GetGrain<INamedPlacedGrain>("g")];

        foreach (var grain in both)
        {
            var where = await grain.WhereAsync();
            var directory = silo.Services.GetRequiredKeyedService<IGrainDirectory>(
                grain is INamedPlacedGrain ? Make.Named : GrainDirectoryAttribute.DEFAULT_GRAIN_DIRECTORY);
            var entry = await directory.Lookup(grain.GetGrainId());

            Assert.Equal(where, $"{entry!.SiloAddress!.ToParsableString()} {entry.ActivationId.ToParsableString()}");
            await grain.EndAsync();
        }

        await Eventually.HoldsAsync(async () => await RowsAsync(cluster) == 0);
        await Task.WhenAll(both.Select(grain => grain.WhereAsync()));
        Assert.NotEqual(0, await RowsAsync(cluster));
        await silo.StopAsync();

        static void Erase(CasPaxosGrainDirectoryOptions options)
        {
            options.TombstoneAge = TimeSpan.FromMilliseconds(100);
            options.EraseInterval = TimeSpan.FromMilliseconds(200);
        }
    }

    [SkippableTheory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_lookup_of_a_silo_that_is_still_starting_waits_until_it_can_be_answered(bool passive)
    {
        Make.Need();
        var early = new EarlyLookup();
        using var silo = await Make.SiloAsync(databases.Postgres, Make.Name(), passive, builder => builder.Services
            .ConfigureAll<CasPaxosGrainDirectoryOptions>(options => options.Timeout = TimeSpan.FromSeconds(60))
            .AddSingleton<ILifecycleParticipant<ISiloLifecycle>>(services => early.In(services)));

        Assert.False(early.WasReady);
        Assert.Null(await early.Asked);
        await silo.StopAsync();
    }

    /// <summary>Rows of any database, those of deleted registers included.</summary>
    private async Task<int> RowsAsync(string cluster)
    {
        var rows = 0;
        foreach (var acceptor in databases.Postgres.Cluster.Acceptors)
        {
            var prefix = $"directory/{Uri.EscapeDataString(cluster)}/";
            rows += (await acceptor.ScanAsync(new ScanRequest(1, prefix, null, 10), CancellationToken.None)).Rows.Count;
        }

        return rows;
    }

    /// <summary>Asks a directory when hardly anything of the silo has started.</summary>
    private sealed class EarlyLookup : ILifecycleParticipant<ISiloLifecycle>
    {
        private IServiceProvider? _services;

        public Task<GrainAddress?> Asked { get; private set; } = Task.FromResult<GrainAddress?>(null);

        public bool WasReady { get; private set; }

        public EarlyLookup In(IServiceProvider services)
        {
            _services = services;
            return this;
        }

        public void Participate(ISiloLifecycle lifecycle) => lifecycle.Subscribe(
            nameof(EarlyLookup),
            ServiceLifecycleStage.First,
            _ =>
            {
                Asked = _services!.GetRequiredKeyedService<IGrainDirectory>(Make.Named).Lookup(Make.Grain());
                WasReady = Asked.IsCompleted;
                return Task.CompletedTask;
            });
    }
}
