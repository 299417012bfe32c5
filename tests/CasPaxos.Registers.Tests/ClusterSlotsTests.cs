namespace CasPaxos.Registers.Tests;

/// <summary>
/// A cluster is made once and opened when enough of it agrees, whatever kinds of stores its slots have (rules 5, 18).
/// The stores here are: 0 draws its incarnation, 1 has a chosen one, 2 draws.
/// </summary>
public sealed class ClusterSlotsTests
{
    private readonly FakeStore[] _stores = [new(0), new(1, Guid.NewGuid()), new(2)];

    [Fact]
    public async Task An_init_gives_every_slot_its_identity_before_it_lets_the_first_one_serve()
    {
        var steps = new List<string>();
        Array.ForEach(_stores, store => store.Before = step => steps.Add($"{step} {store.Slot}"));

        var made = await InitializeAsync();
        var opened = await OpenAsync();

        Assert.Equal(["create 0", "create 1", "create 2", "complete 0", "complete 1", "complete 2"], steps);
        Assert.Equal(_stores[1].Incarnation, made.Incarnations[1]);
        Assert.Equal((made.ClusterId, 1L, 2, 2), (opened.Configuration.ClusterId, opened.Configuration.Epoch,
            opened.Configuration.PrepareQuorum, opened.Configuration.AcceptQuorum));
        Assert.Equal<IEnumerable<Guid>>(made.Incarnations, opened.Configuration.Incarnations);
        Assert.Equal<IEnumerable<Guid>>(made.Incarnations, opened.Slots.Select(slot => slot.Incarnation));
        Assert.Empty(opened.Warnings);
    }

    [Fact]
    public async Task Quorums_that_need_not_intersect_are_refused_before_any_store_is_asked()
    {
        Array.ForEach(_stores, store => store.Before = _ => throw new InvalidOperationException("asked"));

        await Assert.ThrowsAsync<ArgumentException>(
            () => ClusterSlots.InitializeAsync(_stores, new ClusterInit(1, 2, false, false), default));
    }

    [Theory] // Interrupted between two slots, and between the passes; the last ones at the slot that is not first.
    [InlineData("create", 0)]
    [InlineData("create", 1)]
    [InlineData("create", 2)]
    [InlineData("complete", 0)]
    [InlineData("complete", 1)]
    [InlineData("complete", 2)]
    public async Task An_init_that_was_interrupted_anywhere_is_finished_with_what_it_began(string step, int slot)
    {
        _stores[slot].Before = now => _ = now == step ? throw Down(_stores[slot]) : 0;
        var interruption = await Assert.ThrowsAsync<ClusterException>(() => InitializeAsync());
        _stores[slot].Before = _ => { };
        var begun = _stores.Select(store => store.Identity?.Incarnations).FirstOrDefault(all => all is not null);

        if (begun is not null)
        {
            var anew = await Assert.ThrowsAsync<ClusterException>(() => InitializeAsync());
            Assert.Contains("begun and not finished", anew.Message, StringComparison.Ordinal);
        }

        var resumed = await InitializeAsync(resume: true);

        Assert.Contains("let it resume", interruption.Message, StringComparison.Ordinal);
        Assert.True(interruption.MayPass);
        Assert.Equal<IEnumerable<Guid>>(begun ?? resumed.Incarnations, resumed.Incarnations);
        Assert.All(_stores, store => Assert.True(store.Identity!.Complete));
        Assert.Empty((await OpenAsync()).Warnings);
    }

    [Theory] // T-M4
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_slot_of_a_complete_cluster_that_was_wiped_is_never_filled_again(bool interruptedLate)
    {
        _stores[2].Before = step => _ = interruptedLate && step == "complete" ? throw Down(_stores[2]) : 0;
        await Record.ExceptionAsync(() => InitializeAsync());
        _stores[1].Identity = null;

        var failure = await Assert.ThrowsAsync<ClusterException>(() => InitializeAsync(resume: true));

        Assert.Contains("there already", failure.Message, StringComparison.Ordinal);
        Assert.Null(_stores[1].Identity);
    }

    [Fact]
    public async Task A_second_init_is_refused()
    {
        await InitializeAsync();

        foreach (var resume in new[] { false, true })
        {
            var failure = await Assert.ThrowsAsync<ClusterException>(() => InitializeAsync(resume));
            Assert.Contains("there already", failure.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task An_init_does_not_resume_with_slots_of_two_inits_nor_with_other_chosen_incarnations()
    {
        _stores[2].Before = step => _ = step == "create" ? throw Down(_stores[2]) : 0;
        await Record.ExceptionAsync(() => InitializeAsync());
        _stores[2].Before = _ => { };
        var own = _stores[0].Identity!;

        _stores[0].Identity = own with { ClusterId = Guid.NewGuid() };
        await RefuseAsync();
        _stores[0].Identity = own with { Incarnation = Guid.NewGuid() };
        await RefuseAsync();
        _stores[0].Identity = own with { Displaced = "system_identifier" };
        await RefuseAsync();
        _stores[0].Identity = own with { PrepareQuorum = 3 };
        await RefuseAsync();
        _stores[0].Identity = own;
        var chosen = _stores[1].Incarnation;
        _stores[1].Incarnation = Guid.NewGuid();
        await RefuseAsync();
        _stores[1].Incarnation = chosen;
        await InitializeAsync(resume: true);

        async Task RefuseAsync()
        {
            var failure = await Assert.ThrowsAsync<ClusterException>(() => InitializeAsync(resume: true));
            Assert.Contains("not the slots of one init", failure.Message, StringComparison.Ordinal);
            Assert.Contains("clear me", failure.Message, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task An_init_needs_every_slot_reachable_and_fit(bool mayPass)
    {
        _stores[1].Problem = "Slot 1 is ill.";
        _stores[1].ProblemMayPass = mayPass;

        var failure = await Assert.ThrowsAsync<ClusterException>(() => InitializeAsync());

        Assert.Contains("Slot 1 is ill.", failure.Message, StringComparison.Ordinal);
        Assert.Equal(mayPass, failure.MayPass);
        Assert.All(_stores, store => Assert.Null(store.Identity));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public async Task A_cluster_opens_without_a_slot_of_either_kind_and_not_without_two(int down)
    {
        await InitializeAsync();
        _stores[down].Problem = "It is down.";

        var opened = await OpenAsync();
        _stores[2].Identity = null;
        var refused = await Assert.ThrowsAsync<ClusterException>(OpenAsync);

        Assert.Equal(3, opened.Slots.Length);
        Assert.Equal("It is down.", Assert.Single(opened.Warnings));
        Assert.Contains("Only 1 of 3", refused.Message, StringComparison.Ordinal);
        Assert.Contains("It is down. ", refused.Message, StringComparison.Ordinal);
        Assert.True(refused.MayPass);
    }

    [Fact]
    public async Task A_slot_that_is_not_or_no_longer_the_one_that_was_initialised_is_not_counted()
    {
        await InitializeAsync();
        var own = _stores[2].Identity!;
        StoredIdentity?[] others =
        [
            null, own with { Complete = false }, own with { ClusterId = Guid.NewGuid() },
            own with { Incarnation = Guid.NewGuid() }, own with { Displaced = "timeline" },
            own with { Unreadable = "It has another format." },
        ];
        _stores[0].Problem = "It is down.";

        foreach (var other in others)
        {
            _stores[2].Identity = other;
            var refused = await Assert.ThrowsAsync<ClusterException>(OpenAsync);
            _stores[0].Problem = null;
            var opened = await OpenAsync();
            _stores[0].Problem = "It is down.";

            Assert.Contains("Only 1 of 3", refused.Message, StringComparison.Ordinal);
            Assert.Contains("Place 2 does not serve", Assert.Single(opened.Warnings), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_store_that_must_not_hold_a_slot_keeps_the_cluster_closed_although_a_quorum_agrees()
    {
        await InitializeAsync();
        (_stores[1].Problem, _stores[1].ProblemMayPass) = ("It has no unique key.", false);

        var refused = await Assert.ThrowsAsync<ClusterException>(OpenAsync);

        Assert.Equal("It has no unique key.", refused.Message);
        Assert.False(refused.MayPass);
    }

    [Fact]
    public async Task The_newest_configuration_counts_and_one_that_was_only_heard_of_stops_all()
    {
        await InitializeAsync();
        foreach (var store in _stores.Take(2))
        {
            store.Identity = store.Identity! with { ConfigurationEpoch = 2, EpochHeard = 2 };
        }

        var newer = await OpenAsync();
        _stores[0].Identity = _stores[0].Identity! with { ConfigurationEpoch = 3, EpochHeard = 3 };
        var split = await Assert.ThrowsAsync<ClusterException>(OpenAsync);
        _stores[0].Identity = _stores[0].Identity! with { ConfigurationEpoch = 2 };
        var heard = await Assert.ThrowsAsync<ClusterException>(OpenAsync);

        Assert.Equal(2, newer.Configuration.Epoch);
        Assert.Contains("Only 1 of 3", split.Message, StringComparison.Ordinal);
        Assert.Contains("heard of configuration epoch 3", heard.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_newer_configuration_in_a_slot_that_is_not_complete_has_no_say()
    {
        await InitializeAsync();
        _stores[0].Identity = _stores[0].Identity! with { Complete = false, ConfigurationEpoch = 2, EpochHeard = 2 };

        var opened = await OpenAsync();

        Assert.Equal(1, opened.Configuration.Epoch);
        Assert.Contains("begun and not finished", Assert.Single(opened.Warnings), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Slots_in_another_order_or_number_or_of_other_incarnations_do_not_open()
    {
        await InitializeAsync();

        var drawn = await Assert.ThrowsAsync<ClusterException>(() => OpenAsync(
            [_stores[2].At(0), _stores[1], _stores[0].At(2)]));
        var mixed = await Assert.ThrowsAsync<ClusterException>(() => OpenAsync(
            [_stores[1].At(0), _stores[0].At(1), _stores[2]]));
        var few = await Assert.ThrowsAsync<ClusterException>(() => OpenAsync(_stores[..2]));
        _stores[1] = new FakeStore(1, Guid.NewGuid());
        var other = await Assert.ThrowsAsync<ClusterException>(OpenAsync);

        Assert.Contains("leads to the database of slot 2", drawn.Message, StringComparison.Ordinal);
        Assert.Contains("another order", mixed.Message, StringComparison.Ordinal);
        Assert.False(mixed.MayPass);
        Assert.Contains("has 3 slots, but 2", few.Message, StringComparison.Ordinal);
        Assert.Contains("options have others", other.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_store_of_another_cluster_in_the_first_place_does_not_keep_the_others_from_opening()
    {
        await InitializeAsync();
        var stray = new FakeStore(0);
        await ClusterSlots.InitializeAsync([stray], new ClusterInit(null, null, false, false), default);

        var opened = await OpenAsync([stray, _stores[1], _stores[2]]);

        Assert.Equal(_stores[1].Identity!.ClusterId, opened.Configuration.ClusterId);
        Assert.Contains("belongs to cluster", Assert.Single(opened.Warnings), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Two_slots_of_different_kinds_on_one_server_are_refused_and_for_development_reported() // T-O5
    {
        (_stores[0].Server, _stores[1].Server) = ("here", "here");

        var init = await Assert.ThrowsAsync<ClusterException>(() => InitializeAsync());
        await InitializeAsync(allowSharedServer: true);
        var opening = await Assert.ThrowsAsync<ClusterException>(OpenAsync);
        var opened = await ClusterSlots.OpenAsync(_stores, allowSharedServer: true, default);

        Assert.Contains("Slots 0 and 1 are on one server (here)", init.Message, StringComparison.Ordinal);
        Assert.Contains("Slots 0 and 1 are on one server (here)", opening.Message, StringComparison.Ordinal);
        Assert.Contains("Slots 0 and 1 are on one server", Assert.Single(opened.Warnings), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_slot_that_comes_back_on_the_server_of_another_one_is_noticed()
    {
        _stores[0].Server = "here";
        await InitializeAsync();

        await OpenAsync();

        var twin = _stores[1].Servers!.FindTwin(1, "here");
        Assert.Contains("slot 0 is on the same server", twin, StringComparison.Ordinal);
    }

    private static AcceptorUnavailableException Down(FakeStore store) =>
        new($"Slot {store.Slot} is down.", mayHaveTakenEffect: true);

    private async Task<Configuration> InitializeAsync(bool resume = false, bool allowSharedServer = false) =>
        (await ClusterSlots.InitializeAsync(
            _stores, new ClusterInit(null, null, resume, allowSharedServer), default)).Configuration;

    private Task<OpenedCluster> OpenAsync() => OpenAsync(_stores);

    private static Task<OpenedCluster> OpenAsync(FakeStore[] stores) =>
        ClusterSlots.OpenAsync(stores, allowSharedServer: false, default);

    /// <summary>A store in memory that remembers who it is and nothing else.</summary>
    private sealed class FakeStore(int slot, Guid? incarnation = null) : ISlotStore
    {
        public int Slot => slot;

        public Guid? Incarnation { get; set; } = incarnation;

        public StoredIdentity? Identity { get; set; }

        public string? Problem { get; set; }

        public bool ProblemMayPass { get; set; } = true;

        public string? Server { get; set; }

        public SlotServers? Servers { get; private set; }

        /// <summary>Told of each step before it is taken.</summary>
        public Action<string> Before { get; set; } = _ => { };

        /// <summary>The same store named in another place.</summary>
        public FakeStore At(int place) => new(place, Incarnation) { Identity = Identity };

        public Task<SlotFacts> ProbeAsync(CancellationToken cancellationToken) =>
            Task.FromResult(new SlotFacts(slot, $"Place {slot}")
            {
                Incarnation = Incarnation,
                Problem = Problem,
                ProblemMayPass = ProblemMayPass,
                Server = Server,
                Identity = Problem is null ? Identity : null,
                HowToClear = "clear me",
            });

        public Task CreateAsync(Configuration configuration, CancellationToken cancellationToken)
        {
            Before("create");
            Assert.Null(Identity);
            Identity = new StoredIdentity
            {
                ClusterId = configuration.ClusterId,
                Slot = slot,
                Incarnation = configuration.Incarnations[slot],
                ConfigurationEpoch = configuration.Epoch,
                Incarnations = configuration.Incarnations,
                PrepareQuorum = configuration.PrepareQuorum,
                AcceptQuorum = configuration.AcceptQuorum,
                EpochHeard = configuration.Epoch,
            };
            return Task.CompletedTask;
        }

        public Task CompleteAsync(Configuration configuration, CancellationToken cancellationToken)
        {
            Before("complete");
            Assert.True(Identity!.AgreesWith(configuration));
            Identity = Identity with { Complete = true };
            return Task.CompletedTask;
        }

        public OpenedSlot Open(Configuration configuration, SlotServers servers)
        {
            Servers = servers;
            return new OpenedSlot(
                new MemoryAcceptor(),
                configuration.Incarnations[slot],
                CanList: true,
                _ => Task.FromResult(new SlotStatus(null, null, null, null, null)));
        }
    }
}
