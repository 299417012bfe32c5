using CasPaxos.Registers;
using static CasPaxos.Orleans.Storage.Tests.Storages;

namespace CasPaxos.Orleans.Storage.Tests;

/// <summary>
/// A silo dies while a write of one of its grains has reached one acceptor of three. The next activation reads, and
/// what it did not see stays away for good (rule 20).
/// </summary>
public sealed class DeadOwnerTests
{
    private readonly MemoryCluster _cluster = new();
    private readonly GrainId _grain = NewGrain();

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task What_an_activation_did_not_see_of_a_dead_one_is_never_seen_later(bool exists)
    {
        var heir = _cluster.Storage();
        var state = await DieWhileWritingAsync(exists);

        // The slot with the dead owner's write is silent while the next activation reads, and is heard afterwards.
        _cluster.Acceptors[0].Down = true;
        await heir.ReadAsync(_grain, state);
        _cluster.Acceptors[0].Down = false;
        var first = (state.RecordExists, state.State!.Text, state.ETag);
        await heir.ReadAsync(_grain, state);

        Assert.Equal(first, (state.RecordExists, state.State!.Text, state.ETag));
        Assert.NotEqual("the dead owner's", state.State.Text);
        var other = await _cluster.Storage().ActivateAsync(_grain);
        Assert.Equal((state.RecordExists, state.ETag), (other.RecordExists, other.ETag));
        await heir.WriteAsync(_grain, state, "the heir's"); // No conflict: nothing has come in between.
        Assert.Equal("the heir's", (await _cluster.Storage().ActivateAsync(_grain)).State!.Text);
    }

    /// <summary>The weaker kind gives no such promise: this is its price, and what the test above would show.</summary>
    [Fact]
    public async Task With_agreed_reads_the_dead_owners_write_may_show_up_afterwards()
    {
        var heir = _cluster.Storage(options => options.SealedReads = false);
        var state = await DieWhileWritingAsync(exists: true);
        _cluster.Acceptors[0].Down = true;
        await heir.ReadAsync(_grain, state);
        _cluster.Acceptors[0].Down = false;
        Assert.Equal("before", state.State!.Text);

        _cluster.Acceptors[2].Down = true;
        await heir.ReadAsync(_grain, state);

        Assert.Equal("the dead owner's", state.State!.Text);
    }

    /// <summary>All slots answer and agree: one round trip, and the first write after it takes one as well.</summary>
    [Fact]
    public async Task An_activation_and_its_first_write_cost_two_round_trips()
    {
        await _cluster.Storage().WriteAsync(_grain, NewState(), "before");
        await HeldEverywhereAsync();
        var heir = Make(_cluster.Client(patience: Ample));
        var none = Requests();

        var state = await heir.ActivateAsync(_grain);
        var read = Requests();
        await heir.WriteAsync(_grain, state, "next");

        // The third slot's request of a round may be under way when two have answered: no slot gets a second one.
        Assert.All(read.Zip(none), slot => Assert.Equal(1, slot.First - slot.Second));
        Assert.All(Requests().Zip(read), slot => Assert.InRange(slot.First - slot.Second, 0, 1));
    }

    /// <summary>Waits for the third slot, which may get the write after two have answered.</summary>
    private async Task HeldEverywhereAsync()
    {
        using var limit = new CancellationTokenSource(Ample);
        foreach (var acceptor in _cluster.Acceptors)
        {
            while ((await acceptor.ScanAsync(new ScanRequest(1, "", null, 1), limit.Token)).Rows is not
                [{ AcceptedBallot: var accepted }] || accepted == Ballot.Zero)
            {
                await Task.Delay(1, limit.Token);
            }
        }
    }

    private int[] Requests() => [.. _cluster.Acceptors.Select(acceptor => acceptor.Requests)];

    /// <returns>The state of the activation that comes after the dead one, not read yet.</returns>
    private async Task<GrainState<TestState>> DieWhileWritingAsync(bool exists)
    {
        Line[] lines =
            [.. _cluster.Acceptors.Select((acceptor, slot) => new Line(acceptor) { DropsAccepts = slot > 0 })];
        var dying = Make(_cluster.Client(lines: lines), options => options.Timeout = Soon);
        var state = NewState();
        if (exists)
        {
            await _cluster.Storage().WriteAsync(_grain, state, "before");
        }

        await Assert.ThrowsAsync<GrainStateOutcomeUnknownException>(
            () => dying.WriteAsync(_grain, state, "the dead owner's"));
        Array.ForEach(lines, line => line.Cut());
        return NewState("not read");
    }
}
