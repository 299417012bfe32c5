using Orleans.Storage;
using static CasPaxos.Orleans.Storage.Tests.Storages;

namespace CasPaxos.Orleans.Storage.Tests;

/// <summary>A caller that gives up is told so at once, and what it left behind is known to the next call.</summary>
public sealed class CancellationTests
{
    private readonly MemoryCluster _cluster = new();
    private readonly GrainId _grain = NewGrain();
    private readonly GrainState<TestState> _state = NewState();
    private readonly IGrainStorage _storage;

    public CancellationTests() => _storage = _cluster.Storage();

    [Theory]
    [InlineData("read")]
    [InlineData("write")]
    [InlineData("clear")]
    public async Task A_call_that_is_cancelled_before_it_begins_throws_and_sends_nothing(string call)
    {
        await _storage.WriteAsync(_grain, _state, "first");
        var (etag, requests) = (_state.ETag, Requests());
        _state.State!.Text = "second";

        await ThrowsAsync(CallAsync(call, new CancellationToken(canceled: true)));

        Assert.Equal(requests, Requests());
        Assert.Equal((etag, true, "second"), (_state.ETag, _state.RecordExists, _state.State.Text));
        Assert.Equal("first", (await _cluster.Storage().ActivateAsync(_grain)).State!.Text);
    }

    /// <summary>The accept of the cancelled write arrives late, or never.</summary>
    [Theory]
    [InlineData(true, "second")]
    [InlineData(true, "third")]
    [InlineData(false, "second")]
    [InlineData(false, "third")]
    public async Task A_write_that_is_cancelled_on_its_way_is_settled_by_the_next_one(bool arrives, string next)
    {
        await _storage.WriteAsync(_grain, _state, "first");
        var before = _state.ETag;

        var failure = await CancelOnItsWayAsync(
            new Gate(acceptsOnly: true), arrives, token => WriteAsync("second", token));

        Assert.IsType<GrainStateOutcomeUnknownException>(failure.InnerException);
        Assert.Equal(before, _state.ETag);
        await _storage.WriteAsync(_grain, _state, next);
        await AssertStoredAsync(next);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_clear_that_is_cancelled_on_its_way_is_settled_by_a_write(bool arrives)
    {
        await _storage.WriteAsync(_grain, _state, "first");

        await CancelOnItsWayAsync(
            new Gate(acceptsOnly: true), arrives, token => _storage.ClearStateAsync("state", _grain, _state, token));

        Assert.True(_state.RecordExists);
        await _storage.WriteAsync(_grain, _state, "next");
        await AssertStoredAsync("next");
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_write_that_is_cancelled_while_it_settles_an_earlier_one_leaves_that_in_doubt(bool arrives)
    {
        await _storage.WriteAsync(_grain, _state, "first");
        await CancelOnItsWayAsync(new Gate(acceptsOnly: true), arrives: true, token => WriteAsync("second", token));

        await CancelOnItsWayAsync(new Gate(acceptsOnly: false), arrives, token => WriteAsync("third", token));
        await ThrowsAsync(WriteAsync("fourth", new CancellationToken(canceled: true)));

        await _storage.WriteAsync(_grain, _state, "fifth");
        await AssertStoredAsync("fifth");
    }

    [Fact]
    public async Task A_first_write_that_is_cancelled_before_its_accept_is_sent_was_not_made_and_is_made_by_the_next()
    {
        var failure = await CancelOnItsWayAsync(
            new Gate(acceptsOnly: false), arrives: true, token => WriteAsync("lost", token));
        var stored = await _cluster.Storage().ActivateAsync(_grain);

        Assert.IsType<GrainStateUnavailableException>(failure.InnerException);
        Assert.False(stored.RecordExists);
        Assert.Equal(0, _cluster.Acceptors.Sum(acceptor => acceptor.Accepts));
        await _storage.WriteAsync(_grain, _state, "next");
        await AssertStoredAsync("next");
    }

    [Fact]
    public async Task A_read_that_is_cancelled_on_its_way_changes_nothing_and_forgets_no_write_in_doubt()
    {
        await _storage.WriteAsync(_grain, _state, "first");
        await CancelOnItsWayAsync(new Gate(acceptsOnly: true), arrives: true, token => WriteAsync("second", token));
        var before = _state.ETag;

        await CancelOnItsWayAsync(
            new Gate(acceptsOnly: false),
            arrives: false,
            token => _storage.ReadStateAsync("state", _grain, _state, token));

        Assert.Equal((before, "second"), (_state.ETag, _state.State!.Text));
        await _storage.WriteAsync(_grain, _state, "third");
        await AssertStoredAsync("third");
    }

    private int Requests() => _cluster.Acceptors.Sum(acceptor => acceptor.Requests);

    private Task CallAsync(string call, CancellationToken token) => call switch
    {
        "read" => _storage.ReadStateAsync("state", _grain, _state, token),
        "write" => _storage.WriteStateAsync("state", _grain, _state, token),
        _ => _storage.ClearStateAsync("state", _grain, _state, token),
    };

    private Task WriteAsync(string text, CancellationToken token)
    {
        _state.State!.Text = text;
        return _storage.WriteStateAsync("state", _grain, _state, token);
    }

    /// <summary>Cancels a call when its requests are on their way, and then lets those through or loses them.</summary>
    private async Task<OperationCanceledException> CancelOnItsWayAsync(
        Gate gate, bool arrives, Func<CancellationToken, Task> call)
    {
        using var source = new CancellationTokenSource();
        Array.ForEach(_cluster.Acceptors, acceptor => acceptor.Gate = gate);
        var running = call(source.Token);
        await gate.Arrived;
        await source.CancelAsync();
        var failure = await ThrowsAsync(running);
        gate.Open(arrives);
        Array.ForEach(_cluster.Acceptors, acceptor => acceptor.Gate = null);
        Assert.Equal(source.Token, failure.CancellationToken);
        return failure;
    }

    private static Task<OperationCanceledException> ThrowsAsync(Task call) =>
        Assert.ThrowsAsync<OperationCanceledException>(() => call);

    private async Task AssertStoredAsync(string text)
    {
        var stored = await _cluster.Storage().ActivateAsync(_grain);
        Assert.Equal((text, _state.ETag, true), (stored.State!.Text, stored.ETag, _state.RecordExists));
    }
}
