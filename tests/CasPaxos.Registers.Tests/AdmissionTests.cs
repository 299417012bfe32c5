using System.Diagnostics;
using Microsoft.Extensions.Time.Testing;
using static CasPaxos.Registers.Tests.RegisterClientTests;

namespace CasPaxos.Registers.Tests;

/// <summary>Rule 24: work is admitted once, for all slots, before its round.</summary>
public sealed class AdmissionTests
{
    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);

    private readonly Cluster _cluster = new();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Fifty_thousand_at_once_are_all_done_where_their_time_allows_it(bool reads)
    {
        var client = _cluster.Client(new RegisterClientOptions { Timeout = TimeSpan.FromMinutes(3) });

        var outcomes = await Task.WhenAll(Enumerable.Range(0, 50_000).Select(i => reads
            ? client.GetAsync(Register(i))
            : client.PutAsync(Register(i), Bytes("x"))));

        Assert.All(outcomes, outcome => Assert.IsType<Outcome.Applied>(outcome));
    }

    [Fact]
    public async Task No_more_rounds_are_under_way_than_there_is_room_for()
    {
        var client = _cluster.Client(new RegisterClientOptions { AttemptsMax = 4, Timeout = Minute });
        var releases = Array.ConvertAll(_cluster.Acceptors, acceptor => acceptor.Hold());

        var puts = Enumerable.Range(0, 100).Select(i => client.PutAsync(Register(i), Bytes("x"))).ToArray();
        await _cluster.CalledAsync(3);
        var asked = _cluster.Acceptors.Max(acceptor => acceptor.Calls);
        Array.ForEach(releases, release => release());

        Assert.InRange(asked, 1, 4);
        Assert.All(await Task.WhenAll(puts), outcome => Assert.IsType<Outcome.Applied>(outcome));
    }

    [Fact]
    public async Task Many_operations_on_one_register_take_the_room_of_one()
    {
        var client = _cluster.Client(new RegisterClientOptions { AttemptsMax = 2, Timeout = Minute });
        var releases = Array.ConvertAll(_cluster.Acceptors, acceptor => acceptor.Hold());

        var busy = Enumerable.Range(0, 500).Select(_ => client.IncrementAsync(Register(0))).ToArray();
        var other = client.PutAsync(Register(1), Bytes("x"));
        await _cluster.CalledAsync(3);
        Array.ForEach(releases, release => release());

        Assert.IsType<Outcome.Applied>(await other);
        Assert.All(await Task.WhenAll(busy), outcome => Assert.IsType<Outcome.Applied>(outcome));
    }

    [Fact]
    public async Task What_waits_in_vain_is_unavailable_before_its_time_is_over_and_was_never_sent()
    {
        var time = new FakeTimeProvider();
        var options = new RegisterClientOptions
        {
            AttemptsMax = 1,
            Timeout = TimeSpan.FromSeconds(10),
            Proposer = new ProposerSettings { PhaseTimeout = Minute },
        };
        var client = new RegisterClient(_cluster.Configuration, _cluster.Acceptors, options: options, time: time);
        for (var i = 0; i < 100; i++)
        {
            // Attempts take a second, as the client sees it.
            var releases = Hold();
            var calls = _cluster.Acceptors.Sum(acceptor => acceptor.Calls);
            var put = client.PutAsync(Register(0), Bytes("x"));
            await Wait.UntilAsync(() => _cluster.Acceptors.Sum(acceptor => acceptor.Calls) >= calls + 3);
            time.Advance(TimeSpan.FromSeconds(1));
            Array.ForEach(releases, release => release());
            Assert.IsType<Outcome.Applied>(await put);
        }

        var held = Hold();
        var inside = client.PutAsync(Register(0), Bytes("y"));
        var waiting = Enumerable.Range(1, 20).Select(i => client.PutAsync(Register(i), Bytes("x"))).ToArray();
        time.Advance(TimeSpan.FromSeconds(5));
        time.Advance(TimeSpan.FromSeconds(4));

        foreach (var outcome in await Task.WhenAll(waiting))
        {
            var unavailable = Assert.IsType<Outcome.Unavailable>(outcome);
            Assert.Contains("More is asked than can be done", unavailable.Reason, StringComparison.Ordinal);
        }

        Assert.False(inside.IsCompleted); // Its time is not over, and an answer may come.
        Array.ForEach(held, release => release());
        Assert.IsType<Outcome.Applied>(await inside);
        Assert.All(_cluster.Acceptors, acceptor => Assert.Equal(1, acceptor.Inner.Count));
    }

    [Fact]
    public async Task No_round_begins_while_a_quorum_is_out_of_reach_but_for_seldom_probes()
    {
        var client = _cluster.Client(new RegisterClientOptions { Timeout = Minute });
        _cluster.Acceptors[0].Down = _cluster.Acceptors[1].Down = true;
        var first = client.PutAsync(Register(0), Bytes("x"));
        await _cluster.CalledAsync(3);
        var clock = Stopwatch.StartNew();
        var before = _cluster.Acceptors[2].Calls;

        var puts = Enumerable.Range(1, 5_000).Select(i => client.PutAsync(Register(i), Bytes("x"))).ToArray();
        await Task.Delay(TimeSpan.FromSeconds(1));
        var calls = _cluster.Acceptors[2].Calls - before;
        var most = 2 + (clock.ElapsedMilliseconds / 50);
        _cluster.Acceptors[0].Down = false;

        Assert.All(await Task.WhenAll([first, .. puts]), outcome => Assert.IsType<Outcome.Applied>(outcome));
        Assert.InRange(calls, 0, most);
    }

    [Fact]
    public async Task What_could_not_begin_says_which_slots_are_out_of_reach()
    {
        var client = _cluster.Client(new RegisterClientOptions { Timeout = TimeSpan.FromSeconds(1) });
        _cluster.Acceptors[0].Down = _cluster.Acceptors[1].Down = true;
        await client.PutAsync(Register(0), Bytes("x"));

        var outcomes = await Task.WhenAll(Enumerable.Range(1, 50).Select(i => client.GetAsync(Register(i))));

        foreach (var outcome in outcomes)
        {
            Assert.Contains("it is down", Assert.IsType<Outcome.Unavailable>(outcome).Reason, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Cancelled_waiters_leave_no_trace()
    {
        var client = _cluster.Client(new RegisterClientOptions { AttemptsMax = 1, Timeout = Minute });
        var releases = Hold();
        using var cancellation = new CancellationTokenSource();
        var inside = client.PutAsync(Register(0), Bytes("x"));
        var waiting = Enumerable.Range(1, 50)
            .Select(i => client.PutAsync(Register(i), Bytes("x"), cancellation.Token)).ToArray();

        await cancellation.CancelAsync();
        foreach (var put in waiting)
        {
            var exception = await Assert.ThrowsAsync<RegisterCanceledException>(() => put);
            Assert.IsType<Outcome.Unavailable>(exception.Outcome);
        }

        Array.ForEach(releases, release => release());
        Assert.IsType<Outcome.Applied>(await inside);
        Assert.IsType<Outcome.Applied>(await client.PutAsync(Register(1), Bytes("y")));
        Assert.All(_cluster.Acceptors, acceptor => Assert.InRange(acceptor.Inner.Count, 0, 2)); // Of 51.
    }

    [Fact]
    public async Task A_custom_change_that_blocks_holds_up_its_own_register_and_no_other()
    {
        using var gate = new ManualResetEventSlim();
        using var began = new ManualResetEventSlim();
        var catalog = new ChangeCatalog(custom: new Dictionary<string, ChangeFunction>
        {
            ["block"] = (_, _) =>
            {
                began.Set();
                gate.Wait();
                return new ChangeResult.Keep();
            },
        });
        var client = _cluster.Client(new RegisterClientOptions { Timeout = Minute }, catalog);
        var block = new Operation(new OperationId(Guid.NewGuid()), new Change.Custom("block", default));
        var blocked = client.ExecuteAsync(Register(0), block, timeout: null);
        await Wait.UntilAsync(() => began.IsSet);

        var puts = await Task.WhenAll(
            Enumerable.Range(1, 100).Select(i => client.PutAsync(Register(i), Bytes("x"))));

        Assert.All(puts, outcome => Assert.IsType<Outcome.Applied>(outcome));
        Assert.False(blocked.IsCompleted);
        gate.Set();
        Assert.IsType<Outcome.Applied>(await blocked);
    }

    private static RegisterKey Register(int number) => new($"register {number}");

    private Action[] Hold() => Array.ConvertAll(_cluster.Acceptors, acceptor => acceptor.Hold());
}
