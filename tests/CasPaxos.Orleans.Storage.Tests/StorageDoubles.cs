using CasPaxos.Registers;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Orleans.Serialization;
using Orleans.Serialization.Serializers;
using Orleans.Storage;

namespace CasPaxos.Orleans.Storage.Tests;

/// <summary>A grain's state.</summary>
[GenerateSerializer]
public sealed record TestState
{
    /// <summary>Unique in every write.</summary>
    [Id(0)]
    public string Text { get; set; } = "fresh";

    /// <summary>For large states.</summary>
    [Id(1)]
    public byte[] Bytes { get; set; } = [];
}

/// <summary>Where requests wait on their way to the acceptors, until the test has seen that they are there.</summary>
internal sealed class Gate(bool acceptsOnly)
{
    private readonly TaskCompletionSource _arrived = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource<bool> _opened = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Ends when the first request is there.</summary>
    public Task Arrived => _arrived.Task;

    /// <summary>Lets them through, or loses them.</summary>
    public void Open(bool through) => _opened.TrySetResult(through);

    public async Task PassAsync(IReadOnlyList<AcceptorCall> batch)
    {
        if (acceptsOnly && !batch.Any(call => call.Request is AcceptorRequest.Accept))
        {
            return;
        }

        _arrived.TrySetResult();
        if (!await _opened.Task)
        {
            throw new AcceptorUnavailableException("the line went dead", mayHaveTakenEffect: true);
        }
    }
}

/// <summary>An acceptor in memory that can be down, or lose its answers.</summary>
internal sealed class FaultyAcceptor : IAcceptor
{
    private readonly MemoryAcceptor _inner = new();
    private bool _lost;

    /// <summary>Fails before it reaches the acceptor.</summary>
    public bool Down { get; set; }

    /// <summary>Loses every accept on its way to the acceptor, and nobody can tell.</summary>
    public bool DropsAccepts { get; set; }

    /// <summary>Loses all answers from the next accept on; what was asked has taken effect.</summary>
    public bool LosesAnswers { get; set; }

    /// <summary>Accepts that were asked for.</summary>
    public int Accepts { get; private set; }

    /// <summary>Requests of any kind, several together counting as one.</summary>
    public int Requests { get; private set; }

    /// <summary>What its requests pass through; null for nothing.</summary>
    public Gate? Gate { get; set; }

    public async Task<IReadOnlyList<AcceptorReply>> AskAsync(
        IReadOnlyList<AcceptorCall> batch, CancellationToken cancellationToken)
    {
        Requests++;
        if (Gate is { } gate)
        {
            await gate.PassAsync(batch);
        }

        if (Down)
        {
            throw new AcceptorUnavailableException("it is down", mayHaveTakenEffect: false);
        }

        if (DropsAccepts && batch.Any(call => call.Request is AcceptorRequest.Accept))
        {
            throw new AcceptorUnavailableException("the line went dead", mayHaveTakenEffect: true);
        }

        var accepts = batch.Count(call => call.Request is AcceptorRequest.Accept);
        Accepts += accepts;
        _lost |= accepts > 0;
        _lost &= LosesAnswers;
        var replies = await _inner.AskAsync(batch, cancellationToken);
        return _lost
            ? throw new AcceptorUnavailableException("the line went dead", mayHaveTakenEffect: true)
            : replies;
    }

    public Task<ScanPage> ScanAsync(ScanRequest request, CancellationToken cancellationToken) =>
        _inner.ScanAsync(request, cancellationToken);
}

/// <summary>The way of one client to an acceptor. Cut, nothing passes any more, not even what is under way.</summary>
internal sealed class Line(IAcceptor acceptor) : IAcceptor
{
    private readonly Lock _gate = new();
    private bool _isCut;

    /// <summary>Loses every accept on its way to the acceptor, and nobody can tell.</summary>
    public bool DropsAccepts { get; init; }

    public Task<IReadOnlyList<AcceptorReply>> AskAsync(
        IReadOnlyList<AcceptorCall> batch, CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            return _isCut || (DropsAccepts && batch.Any(call => call.Request is AcceptorRequest.Accept))
                ? throw new AcceptorUnavailableException("the line went dead", mayHaveTakenEffect: true)
                : acceptor.AskAsync(batch, cancellationToken);
        }
    }

    public Task<ScanPage> ScanAsync(ScanRequest request, CancellationToken cancellationToken) =>
        acceptor.ScanAsync(request, cancellationToken);

    public void Cut()
    {
        lock (_gate)
        {
            _isCut = true;
        }
    }
}

/// <summary>Three acceptors in memory, and storages over them as silos would have.</summary>
internal sealed class MemoryCluster
{
    private readonly Configuration _configuration;

    public MemoryCluster() => _configuration =
        Configuration.Majority(Guid.NewGuid(), 1, Acceptors.Select(_ => Guid.NewGuid()));

    public FaultyAcceptor[] Acceptors { get; } = [new(), new(), new()];

    /// <summary>Another client: the proposers of another silo.</summary>
    /// <param name="patience">How long a sealed read waits for its last slot; null for the default.</param>
    /// <param name="lines">Its own ways to the acceptors; null for none between.</param>
    public RegisterClient Client(TimeSpan? patience = null, IReadOnlyList<IAcceptor>? lines = null)
    {
        var proposer = new ProposerSettings();
        return new RegisterClient(_configuration, lines ?? Acceptors, options: new RegisterClientOptions
        {
            Timeout = Storages.Ample,
            Proposer = proposer with { Patience = patience ?? proposer.Patience },
        });
    }

    public IGrainStorage Storage(Action<CasPaxosGrainStorageOptions>? configure = null) =>
        Storages.Make(Client(), configure);

    public void TakeDown(int count, bool down = true) =>
        Array.ForEach(Acceptors[..count], acceptor => acceptor.Down = down);
}

/// <summary>Storages without a silo.</summary>
internal static class Storages
{
    public const string Service = "tests";

    /// <summary>Time for an operation that is to fail.</summary>
    public static readonly TimeSpan Soon = TimeSpan.FromMilliseconds(250);

    /// <summary>For operations that are to succeed, on a busy machine too.</summary>
    public static readonly TimeSpan Ample = TimeSpan.FromSeconds(20);

    private static readonly ServiceProvider Services = new ServiceCollection().AddSerializer().BuildServiceProvider();

    private static long _ids;

    public static IGrainStorageSerializer Serializer { get; } =
        new OrleansGrainStorageSerializer(Services.GetRequiredService<Serializer>());

    public static IGrainStorage Make(IRegisterClient client, Action<CasPaxosGrainStorageOptions>? configure = null)
    {
        var options = new CasPaxosGrainStorageOptions { GrainStorageSerializer = Serializer, Timeout = Ample };
        configure?.Invoke(options);
        return new CasPaxosGrainStorage(
            "test",
            Service,
            options,
            client,
            Services.GetRequiredService<IActivatorProvider>(),
            NullLogger<CasPaxosGrainStorage>.Instance);
    }

    /// <summary>A grain that no other test uses.</summary>
    public static GrainId NewGrain() => GrainId.Create("test", $"grain-{Interlocked.Increment(ref _ids)}");

    /// <summary>The state of a new activation that has not read it.</summary>
    public static GrainState<TestState> NewState(string text = "fresh", string? etag = null) =>
        new(new TestState { Text = text }, etag);

    public static Task WriteAsync(this IGrainStorage storage, GrainId grain, IGrainState<TestState> state) =>
        storage.WriteStateAsync("state", grain, state);

    public static Task WriteAsync(
        this IGrainStorage storage, GrainId grain, IGrainState<TestState> state, string text)
    {
        state.State!.Text = text;
        return storage.WriteAsync(grain, state);
    }

    public static Task ClearAsync(this IGrainStorage storage, GrainId grain, IGrainState<TestState> state) =>
        storage.ClearStateAsync("state", grain, state);

    public static Task ReadAsync(this IGrainStorage storage, GrainId grain, IGrainState<TestState> state) =>
        storage.ReadStateAsync("state", grain, state);

    /// <summary>What another activation reads.</summary>
    public static async Task<GrainState<TestState>> ActivateAsync(this IGrainStorage storage, GrainId grain)
    {
        var state = NewState("not read");
        await storage.ReadAsync(grain, state);
        return state;
    }
}
