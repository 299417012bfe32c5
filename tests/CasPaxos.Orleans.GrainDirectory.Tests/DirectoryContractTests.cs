using CasPaxos.Registers;
using Orleans.GrainDirectory;

namespace CasPaxos.Orleans.GrainDirectory.Tests;

/// <summary>What Orleans asks of a grain directory, sentence by sentence.</summary>
public abstract class DirectoryContractTests(DirectoryDatabasesFixture databases)
{
    protected DirectoryDatabasesFixture Databases => databases;

    [SkippableFact]
    public async Task An_address_is_found_as_it_was_registered_until_it_is_unregistered()
    {
        Make.Need();
        var directory = await DirectoryAsync();
        var address = Make.Address(Make.Grain("a/b\\c#d?é%+\u0001"));
        var neighbour = Make.Address(Make.Grain("a"));

        var registered = await directory.Register(address);
        await directory.Register(neighbour);
        var found = await directory.Lookup(address.GrainId);
        await directory.Unregister(address);
        var gone = await directory.Lookup(address.GrainId);
        var again = await directory.Register(Make.Address(address.GrainId, silo: 2));

        Assert.Equal(address, registered);
        Assert.Equal(address.ToFullString(), found!.ToFullString());
        Assert.Null(gone);
        Assert.Equal(again, await directory.Lookup(address.GrainId));
        Assert.Equal(neighbour, await directory.Lookup(neighbour.GrainId));
        Assert.Null(await directory.Lookup(Make.Grain("missing")));
    }

    [SkippableFact]
    public async Task Who_comes_first_stays_and_the_others_are_told_who_that_is()
    {
        Make.Need();
        var directory = await DirectoryAsync();
        var first = Make.Address(Make.Grain());
        await directory.Register(first);

        var otherActivation = await directory.Register(Make.Address(first.GrainId));
        var otherSilo = await directory.Register(Make.Address(first.GrainId, silo: 2, first.ActivationId));
        var itself = await directory.Register(first);

        Assert.All([otherActivation, otherSilo, itself], told => Assert.Equal(first, told));
        Assert.Equal(first, await directory.Lookup(first.GrainId));
    }

    [SkippableFact]
    public async Task An_address_is_replaced_by_who_names_it()
    {
        Make.Need();
        var directory = await DirectoryAsync();
        var first = Make.Address(Make.Grain());
        var second = Make.Address(first.GrainId);
        var third = Make.Address(first.GrainId, silo: 2);

        // None is there, so that which is named does not matter.
        Assert.Equal(first, await directory.Register(first, third));

        Assert.Equal(second, await directory.Register(second, first));
        Assert.Equal(second, await directory.Register(third, first));
        Assert.Equal(second, await directory.Register(third, Make.Address(first.GrainId, 2, second.ActivationId)));
        Assert.Equal(second, await directory.Register(third, null));
        Assert.Equal(second, await directory.Lookup(first.GrainId));
        Assert.Equal(third, await directory.Register(third, second));
        Assert.Equal(third, await directory.Lookup(first.GrainId));
    }

    [SkippableFact]
    public async Task An_address_that_does_not_match_is_not_unregistered()
    {
        Make.Need();
        var directory = await DirectoryAsync();
        var address = Make.Address(Make.Grain());
        await directory.Register(address);

        await directory.Unregister(Make.Address(address.GrainId));
        await directory.Unregister(Make.Address(address.GrainId, silo: 2, address.ActivationId));
        await directory.Unregister(Make.Address(Make.Grain(), silo: 1, address.ActivationId));
        var kept = await directory.Lookup(address.GrainId);

        // A silo that has no activation of a grain at all says so by an address without one.
        await directory.Unregister(Make.Address(address.GrainId, silo: 2, default(ActivationId)));
        var keptStill = await directory.Lookup(address.GrainId);
        await directory.Unregister(Make.Address(address.GrainId, silo: 1, default(ActivationId)));

        Assert.Equal(address, kept);
        Assert.Equal(address, keptStill);
        Assert.Null(await directory.Lookup(address.GrainId));
        await directory.Unregister(address);
    }

    [SkippableFact]
    public async Task An_address_that_another_silo_has_made_is_unregistered_by_who_has_seen_an_older_one()
    {
        Make.Need();
        var (here, there) = await TwoAsync();
        var first = Make.Address(Make.Grain());
        var second = Make.Address(first.GrainId, silo: 2);
        await here.Register(first);
        await there.Register(second, first);

        await here.Unregister(first); // By what it has seen last, this is the entry.
        var kept = await here.Lookup(first.GrainId);
        await there.Register(first, second);
        await there.Register(second, first);
        await here.Unregister(second); // By what it has seen last, this is the entry, but in an older state.
        var gone = await there.Lookup(first.GrainId);
        await here.Register(first);
        await there.Register(second, first);
        await here.Unregister(second); // By what it has seen last, it is not.

        Assert.Equal(second, kept);
        Assert.Null(gone);
        Assert.Null(await there.Lookup(first.GrainId));
    }

    [SkippableFact]
    public async Task Of_silos_that_register_a_grain_at_once_one_wins_and_all_are_told_which()
    {
        Make.Need();
        var (here, there) = await TwoAsync();
        for (var round = 0; round < 40; round++)
        {
            var grain = Make.Grain($"{round}");
            var addresses = Enumerable.Range(1, 6).Select(silo => Make.Address(grain, silo)).ToList();

            var told = await Task.WhenAll(addresses.Select((address, i) => Pick(i).Register(address)));
            var found = await there.Lookup(grain);

            Assert.Single(told.Distinct());
            Assert.Contains(told[0], addresses);
            Assert.Equal(told[0], found);

            // That silo is dead, say, and all others want to take its place.
            var heirs = Enumerable.Range(11, 6).Select(silo => Make.Address(grain, silo)).ToList();
            told = await Task.WhenAll(heirs.Select((address, i) => Pick(i).Register(address, found)));

            Assert.Single(told.Distinct());
            Assert.Contains(told[0], heirs);
            Assert.Equal(told[0], await here.Lookup(grain));
        }

        CasPaxosGrainDirectory Pick(int i) => i % 2 == 0 ? here : there;
    }

    [SkippableFact]
    public async Task Other_clusters_services_and_directories_are_never_seen()
    {
        Make.Need();
        var registers = await RegistersAsync();
        var cluster = Make.Name();
        var grain = Make.Grain();
        await Make.Directory(registers, cluster).Register(Make.Address(grain));

        foreach (var other in (CasPaxosGrainDirectory[])
            [
                Make.Directory(registers, $"{cluster}2"),
                Make.Directory(registers, $"{cluster}/d"),
                Make.Directory(registers, cluster, name: "e"),
                Make.Directory(registers, cluster, service: "t"),
            ])
        {
            Assert.Null(await other.Lookup(grain));
        }
    }

    [SkippableFact]
    public async Task A_call_whose_caller_has_given_up_does_nothing()
    {
        Make.Need();
        IGrainDirectory directory = await DirectoryAsync();
        var address = Make.Address(Make.Grain());
        using var source = new CancellationTokenSource();
        await source.CancelAsync();

        foreach (var call in (Func<Task>[])
            [
                () => directory.Register(address, source.Token),
                () => directory.Register(address, address, source.Token),
                () => directory.Unregister(address, source.Token),
                () => directory.Lookup(address.GrainId, source.Token),
            ])
        {
            var failure = await Assert.ThrowsAnyAsync<OperationCanceledException>(call);
            Assert.Equal(source.Token, failure.CancellationToken);
        }

        Assert.Null(await directory.Lookup(address.GrainId));
    }

    [SkippableFact]
    public async Task Entries_of_dead_silos_stay_until_their_grains_are_looked_for()
    {
        Make.Need();
        var directory = await DirectoryAsync();
        var address = Make.Address(Make.Grain());
        await directory.Register(address);

        await directory.UnregisterSilos([address.SiloAddress!]);

        Assert.Equal(address, await directory.Lookup(address.GrainId));
    }

    [SkippableFact]
    public async Task An_address_without_silo_or_activation_is_not_registered()
    {
        Make.Need();
        var directory = await DirectoryAsync();
        var grain = Make.Grain();

        await Assert.ThrowsAsync<ArgumentException>(() => directory.Register(new GrainAddress { GrainId = grain }));
        await Assert.ThrowsAsync<ArgumentException>(
            () => directory.Register(Make.Address(grain, 1, default(ActivationId))));

        Assert.Null(await directory.Lookup(grain));
    }

    private protected abstract Task<IRegisterClient> RegistersAsync();

    private async Task<CasPaxosGrainDirectory> DirectoryAsync() =>
        Make.Directory(await RegistersAsync(), Make.Name());

    /// <summary>One directory as two silos see it; of a silo's own service there is only one here.</summary>
    private async Task<(CasPaxosGrainDirectory Here, CasPaxosGrainDirectory There)> TwoAsync()
    {
        var cluster = Make.Name();
        return (Make.Directory(await RegistersAsync(), cluster), Make.Directory(await RegistersAsync(), cluster));
    }
}

/// <summary>In databases of its own; every silo has proposers of its own.</summary>
[Collection(DatabasesCollection.Name)]
public sealed class DatabasesContractTests(DirectoryDatabasesFixture databases)
    : DirectoryContractTests(databases), IAsyncLifetime
{
    private readonly List<PassiveRegisters> _made = [];

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync()
    {
        foreach (var registers in _made)
        {
            await registers.DisposeAsync();
        }
    }

    private protected override async Task<IRegisterClient> RegistersAsync()
    {
        var registers = Make.Registers(Databases.Postgres);
        _made.Add(registers);
        await registers.StartAsync();
        return registers;
    }
}

/// <summary>In the registers of a silo's own service.</summary>
[Collection(DatabasesCollection.Name)]
public sealed class ServiceContractTests(DirectoryDatabasesFixture databases) : DirectoryContractTests(databases)
{
    private protected override Task<IRegisterClient> RegistersAsync() => Databases.ServiceAsync();
}
