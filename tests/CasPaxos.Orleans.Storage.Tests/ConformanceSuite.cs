using Orleans.Storage;
using static CasPaxos.Orleans.Storage.Tests.Storages;

namespace CasPaxos.Orleans.Storage.Tests;

/// <summary>
/// What grains rely on, whatever keeps the registers and however states are cleared: acceptance case 66, by the names
/// of its list.
/// </summary>
public abstract class ConformanceSuite
{
    /// <summary>The storage.</summary>
    protected abstract IGrainStorage Storage { get; }

    [SkippableFact]
    public Task WriteReadIdCyrillic() => WriteReadAsync(GrainId.Create("тип", "ключ/№1"), "состояние");

    [SkippableFact]
    public async Task ReadNonExistentState()
    {
        var state = NewState("not read", "1-0000000000000000000000000000000f");

        await Storage.ReadAsync(NewGrain(), state);

        Assert.Null(state.ETag);
        Assert.False(state.RecordExists);
    }

    [SkippableFact]
    public async Task ReadNonExistentStateHasNonNullState()
    {
        var state = new GrainState<TestState>(null!);

        await Storage.ReadAsync(NewGrain(), state);

        Assert.Equal(new TestState().Text, state.State!.Text);
    }

    [SkippableFact]
    public async Task WriteClearWrite()
    {
        var grain = NewGrain();
        var state = NewState("one");
        await Storage.WriteAsync(grain, state);
        await Storage.ClearAsync(grain, state);

        await Storage.WriteAsync(grain, state, "two");

        await AssertStoredAsync(grain, state, "two");
    }

    [SkippableFact]
    public async Task WriteClearRead()
    {
        var grain = NewGrain();
        var state = NewState("one");
        await Storage.WriteAsync(grain, state);

        await Storage.ClearAsync(grain, state);

        await AssertClearedAsync(grain, state);
    }

    [SkippableFact]
    public async Task WriteReadClearReadCycle()
    {
        var grain = NewGrain();
        var state = NewState();
        for (var i = 0; i < 5; i++)
        {
            await Storage.WriteAsync(grain, state, $"text {i}");
            await AssertStoredAsync(grain, state, $"text {i}");
            await Storage.ReadAsync(grain, state);
            await Storage.ClearAsync(grain, state);
            await AssertClearedAsync(grain, state);
            await Storage.ReadAsync(grain, state);
        }
    }

    [SkippableFact]
    public Task WriteRead_StringKey() => WriteReadAsync(GrainId.Create("test", $"a b%/{Guid.NewGuid()}"), "state");

    [SkippableFact]
    public Task WriteRead_IntegerKey() => WriteReadAsync(
        GrainId.Create(GrainType.Create("test"), GrainIdKeyExtensions.CreateIntegerKey(Random.Shared.NextInt64())),
        "state");

    [SkippableFact]
    public async Task ClearBeforeWrite()
    {
        var grain = NewGrain();
        var state = NewState();

        await Storage.ClearAsync(grain, state);

        await AssertClearedAsync(grain, state);
        await Storage.WriteAsync(grain, state, "one");
        await AssertStoredAsync(grain, state, "one");
    }

    [SkippableFact]
    public async Task ClearStateDoesNotNullifyState()
    {
        var grain = NewGrain();
        var state = NewState("one");
        await Storage.WriteAsync(grain, state);

        await Storage.ClearAsync(grain, state);

        Assert.Equal(new TestState().Text, state.State!.Text);
    }

    [SkippableFact]
    public async Task ClearUpdatesETag()
    {
        var grain = NewGrain();
        var state = NewState("one");
        await Storage.WriteAsync(grain, state);
        var written = state.ETag;

        await Storage.ClearAsync(grain, state);

        Assert.NotEqual(written, state.ETag);
    }

    [SkippableFact]
    public async Task ReadAfterClear()
    {
        var grain = NewGrain();
        var state = NewState("one");
        await Storage.WriteAsync(grain, state);
        await Storage.ClearAsync(grain, state);
        var cleared = state.ETag;

        await Storage.ReadAsync(grain, state);

        Assert.Equal(cleared, state.ETag);
        Assert.False(state.RecordExists);
        Assert.Equal(new TestState().Text, state.State!.Text);
    }

    [SkippableFact]
    public async Task MultipleClearOperations()
    {
        var grain = NewGrain();
        var state = NewState("one");
        await Storage.WriteAsync(grain, state);

        for (var i = 0; i < 3; i++)
        {
            await Storage.ClearAsync(grain, state);
            await AssertClearedAsync(grain, state);
        }

        await Storage.WriteAsync(grain, state, "two");
        await AssertStoredAsync(grain, state, "two");
    }

    [SkippableFact]
    public async Task WriteDuplicateFailsWithInconsistentStateException()
    {
        var grain = NewGrain();
        var winner = NewState("winner");
        await Storage.WriteAsync(grain, winner);
        var loser = NewState("loser");

        var failure = await Assert.ThrowsAsync<InconsistentStateException>(() => Storage.WriteAsync(grain, loser));

        Assert.Equal((winner.ETag, null), (failure.StoredEtag, failure.CurrentEtag));
        Assert.Equal(("loser", null, false), (loser.State!.Text, loser.ETag, loser.RecordExists));
        await AssertStoredAsync(grain, winner, "winner");
    }

    [SkippableTheory]
    [InlineData("17")]
    [InlineData("3-0000000000000000000000000000000f")]
    public async Task WriteInconsistentFailsWithInconsistentStateException(string etag)
    {
        var grain = NewGrain();
        var state = NewState("one", etag);

        var failure = await Assert.ThrowsAsync<InconsistentStateException>(() => Storage.WriteAsync(grain, state));

        Assert.Equal((null, etag), (failure.StoredEtag, failure.CurrentEtag));
        Assert.False((await Storage.ActivateAsync(grain)).RecordExists);
    }

    [SkippableFact]
    public async Task ETagChangesOnWrite()
    {
        var grain = NewGrain();
        var state = NewState();
        var seen = new HashSet<string?> { null };
        for (var i = 0; i < 10; i++)
        {
            await Storage.WriteAsync(grain, state, $"text {i}");
            Assert.True(seen.Add(state.ETag));
        }
    }

    [SkippableFact]
    public async Task WriteWithSameValuesUpdatesETag()
    {
        var grain = NewGrain();
        var state = NewState("one");
        await Storage.WriteAsync(grain, state);
        var first = state.ETag;

        await Storage.WriteAsync(grain, state);

        Assert.NotEqual(first, state.ETag);
        await AssertStoredAsync(grain, state, "one");
    }

    [SkippableFact]
    public async Task ClearInconsistentFailsWithInconsistentStateException()
    {
        var grain = NewGrain();
        var stored = NewState("one");
        await Storage.WriteAsync(grain, stored);
        var stale = NewState("stale", stored.ETag);
        await Storage.WriteAsync(grain, stored, "two");

        foreach (var etag in (string?[])[stale.ETag, null, "17"])
        {
            stale.ETag = etag;
            var failure = await Assert.ThrowsAsync<InconsistentStateException>(
                () => Storage.ClearAsync(grain, stale));

            Assert.Equal((stored.ETag, etag), (failure.StoredEtag, failure.CurrentEtag));
            Assert.Equal(("stale", etag), (stale.State!.Text, stale.ETag));
        }

        await AssertStoredAsync(grain, stored, "two");
    }

    [SkippableFact]
    public async Task StateNamesUseIndependentRecords()
    {
        var grain = NewGrain();
        var one = NewState("one");
        var two = NewState("two");
        await Storage.WriteStateAsync("a", grain, one);
        await Storage.WriteStateAsync("b", grain, two);

        await Storage.ClearStateAsync("a", grain, one);

        await Storage.ReadStateAsync("a", grain, one);
        await Storage.ReadStateAsync("b", grain, two);
        Assert.False(one.RecordExists);
        Assert.Equal("two", two.State!.Text);
    }

    [SkippableFact]
    public Task WriteReadWriteReadStatesInParallel() => Parallel.ForAsync(0, 100, async (_, _) =>
    {
        var grain = NewGrain();
        var state = NewState();
        for (var i = 0; i < 10; i++)
        {
            var before = state.ETag;
            await Storage.WriteAsync(grain, state, $"{grain} {i}");
            Assert.NotEqual(before, state.ETag);
            await AssertStoredAsync(grain, state, $"{grain} {i}");
        }
    });

    /// <summary>Trap T-P15.</summary>
    [SkippableFact]
    public async Task Reads_do_not_change_the_ETag()
    {
        var grain = NewGrain();
        var state = NewState("one");
        await Storage.WriteAsync(grain, state);

        for (var i = 0; i < 3; i++)
        {
            Assert.Equal(state.ETag, (await Storage.ActivateAsync(grain)).ETag);
        }

        await Storage.WriteAsync(grain, state, "two");
    }

    [SkippableFact]
    public async Task Of_two_first_writes_at_once_one_wins_in_each_of_a_hundred_races()
    {
        for (var race = 0; race < 100; race++)
        {
            var grain = NewGrain();
            GrainState<TestState>[] states = [NewState("left"), NewState("right")];

            var failures = await Task.WhenAll(states.Select(
                state => Record.ExceptionAsync(() => Storage.WriteAsync(grain, state))));

            var winner = states[Array.FindIndex(failures, failure => failure is null)];
            Assert.IsType<InconsistentStateException>(Assert.Single(failures, failure => failure is not null));
            await AssertStoredAsync(grain, winner, winner.State!.Text);
        }
    }

    private async Task WriteReadAsync(GrainId grain, string stateName)
    {
        var state = NewState($"written {Guid.NewGuid()}");
        await Storage.WriteStateAsync(stateName, grain, state);
        var read = NewState("not read");
        await Storage.ReadStateAsync(stateName, grain, read);

        Assert.Equal((state.State!.Text, state.ETag, true), (read.State!.Text, read.ETag, read.RecordExists));
        Assert.True(state.RecordExists);
    }

    private async Task AssertStoredAsync(GrainId grain, GrainState<TestState> state, string text)
    {
        var stored = await Storage.ActivateAsync(grain);
        Assert.Equal((text, state.ETag, true), (stored.State!.Text, stored.ETag, stored.RecordExists));
        Assert.True(state.RecordExists);
    }

    private async Task AssertClearedAsync(GrainId grain, GrainState<TestState> state)
    {
        var stored = await Storage.ActivateAsync(grain);
        Assert.Equal((new TestState().Text, state.ETag, false), (stored.State!.Text, stored.ETag, stored.RecordExists));
        Assert.False(state.RecordExists);
        Assert.Equal(new TestState().Text, state.State!.Text);
    }
}

/// <summary>Over acceptors in memory; a cleared state leaves a marker.</summary>
public sealed class KeepingConformanceTests : ConformanceSuite
{
    /// <inheritdoc/>
    protected override IGrainStorage Storage { get; } = new MemoryCluster().Storage();
}

/// <summary>Over acceptors in memory; a cleared state is deleted.</summary>
public sealed class DeletingConformanceTests : ConformanceSuite
{
    /// <inheritdoc/>
    protected override IGrainStorage Storage { get; } =
        new MemoryCluster().Storage(options => options.DeleteStateOnClear = true);
}
