using System.Diagnostics;
using CasPaxos.Registers;
using CasPaxos.Testing;
using Xunit.Abstractions;

namespace CasPaxos.Orleans.Tests;

/// <summary>
/// Acceptors are where they belong, go elsewhere when their silo is lost, and return (case 63, T-O6).
/// </summary>
public sealed class PlacementTests(ITestOutputHelper output)
{
    [SkippableFact]
    public async Task Every_acceptor_is_on_a_silo_of_its_slot()
    {
        Skip.If(PostgresBinaries.SkipReason is not null, PostgresBinaries.SkipReason);
        var service = new ServiceCluster { Configure = options => options.Shards = 4 };
        await service.InitializeAsync();
        try
        {
            for (var i = 0; i < 50; i++)
            {
                await service.Registers.PutAsync(new RegisterKey($"placed/{i}"), new byte[1]);
            }

            var status = await UntilAsync(
                service, status => status.Slots.SelectMany(slot => slot.Acceptors).All(acceptor => acceptor.AtHome));

            Assert.Equal([0, 1, 2], status.Silos.Select(silo => silo.Slot).Order());
            Assert.True(status.HasQuorum);
            Assert.All(status.Slots, slot => Assert.Equal(4, slot.Acceptors.Count));
            Assert.All(status.Slots.SelectMany(slot => slot.Acceptors), acceptor => Assert.True(acceptor.AtHome));
            Assert.Equal(3, status.Slots.Select(slot => slot.Acceptors[0].Silo).Distinct().Count());
        }
        finally
        {
            await service.DisposeAsync();
        }
    }

    [SkippableFact]
    public async Task An_acceptor_whose_silo_is_stopped_moves_and_returns_with_it()
    {
        Skip.If(PostgresBinaries.SkipReason is not null, PostgresBinaries.SkipReason);
        var service = new ServiceCluster();
        await service.InitializeAsync();
        try
        {
            var key = new RegisterKey("moving");
            await service.Registers.PutAsync(key, new byte[1]);
            var begun = await UntilAsync(service, status => status.Silos.Count(silo => silo.Slot is not null) == 3);
            var labelled = begun.Silos.Single(silo => silo.Slot == 2);
            var third = service.Cluster.Silos.Single(silo => silo.SiloAddress.ToString() == labelled.Address);

            await service.Cluster.StopSiloAsync(third);
            var away = await UntilAsync(service, status => status.Slots[2].Acceptors[0] is { Reachable: true });
            await service.Registers.PutAsync(key, new byte[2]);
            await using var returned = await service.Cluster.StartSiloAsync(
                third.InstanceNumber, service.Cluster.Options);
            var back = await UntilAsync(
                service, status => status.Slots[2].Acceptors[0] is { Reachable: true, AtHome: true });
            await service.Registers.PutAsync(key, new byte[3]);

            Assert.False(away.Slots[2].Acceptors[0].AtHome);
            Assert.Equal(2, away.Silos.Count(silo => silo.State == "Active"));
            Assert.Equal(2, back.Silos.Single(silo => silo.Address == back.Slots[2].Acceptors[0].Silo).Slot);
        }
        finally
        {
            await service.DisposeAsync();
        }
    }

    [SkippableFact]
    public async Task With_strict_placement_a_slot_without_a_silo_is_down_and_the_others_go_on()
    {
        Skip.If(PostgresBinaries.SkipReason is not null, PostgresBinaries.SkipReason);
        var service = new ServiceCluster
        {
            Silos = 2,
            Configure = options => options.Placement = AcceptorPlacementPolicy.Strict,
        };
        await service.InitializeAsync();
        try
        {
            var written = await service.Registers.PutAsync(new RegisterKey("strict"), new byte[1]);
            var status = await StatusAsync(service);

            Assert.IsType<Outcome.Applied>(written);
            Assert.True(status.HasQuorum);
            Assert.False(status.Slots[2].Serves);
            Assert.Null(status.Slots[2].Acceptors[0].Silo);
            Assert.Contains("strict", status.Slots[2].Problem, StringComparison.OrdinalIgnoreCase);
        }
        finally
        {
            await service.DisposeAsync();
        }
    }

    [SkippableFact]
    public async Task With_a_majority_of_databases_down_operations_end_in_time_and_nothing_is_applied_later()
    {
        Skip.If(PostgresBinaries.SkipReason is not null, PostgresBinaries.SkipReason);
        var service = new ServiceCluster { Configure = options => options.Timeout = TimeSpan.FromSeconds(2) };
        await service.InitializeAsync();
        try
        {
            var key = new RegisterKey("majority");
            await service.Registers.PutAsync(key, "before"u8.ToArray());
            await service.Postgres.Servers[0].KillAsync();
            await service.Postgres.Servers[1].KillAsync();

            var clock = Stopwatch.StartNew();
            var outcome = await service.Registers.PutAsync(new RegisterKey("majority/new"), "x"u8.ToArray());
            var took = clock.Elapsed;
            var thrown = await Assert.ThrowsAnyAsync<RegisterGrainException>(
                () => service.Registers.Register<string>(key).ReadAsync());
            await service.Postgres.Servers[0].RestartAsync();
            await service.Postgres.Servers[1].RestartAsync();

            Assert.True(took < TimeSpan.FromSeconds(20), $"took {took}");
            Assert.IsType<RegisterGrainUnavailableException>(thrown);
            var later = await ReadWhenBackAsync(service, new RegisterKey("majority/new"));
            output.WriteLine($"{outcome} -> {later}");
            if (outcome is Outcome.Unavailable)
            {
                Assert.False(later.Current.Exists);
            }

            Assert.Equal("before", System.Text.Encoding.UTF8.GetString(
                (await ReadWhenBackAsync(service, key)).Current.Payload.Span));
        }
        finally
        {
            await service.DisposeAsync();
        }
    }

    [SkippableFact]
    public async Task Deleted_registers_are_erased_from_every_database_in_the_background()
    {
        Skip.If(PostgresBinaries.SkipReason is not null, PostgresBinaries.SkipReason);
        var service = new ServiceCluster
        {
            Configure = options =>
            {
                options.TombstoneAge = TimeSpan.FromMilliseconds(100);
                options.EraseInterval = TimeSpan.FromMilliseconds(200);
            },
        };
        await service.InitializeAsync();
        try
        {
            var key = new RegisterKey("erased");
            await service.Registers.PutAsync(key, new byte[1]);
            await service.Registers.DeleteAsync(key);

            await Eventually.HoldsAsync(async () => await RowsAsync(service) == 0);
            Assert.IsType<Outcome.Applied>(await service.Registers.CreateAsync(key, new byte[1]));
        }
        finally
        {
            await service.DisposeAsync();
        }
    }

    private static async Task<int> RowsAsync(ServiceCluster service)
    {
        var rows = 0;
        foreach (var acceptor in service.Postgres.Cluster.Acceptors)
        {
            rows += (await acceptor.ScanAsync(new ScanRequest(1, "", null, 10), CancellationToken.None)).Rows.Count;
        }

        return rows;
    }

    private static async Task<Outcome.Applied> ReadWhenBackAsync(ServiceCluster service, RegisterKey key)
    {
        for (var i = 0; i < 20; i++)
        {
            if (await service.Registers.GetAsync(key) is Outcome.Applied applied)
            {
                return applied;
            }
        }

        throw new TimeoutException("the register did not come back");
    }

    private static Task<ServiceStatus> StatusAsync(ServiceCluster service) =>
        new GrainRegisterClient(service.Cluster.Client).StatusAsync();

    private static Task<ServiceStatus> UntilAsync(ServiceCluster service, Func<ServiceStatus, bool> reached) =>
        Eventually.ReachedAsync(() => StatusAsync(service), reached);
}
