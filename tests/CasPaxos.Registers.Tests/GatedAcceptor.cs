namespace CasPaxos.Registers.Tests;

/// <summary>An acceptor that counts what it is asked, and can be held, failed, or made to lose its answers.</summary>
internal sealed class GatedAcceptor : IAcceptor
{
    private volatile TaskCompletionSource? _gate;
    private int _batches;
    private int _calls;
    private int _scans;
    private int _writeBatches;

    public MemoryAcceptor Inner { get; } = new();

    /// <summary>Fails before it reaches the acceptor.</summary>
    public bool Down { get; set; }

    /// <summary>Fails erasures alone, before they reach the acceptor.</summary>
    public bool RefusesErasures { get; set; }

    /// <summary>Answers scans, and fails everything else before it reaches the acceptor.</summary>
    public bool RefusesWrites { get; set; }

    /// <summary>How long a batch takes.</summary>
    public TimeSpan BatchDelay { get; set; }

    /// <summary>How long a scan takes.</summary>
    public TimeSpan ScanDelay { get; set; }

    /// <summary>The most scans that were under way at a time.</summary>
    public int ScansAtOnce { get; private set; }

    /// <summary>Scans get no answer, ever.</summary>
    public bool ScansHang { get; set; }

    /// <summary>Fails behind the acceptor: what was asked has taken effect.</summary>
    public bool LosesReplies { get; set; }

    public int Batches => _batches;

    public int WriteBatches => _writeBatches;

    public int Calls => _calls;

    public void Reset() => _batches = _calls = _writeBatches = 0;

    /// <summary>Holds every batch until the returned action is called.</summary>
    public Action Hold()
    {
        var gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _gate = gate;
        return () =>
        {
            _gate = null;
            gate.SetResult();
        };
    }

    public async Task<IReadOnlyList<AcceptorReply>> AskAsync(
        IReadOnlyList<AcceptorCall> batch, CancellationToken cancellationToken)
    {
        Interlocked.Increment(ref _batches);
        Interlocked.Add(ref _calls, batch.Count);
        if (batch[0].Request is not AcceptorRequest.Read)
        {
            Interlocked.Increment(ref _writeBatches);
        }

        if (_gate is { } gate)
        {
            await gate.Task;
        }

        if (BatchDelay > TimeSpan.Zero)
        {
            await Task.Delay(BatchDelay, cancellationToken);
        }

        if (Down || RefusesWrites || (RefusesErasures && batch[0].Request is AcceptorRequest.Erase))
        {
            throw new AcceptorUnavailableException("it is down", mayHaveTakenEffect: false);
        }

        var replies = await Inner.AskAsync(batch, cancellationToken);
        return LosesReplies
            ? throw new AcceptorUnavailableException("the line went dead", mayHaveTakenEffect: true)
            : replies;
    }

    public async Task<ScanPage> ScanAsync(ScanRequest request, CancellationToken cancellationToken)
    {
        lock (Inner)
        {
            ScansAtOnce = Math.Max(ScansAtOnce, ++_scans);
        }

        try
        {
            await Task.Delay(ScansHang ? Timeout.InfiniteTimeSpan : ScanDelay, cancellationToken);
            return Down
                ? throw new AcceptorUnavailableException("it is down", mayHaveTakenEffect: false)
                : await Inner.ScanAsync(request, cancellationToken);
        }
        finally
        {
            lock (Inner)
            {
                _scans--;
            }
        }
    }
}

/// <summary>Three gated acceptors and clients over them.</summary>
internal sealed class Cluster
{
    public Cluster(int slots = 3)
    {
        Acceptors = [.. Enumerable.Range(0, slots).Select(_ => new GatedAcceptor())];
        Configuration = Configuration.Majority(Guid.NewGuid(), 1, Acceptors.Select(_ => Guid.NewGuid()));
    }

    public Configuration Configuration { get; }

    public GatedAcceptor[] Acceptors { get; }

    public RegisterClient Client(RegisterClientOptions? options = null, ChangeCatalog? catalog = null) =>
        new(Configuration, Acceptors, catalog, options);

    /// <summary>Waits for the slots that answer behind the quorum: until so many requests have arrived.</summary>
    public async Task CalledAsync(int calls)
    {
        await Wait.UntilAsync(() => Acceptors.Sum(acceptor => acceptor.Calls) >= calls);
        await Task.Delay(30); // One too many may show itself.
    }
}
