using System.Diagnostics;
using static CasPaxos.Registers.Tests.RegisterClientTests;

namespace CasPaxos.Registers.Tests;

public sealed class AcceptorQueueTests
{
    [Fact]
    public async Task A_full_queue_refuses_at_once_and_loses_nothing_that_it_took()
    {
        var cluster = new Cluster(1);
        var client = cluster.Client(new RegisterClientOptions { QueueMax = 4, Timeout = TimeSpan.FromSeconds(60) });
        var release = cluster.Acceptors[0].Hold();

        var operations = Enumerable.Range(0, 20)
            .Select(i => client.PutAsync(new RegisterKey($"r{i}"), Bytes("x"))).ToArray();
        await cluster.CalledAsync(1);
        var asked = cluster.Acceptors[0].Calls;
        release();
        var outcomes = await Task.WhenAll(operations);

        // Refused requests are tried again until the deadline, so all of them get through once there is room.
        Assert.InRange(asked, 1, 5);
        Assert.All(outcomes, outcome => Assert.IsType<Outcome.Applied>(outcome));
    }

    [Fact]
    public async Task A_register_with_too_many_waiters_answers_unavailable_at_once()
    {
        var cluster = new Cluster(1);
        var settings = new RegisterClientOptions { Proposer = new ProposerSettings { QueueMax = 2 } };
        var client = cluster.Client(settings);
        var key = new RegisterKey("a register");
        var release = cluster.Acceptors[0].Hold();

        var taken = Enumerable.Range(0, 3).Select(_ => client.IncrementAsync(key)).ToArray();
        var surplus = await client.IncrementAsync(key);
        release();

        var unavailable = Assert.IsType<Outcome.Unavailable>(surplus);
        Assert.Contains("2 operations wait", unavailable.Reason, StringComparison.Ordinal);
        Assert.All(await Task.WhenAll(taken), outcome => Assert.IsType<Outcome.Applied>(outcome));
        Assert.Equal("3", Text(await client.GetAsync(key)));
    }

    [Fact]
    public async Task An_acceptor_that_is_down_is_probed_seldom_and_used_again_when_it_is_back()
    {
        var cluster = new Cluster();
        var client = cluster.Client();
        cluster.Acceptors[2].Down = true;

        var clock = Stopwatch.StartNew();
        for (var i = 0; i < 500; i++)
        {
            await client.PutAsync(new RegisterKey($"r{i}"), Bytes("x"));
        }

        var probes = cluster.Acceptors[2].Batches;
        var most = 3 + (clock.ElapsedMilliseconds / 50);
        cluster.Acceptors[2].Down = false;
        await Wait.UntilAsync(() =>
        {
            _ = client.PutAsync(new RegisterKey("back"), Bytes("x"));
            return cluster.Acceptors[2].Inner.Count > 0;
        });

        Assert.InRange(probes, 1, most);
    }

    [Fact]
    public async Task An_acceptor_that_throws_something_unforeseen_does_not_stop_its_queue()
    {
        var odd = new OddAcceptor();
        var configuration = Configuration.Majority(Guid.NewGuid(), 1, [Guid.NewGuid()]);
        var client = new RegisterClient(configuration, [odd]);

        var outcome = await client.PutAsync(new RegisterKey("a register"), Bytes("x"));

        Assert.IsType<Outcome.Applied>(outcome);
        Assert.True(odd.Thrown);
    }

    [Fact]
    public async Task An_acceptor_that_answers_too_few_requests_does_not_stop_its_queue()
    {
        var odd = new OddAcceptor { Truncates = true };
        var configuration = Configuration.Majority(Guid.NewGuid(), 1, [Guid.NewGuid()]);
        var client = new RegisterClient(configuration, [odd]);

        var outcome = await client.PutAsync(new RegisterKey("a register"), Bytes("x"));

        Assert.IsType<Outcome.Applied>(outcome);
        Assert.True(odd.Thrown);
    }

    private sealed class OddAcceptor : IAcceptor
    {
        private readonly MemoryAcceptor _inner = new();

        public bool Truncates { get; init; }

        public bool Thrown { get; private set; }

        public Task<IReadOnlyList<AcceptorReply>> AskAsync(
            IReadOnlyList<AcceptorCall> batch, CancellationToken cancellationToken)
        {
            if (!Thrown)
            {
                Thrown = true;
                return Truncates
                    ? Task.FromResult<IReadOnlyList<AcceptorReply>>([])
                    : throw new InvalidOperationException("odd");
            }

            return _inner.AskAsync(batch, cancellationToken);
        }

        public Task<ScanPage> ScanAsync(ScanRequest request, CancellationToken cancellationToken) =>
            _inner.ScanAsync(request, cancellationToken);
    }
}
