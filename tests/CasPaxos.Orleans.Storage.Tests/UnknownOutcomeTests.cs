using Orleans.Storage;
using static CasPaxos.Orleans.Storage.Tests.Storages;

namespace CasPaxos.Orleans.Storage.Tests;

/// <summary>
/// Acceptance case 67: a write that may have been applied is never taken for a conflict, for stored or for lost.
/// </summary>
public sealed class UnknownOutcomeTests
{
    private readonly MemoryCluster _cluster = new();
    private readonly GrainId _grain = NewGrain();
    private readonly GrainState<TestState> _state = NewState();
    private readonly IGrainStorage _storage;
    private CasPaxosGrainStorageOptions? _options;

    public UnknownOutcomeTests() => _storage = _cluster.Storage(options => _options = options);

    [Theory]
    [InlineData(true)] // A first write.
    [InlineData(false)]
    public async Task A_write_whose_answer_was_lost_leaves_the_state_as_it_was_and_its_retry_finds_it(bool first)
    {
        await WriteFirstUnlessAsync(first);
        var before = (_state.ETag, _state.RecordExists);
        await LoseAsync(() => _storage.WriteAsync(_grain, _state, "lost"));
        var stored = await _cluster.Storage().ActivateAsync(_grain);

        var during = (_state.ETag, _state.RecordExists);
        await _storage.WriteAsync(_grain, _state, "lost");

        Assert.Equal(before, during);
        Assert.Equal("lost", stored.State!.Text);
        Assert.Equal((stored.ETag, true), (_state.ETag, _state.RecordExists)); // Applied once: no other ETag.
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_write_of_something_else_goes_on_from_the_one_that_was_applied(bool first)
    {
        await WriteFirstUnlessAsync(first);
        await LoseAsync(() => _storage.WriteAsync(_grain, _state, "lost"));

        await _storage.WriteAsync(_grain, _state, "next");

        await AssertStoredAsync("next");
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_write_that_no_acceptor_took_is_applied_by_its_retry(bool same)
    {
        await WriteFirstUnlessAsync(false);
        await FailBetweenRoundsAsync(() => _storage.WriteAsync(_grain, _state, "lost"));
        Assert.Equal("first", (await _cluster.Storage().ActivateAsync(_grain)).State!.Text);

        await _storage.WriteAsync(_grain, _state, same ? "lost" : "next");

        await AssertStoredAsync(same ? "lost" : "next");
    }

    [Fact]
    public async Task A_chain_of_lost_answers_ends_with_the_latest_state_and_no_conflict()
    {
        for (var i = 0; i < 3; i++)
        {
            await LoseAsync(() => _storage.WriteAsync(_grain, _state, $"lost {i}"));
        }

        await _storage.WriteAsync(_grain, _state, "next");
        await AssertStoredAsync("next");
        await _storage.WriteAsync(_grain, _state, "and on");

        await AssertStoredAsync("and on");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_clear_whose_answer_was_lost_is_found_by_its_retry_and_by_a_write(bool delete)
    {
        var storage = _cluster.Storage(options => (_options, options.DeleteStateOnClear) = (options, delete));
        foreach (var retry in (bool[])[true, false])
        {
            await storage.WriteAsync(_grain, _state, "first");
            var before = _state.ETag;
            await LoseAsync(() => storage.ClearAsync(_grain, _state));
            Assert.Equal((before, true, "first"), (_state.ETag, _state.RecordExists, _state.State!.Text));

            if (retry)
            {
                await storage.ClearAsync(_grain, _state);

                Assert.False((await _cluster.Storage().ActivateAsync(_grain)).RecordExists);
                Assert.False(_state.RecordExists);
            }
            else
            {
                await storage.WriteAsync(_grain, _state, "next");

                await AssertStoredAsync("next");
            }
        }
    }

    [Fact]
    public async Task A_lost_first_write_is_cleared_by_a_clear()
    {
        await LoseAsync(() => _storage.WriteAsync(_grain, _state, "lost"));

        await _storage.ClearAsync(_grain, _state);

        Assert.False((await _cluster.Storage().ActivateAsync(_grain)).RecordExists);
    }

    // One database has the lost write. The read and the clear see the other two, and what comes next sees it and one
    // of them.
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_lost_first_write_does_not_come_up_after_a_read_and_a_clear(bool delete)
    {
        var storage = _cluster.Storage(options => (_options = options).DeleteStateOnClear = delete);
        _cluster.Acceptors[1].DropsAccepts = _cluster.Acceptors[2].DropsAccepts = true;
        _options!.Timeout = Soon;
        await Assert.ThrowsAsync<GrainStateOutcomeUnknownException>(() => storage.WriteAsync(_grain, _state, "lost"));
        _options.Timeout = Ample;
        _cluster.Acceptors[1].DropsAccepts = _cluster.Acceptors[2].DropsAccepts = false;
        _cluster.Acceptors[0].Down = true;
        await storage.ReadAsync(_grain, _state);
        Assert.False(_state.RecordExists);

        await storage.ClearAsync(_grain, _state);

        _cluster.Acceptors[0].Down = false;
        _cluster.Acceptors[1].Down = true;
        Assert.False((await _cluster.Storage().ActivateAsync(_grain)).RecordExists);
    }

    [Fact]
    public async Task A_crash_between_commit_and_answer_loses_nothing_and_the_old_activation_cannot_harm()
    {
        await LoseAsync(() => _storage.WriteAsync(_grain, _state, "lost"));
        var heir = _cluster.Storage();
        var next = await heir.ActivateAsync(_grain);
        Assert.Equal("lost", next.State!.Text);
        await heir.WriteAsync(_grain, next, "heir");

        // Its own write was applied, that is the truth; but it is out of date, and the next one tells.
        await _storage.WriteAsync(_grain, _state, "lost");
        var failure = await Assert.ThrowsAsync<InconsistentStateException>(
            () => _storage.WriteAsync(_grain, _state, "old"));

        Assert.Equal(next.ETag, failure.StoredEtag);
        Assert.Equal("heir", (await heir.ActivateAsync(_grain)).State!.Text);
    }

    [Fact]
    public async Task A_lost_write_that_another_activation_prevented_is_a_conflict()
    {
        await WriteFirstUnlessAsync(false);
        var heir = _cluster.Storage();
        var other = await heir.ActivateAsync(_grain);
        await FailBetweenRoundsAsync(() => _storage.WriteAsync(_grain, _state, "lost"));
        await heir.WriteAsync(_grain, other, "heir");

        await Assert.ThrowsAsync<InconsistentStateException>(() => _storage.WriteAsync(_grain, _state, "lost"));

        Assert.Equal("heir", (await heir.ActivateAsync(_grain)).State!.Text);
    }

    [Fact]
    public async Task A_lost_first_write_that_was_deleted_and_made_anew_is_a_conflict()
    {
        await LoseAsync(() => _storage.WriteAsync(_grain, _state, "lost"));
        var heir = _cluster.Storage(options => options.DeleteStateOnClear = true);
        var other = await heir.ActivateAsync(_grain);
        await heir.ClearAsync(_grain, other);
        await heir.WriteAsync(_grain, other, "heir");

        var failure = await Assert.ThrowsAsync<InconsistentStateException>(
            () => _storage.WriteAsync(_grain, _state, "lost"));

        Assert.Equal((other.ETag, null), (failure.StoredEtag, failure.CurrentEtag));
    }

    [Fact]
    public async Task A_read_gives_up_on_a_lost_write_and_what_comes_next_goes_on_from_what_was_read()
    {
        await WriteFirstUnlessAsync(false);
        await FailBetweenRoundsAsync(() => _storage.WriteAsync(_grain, _state, "lost"));
        await _storage.ReadAsync(_grain, _state);
        Assert.Equal("first", _state.State!.Text);

        var before = await SettledAcceptsAsync();
        await _storage.WriteAsync(_grain, _state, "next");

        var accepts = await SettledAcceptsAsync() - before;
        await AssertStoredAsync("next");
        Assert.InRange(accepts, 2, 3); // One round: the lost one was not tried again.
    }

    /// <summary>How many accepts there were, those included that came behind the quorum.</summary>
    private async Task<int> SettledAcceptsAsync()
    {
        int last, now = -1;
        do
        {
            last = now;
            await Task.Delay(200);
            now = _cluster.Acceptors.Sum(acceptor => acceptor.Accepts);
        }
        while (now != last);

        return now;
    }

    [Fact]
    public async Task A_read_that_fails_gives_up_nothing()
    {
        await LoseAsync(() => _storage.WriteAsync(_grain, _state, "lost"));
        TakeMajorityDown();
        await Assert.ThrowsAsync<GrainStateUnavailableException>(() => _storage.ReadAsync(_grain, _state));
        TakeMajorityDown(down: false);

        await _storage.WriteAsync(_grain, _state, "next");

        await AssertStoredAsync("next");
    }

    [Fact]
    public async Task With_a_majority_down_nothing_is_changed_and_it_is_no_conflict()
    {
        await WriteFirstUnlessAsync(false);
        var before = (_state.ETag, _state.RecordExists, Text: "next");
        TakeMajorityDown();

        await Assert.ThrowsAsync<GrainStateUnavailableException>(() => _storage.WriteAsync(_grain, NewState()));
        await Assert.ThrowsAsync<GrainStateUnavailableException>(() => _storage.ReadAsync(_grain, NewState()));
        await Assert.ThrowsAsync<GrainStateUnavailableException>(() => _storage.ClearAsync(_grain, NewState()));
        var failure = await Assert.ThrowsAnyAsync<OrleansException>(
            () => _storage.WriteAsync(_grain, _state, "next"));

        // By the promise of its last write this one had begun: one acceptor may have taken it.
        Assert.IsNotType<InconsistentStateException>(failure);
        Assert.Equal(before, (_state.ETag, _state.RecordExists, _state.State!.Text));
        TakeMajorityDown(down: false);
        await _storage.WriteAsync(_grain, _state, "next");
        await AssertStoredAsync("next");
    }

    [Fact]
    public async Task With_a_minority_down_everything_works()
    {
        _cluster.TakeDown(1);

        await _storage.WriteAsync(_grain, _state, "one");
        await AssertStoredAsync("one");
        await _storage.ClearAsync(_grain, _state);
        await _storage.WriteAsync(_grain, _state, "two");

        await AssertStoredAsync("two");
    }

    /// <summary>Acceptance case 68, traps T-G9 and T-P15.</summary>
    [Fact]
    public async Task An_ETag_is_not_used_again_after_clear_and_erase()
    {
        var client = _cluster.Client();
        var storage = Make(client, options => options.DeleteStateOnClear = true);
        var seen = new HashSet<string?> { null };
        for (var i = 0; i < 5; i++)
        {
            await storage.WriteAsync(_grain, _state, $"text {i}");
            Assert.True(seen.Add(_state.ETag));
            await storage.ClearAsync(_grain, _state);
            Assert.Equal(1, (await client.EraseDeletedAsync("", TimeSpan.Zero)).Erased);
        }
    }

    private void TakeMajorityDown(bool down = true)
    {
        _cluster.TakeDown(2, down);
        _options!.Timeout = down ? Soon : Ample; // When it is back, a busy machine may take its time.
    }

    private async Task WriteFirstUnlessAsync(bool first)
    {
        if (!first)
        {
            await _storage.WriteAsync(_grain, _state, "first");
        }
    }

    private async Task AssertStoredAsync(string text)
    {
        var stored = await _cluster.Storage().ActivateAsync(_grain);
        Assert.Equal((text, _state.ETag, true), (stored.State!.Text, stored.ETag, _state.RecordExists));
    }

    /// <summary>The call takes effect, and its caller is not told.</summary>
    private async Task LoseAsync(Func<Task> call)
    {
        Array.ForEach(_cluster.Acceptors, acceptor => acceptor.LosesAnswers = true);
        _options!.Timeout = Soon;
        await Assert.ThrowsAsync<GrainStateOutcomeUnknownException>(call);
        _options!.Timeout = Ample;
        Array.ForEach(_cluster.Acceptors, acceptor => acceptor.LosesAnswers = false);
    }

    /// <summary>The acceptors go down before what would change the register reaches any of them.</summary>
    private async Task FailBetweenRoundsAsync(Func<Task> call)
    {
        Array.ForEach(_cluster.Acceptors, acceptor => acceptor.DropsAccepts = true);
        _options!.Timeout = Soon;
        await Assert.ThrowsAsync<GrainStateOutcomeUnknownException>(call);
        _options!.Timeout = Ample;
        Array.ForEach(_cluster.Acceptors, acceptor => acceptor.DropsAccepts = false);
    }
}
