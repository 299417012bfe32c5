using CasPaxos.Orleans.Clustering.Tests;
using CasPaxos.Registers;
using Microsoft.Extensions.DependencyInjection;

namespace CasPaxos.Orleans.GrainDirectory.Tests;

/// <summary>Databases that are gone, and answers that are lost.</summary>
[Collection(DatabasesCollection.Name)]
public sealed class DirectoryFailureTests(DirectoryDatabasesFixture databases)
{
    [SkippableTheory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task One_database_of_three_is_not_missed_and_without_two_nothing_is_lost(bool passive)
    {
        Make.Need();
        await using var postgres = await Make.PostgresAsync();
        await using var registers = Make.Registers(postgres);
        using var silo = passive ? null : await Make.SiloAsync(postgres, Make.Name(), passive: false);
        var client = silo?.Services.GetRequiredService<IRegisterClient>() ?? registers;
        var cluster = Make.Name();
        var directory = Make.Directory(client, cluster);
        var impatient = Make.Directory(client, cluster, TimeSpan.FromSeconds(1.5));
        var kept = Make.Address(Make.Grain());
        await directory.Register(kept);

        await postgres.Servers[0].KillAsync();
        var degraded = Make.Address(Make.Grain());
        Assert.Equal(degraded, await directory.Register(degraded));
        Assert.Equal(kept, await directory.Register(Make.Address(kept.GrainId)));
        Assert.Equal(kept, await directory.Lookup(kept.GrainId));

        await postgres.Servers[1].KillAsync();
        await Assert.ThrowsAsync<RegisterGrainUnavailableException>(() => impatient.Lookup(kept.GrainId));
        await Assert.ThrowsAsync<RegisterGrainUnavailableException>(
            () => impatient.Register(Make.Address(Make.Grain())));
        await Assert.ThrowsAnyAsync<RegisterGrainException>(() => impatient.Register(Make.Address(kept.GrainId), kept));

        await postgres.Servers[0].RestartAsync();
        await postgres.Servers[1].RestartAsync();
        var patient = Make.Directory(client, cluster, TimeSpan.FromSeconds(30));
        Assert.Equal(degraded, await patient.Lookup(degraded.GrainId));
        Assert.Equal(kept.GrainId, (await patient.Lookup(kept.GrainId))!.GrainId);
        if (silo is not null)
        {
            await silo.StopAsync();
        }
    }

    [SkippableFact]
    public async Task Registrations_whose_answers_are_lost_end_with_one_entry_that_all_were_told_of()
    {
        Make.Need();
        await using var left = Make.Registers(databases.Postgres, new Losses(0.2));
        await using var right = Make.Registers(databases.Postgres, new Losses(0.2));
        var cluster = Make.Name();
        var timeout = TimeSpan.FromSeconds(60);
        var (here, there) = (Make.Directory(left, cluster, timeout), Make.Directory(right, cluster, timeout));

        await Task.WhenAll(Enumerable.Range(0, 20).Select(async i =>
        {
            var grain = Make.Grain($"{i}");
            var told = await Task.WhenAll(
                here.Register(Make.Address(grain, 1)), there.Register(Make.Address(grain, 2)));
            Assert.Equal(told[0], told[1]);
            Assert.Equal(told[0], await there.Lookup(grain));

            var heirs = await Task.WhenAll(
                here.Register(Make.Address(grain, 3), told[0]), there.Register(Make.Address(grain, 4), told[0]));
            Assert.Equal(heirs[0], heirs[1]);
            await here.Unregister(told[0]!);
            Assert.Equal(heirs[0], await here.Lookup(grain));
            await there.Unregister(heirs[0]!);
            Assert.Null(await here.Lookup(grain));
        }));
    }

    [SkippableFact]
    public async Task A_registration_of_unknown_outcome_says_so_and_finds_its_own_entry_when_it_is_made_again()
    {
        Make.Need();
        var losses = new Losses(1);
        await using var lossy = Make.Registers(databases.Postgres, losses);
        await using var registers = Make.Registers(databases.Postgres);
        var cluster = Make.Name();
        var unlucky = Make.Directory(lossy, cluster, TimeSpan.FromSeconds(1));
        var address = Make.Address(Make.Grain());

        var failure = await Assert.ThrowsAnyAsync<RegisterGrainException>(() => unlucky.Register(address));
        losses.Share = 0;
        var again = await Make.Directory(lossy, cluster).Register(address);

        Assert.IsType<RegisterGrainOutcomeUnknownException>(failure);
        Assert.Equal(address, again);
        Assert.Equal(address, await Make.Directory(registers, cluster).Lookup(address.GrainId));
    }
}
