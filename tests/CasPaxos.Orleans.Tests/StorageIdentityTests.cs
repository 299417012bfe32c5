using CasPaxos.Registers;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Orleans.Storage;
using static CasPaxos.Orleans.Tests.StorageCalls;

namespace CasPaxos.Orleans.Tests;

/// <summary>
/// A storage that is not, or no longer, the slot that it was initialised for is never taken for it (rules 5 and 18).
/// </summary>
public sealed class StorageIdentityTests
{
    private const string Slot = "caspaxos.slot";

    private readonly StorageDouble[] _storages = [new(), new(), new()];
    private readonly CasPaxosOptions _options = StorageHost.Options("0", "1", "2");
    private readonly ServiceProvider _services;

    public StorageIdentityTests() => _services = Services(_storages);

    [Fact]
    public async Task A_cluster_that_was_never_initialised_does_not_open()
    {
        var failure = await Assert.ThrowsAsync<SlotStoreException>(OpenAsync);

        Assert.Contains("InitializeCasPaxosAsync", failure.Message, StringComparison.Ordinal);
        Assert.True(failure.MayPass);
    }

    [Fact]
    public async Task What_the_init_wrote_is_what_every_silo_opens()
    {
        var written = await InitializeAsync();

        var opened = (await OpenAsync()).Configuration;

        Assert.Equal(written.ClusterId, opened.ClusterId);
        Assert.Equal(_options.Slots.Select(slot => slot.Incarnation!.Value), opened.Incarnations);
        Assert.Equal((1, 2, 2), (opened.Epoch, opened.PrepareQuorum, opened.AcceptQuorum));
    }

    [Fact]
    public async Task An_init_refuses_slots_that_are_initialised_also_when_one_was_wiped()
    {
        await InitializeAsync();

        var whole = await Assert.ThrowsAsync<SlotStoreException>(InitializeAsync);
        _storages[1].Wipe();
        var holed = await Assert.ThrowsAsync<SlotStoreException>(InitializeAsync);
        var resumed = await Assert.ThrowsAsync<SlotStoreException>(() => InitializeAsync(resume: true));

        Assert.All([whole, holed, resumed], failure =>
            Assert.Contains("there already", failure.Message, StringComparison.Ordinal));
        Assert.Empty(_storages[1].Records);
    }

    [Fact]
    public async Task An_init_that_was_interrupted_serves_nobody_until_it_is_resumed()
    {
        _storages[2].BeforeWrite = static _ => throw new IOException("The wire is cut.");
        await Assert.ThrowsAsync<SlotStoreException>(InitializeAsync);
        _storages[2].BeforeWrite = static _ => Task.CompletedTask;

        var unopened = await Assert.ThrowsAsync<SlotStoreException>(OpenAsync);
        var anew = await Assert.ThrowsAsync<SlotStoreException>(InitializeAsync);
        var resumed = await InitializeAsync(resume: true);

        Assert.Contains("not completely initialised", unopened.Message, StringComparison.Ordinal);
        Assert.Contains("Resume", anew.Message, StringComparison.Ordinal);
        Assert.Equal(resumed.ClusterId, (await OpenAsync()).Configuration.ClusterId);
    }

    [Fact]
    public async Task An_init_that_was_interrupted_late_does_not_fill_a_slot_that_was_wiped_since()
    {
        var writes = 0;
        _storages[2].BeforeWrite = _ =>
            ++writes <= 2 ? Task.CompletedTask : throw new IOException("The wire is cut.");
        await Assert.ThrowsAsync<SlotStoreException>(InitializeAsync); // The first two serve, the third does not.
        _storages[2].BeforeWrite = static _ => Task.CompletedTask;
        _storages[1].Wipe();

        var resumed = await Assert.ThrowsAsync<SlotStoreException>(() => InitializeAsync(resume: true));

        Assert.Contains("there already", resumed.Message, StringComparison.Ordinal);
        Assert.Empty(_storages[1].Records);
    }

    [Fact]
    public async Task A_cluster_opens_without_one_of_three_slots_and_not_without_two()
    {
        await InitializeAsync();
        _storages[0].BeforeRead = static _ => throw new IOException("The wire is cut.");

        var opened = await OpenAsync();
        _storages[1].Wipe();
        var refused = await Assert.ThrowsAsync<SlotStoreException>(OpenAsync);

        Assert.Contains("The wire is cut", Assert.Single(opened.Warnings), StringComparison.Ordinal);
        Assert.Contains("Only 1 of 3", refused.Message, StringComparison.Ordinal);
        Assert.True(refused.MayPass);
    }

    [Fact]
    public async Task A_slot_that_was_down_at_the_start_serves_when_it_is_back_and_is_looked_at_first()
    {
        await InitializeAsync();
        _storages[0].BeforeRead = static _ => throw new IOException("The wire is cut.");
        _storages[1].BeforeRead = static _ => Task.CompletedTask;
        var opened = await OpenAsync();

        await Assert.ThrowsAsync<AcceptorUnavailableException>(
            () => opened.Slots[0].Acceptor.PrepareAsync("a", B(1)));
        _storages[0].BeforeRead = static _ => Task.CompletedTask;
        var served = await opened.Slots[0].Acceptor.PrepareAsync("a", B(1));

        Assert.IsType<AcceptorReply.Promised>(served);
        Assert.Null((await opened.Slots[0].StatusAsync(default)).Problem);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_storage_that_is_wiped_while_it_runs_lets_no_further_answer_out(bool alsoRegisters) // T-M4
    {
        await InitializeAsync();
        var acceptor = (await OpenAsync()).Slots[0].Acceptor;
        await acceptor.AcceptAsync("a", B(5), "v");

        if (alsoRegisters)
        {
            _storages[0].Wipe();
        }
        else
        {
            _storages[0].Remove(Slot);
        }

        for (var attempt = 0; attempt < 3; attempt++)
        {
            foreach (var call in new[] { AcceptCall("a", B(9), "w"), PrepareCall("b", B(1)), ReadCall("a") })
            {
                var failure = await Assert.ThrowsAsync<AcceptorUnavailableException>(
                    () => acceptor.AskAsync([call], default));
                Assert.Contains("forgotten promises", failure.Message, StringComparison.Ordinal);
            }
        }
    }

    [Fact]
    public async Task A_storage_that_was_initialised_again_is_not_taken_for_the_slot_it_was()
    {
        await InitializeAsync();
        var opened = await OpenAsync();
        await opened.Slots[0].Acceptor.AcceptAsync("a", B(5), "v");

        Array.ForEach(_storages, storage => storage.Wipe());
        await InitializeAsync();

        var failure = await Assert.ThrowsAsync<AcceptorUnavailableException>(
            () => opened.Slots[0].Acceptor.AcceptAsync("a", B(1), "older"));
        Assert.Contains("belongs to cluster", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Slots_in_another_order_or_of_other_incarnations_do_not_open()
    {
        await InitializeAsync();
        (_options.Slots[0], _options.Slots[1]) = (_options.Slots[1], _options.Slots[0]);

        var swapped = await Assert.ThrowsAsync<SlotStoreException>(OpenAsync);
        (_options.Slots[0], _options.Slots[1]) = (_options.Slots[1], _options.Slots[0]);
        _options.Slots[2].Incarnation = Guid.NewGuid();
        var other = await Assert.ThrowsAsync<SlotStoreException>(OpenAsync);

        Assert.Contains("another order", swapped.Message, StringComparison.Ordinal);
        Assert.False(swapped.MayPass);
        Assert.False(other.MayPass);
    }

    [Fact]
    public async Task A_newer_epoch_in_the_slots_record_fences_also_registers_that_were_never_written() // T-M7
    {
        await InitializeAsync();
        var acceptor = (await OpenAsync()).Slots[0].Acceptor;
        await acceptor.PrepareAsync("a", B(1));
        _storages[0].Edit(Slot, json => json.Replace("\"Epoch\":1", "\"Epoch\":2", StringComparison.Ordinal));

        // Decided in the old epoch, the answer is withheld; the next request finds the new one.
        await Assert.ThrowsAsync<AcceptorUnavailableException>(() => acceptor.PrepareAsync("b", B(1)));
        var reply = await acceptor.PrepareAsync("c", B(1));

        AssertEqual(new AcceptorReply.Fenced(2), reply);
    }

    [Fact]
    public async Task A_slot_of_the_format_without_version_floors_is_refused_in_words()
    {
        await InitializeAsync();
        Array.ForEach(_storages, storage => storage.Edit(
            Slot, json => json.Replace("\"Format\":2", "\"Format\":1", StringComparison.Ordinal)));

        var failure = await Assert.ThrowsAsync<SlotStoreException>(OpenAsync);

        Assert.Contains("has format 1, this library reads 2", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_register_of_the_format_without_version_floors_is_refused_in_words()
    {
        await InitializeAsync();
        var acceptor = (await OpenAsync()).Slots[0].Acceptor;
        await acceptor.AcceptAsync("a", B(5), "v");
        _storages[0].Edit(
            "caspaxos.register", json => json.Replace("\"Format\":2", "\"Format\":1", StringComparison.Ordinal));

        var reply = Assert.IsType<AcceptorReply.Failed>(await acceptor.ReadAsync("a"));

        Assert.Contains("has format 1, this library reads 2", reply.Reason, StringComparison.Ordinal);
    }

    [Fact] // A record is never deleted there, so each register has floors of its own (rule 19).
    public async Task A_version_floor_in_a_grain_storage_is_of_its_register_alone()
    {
        await InitializeAsync();
        var acceptor = (await OpenAsync()).Slots[0].Acceptor;
        await acceptor.AcceptAsync("a", B(5), "tombstone");
        await acceptor.EraseAsync("a", B(5), version: 7);

        AssertEqual(new AcceptorReply.Report(Ballot.Zero, default, 7), await acceptor.ReadAsync("a"));
        AssertEqual(new AcceptorReply.Report(Ballot.Zero, default, 0), await acceptor.ReadAsync("b"));
    }

    [Fact]
    public async Task An_init_refuses_a_storage_that_does_not_guard_its_records()
    {
        _storages[1].GuardsWrites = false;

        var failure = await Assert.ThrowsAsync<SlotStoreException>(InitializeAsync);

        Assert.Contains("does not guard its records", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_init_that_was_interrupted_before_it_knew_refuses_such_a_storage_when_it_is_resumed()
    {
        _storages[1].GuardsWrites = false;
        var writes = 0;
        _storages[1].BeforeWrite = _ => ++writes == 1 ? Task.CompletedTask : throw new IOException("The wire is cut.");
        await Assert.ThrowsAsync<SlotStoreException>(InitializeAsync);
        _storages[1].BeforeWrite = static _ => Task.CompletedTask;

        var failure = await Assert.ThrowsAsync<SlotStoreException>(() => InitializeAsync(resume: true));

        Assert.Contains("does not guard its records", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Options_that_cannot_work_are_named_all_at_once()
    {
        _options.Slots[0].GrainStorage = "nowhere";
        _options.Slots[1].GrainStorage = "nothing";
        _options.Slots.Add(new CasPaxosSlotOptions { GrainStorage = "2", Incarnation = Guid.NewGuid() });

        var opening = await Assert.ThrowsAsync<OrleansConfigurationException>(OpenAsync);
        var init = await Assert.ThrowsAsync<OrleansConfigurationException>(InitializeAsync);

        Assert.Equal(opening.Message, init.Message);
        Assert.Collection(
            Assert.IsType<OptionsValidationException>(opening.InnerException).Failures,
            nowhere => Assert.Contains("no grain storage named 'nowhere'", nowhere, StringComparison.Ordinal),
            missing => Assert.Contains("no grain storage named 'nothing'", missing, StringComparison.Ordinal),
            shared => Assert.Contains("several slots are in grain storage '2'", shared, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Slots_and_clusters_that_share_a_storage_keep_their_registers_apart()
    {
        var other = StorageHost.Options("0", "0", "0");
        other.AllowSharedServer = true;
        await InitializeAsync();
        await StorageHost.InitializeAsync(_services, other);
        IAcceptor[] acceptors =
        [
            (await OpenAsync()).Slots[0].Acceptor,
            .. (await StorageHost.OpenAsync(_services, other)).Slots.Select(store => store.Acceptor),
        ];

        for (var i = 0; i < acceptors.Length; i++)
        {
            await acceptors[i].AcceptAsync("a", B(1), $"{i}");
        }

        for (var i = 0; i < acceptors.Length; i++)
        {
            AssertEqual(new AcceptorReply.Report(B(1), Bytes($"{i}")), await acceptors[i].ReadAsync("a"));
        }
    }

    private static ServiceProvider Services(StorageDouble[] storages) =>
        StorageHost.Services([.. storages.Select((storage, i) => ($"{i}", (IGrainStorage)storage))]);

    private Task<Configuration> InitializeAsync() => InitializeAsync(resume: false);

    private Task<Configuration> InitializeAsync(bool resume) =>
        StorageHost.InitializeAsync(_services, _options, resume);

    private Task<OpenedCluster> OpenAsync() => StorageHost.OpenAsync(_services, _options);
}
