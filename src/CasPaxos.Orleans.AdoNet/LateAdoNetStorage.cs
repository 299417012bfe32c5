using Orleans.Storage;

namespace CasPaxos.Orleans.AdoNet;

/// <summary>
/// Orleans' ADO.NET storage, started when it is first used and not with the silo. Its start reads the queries from the
/// database and fails the whole silo when that is down; but a cluster that stands the loss of a database must start a
/// silo without it too.
/// </summary>
internal sealed class LateAdoNetStorage(AdoNetGrainStorage storage) : IGrainStorage
{
    private readonly Lock _gate = new();
    private Task? _started;

    public Task ReadStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState) =>
        ReadStateAsync(stateName, grainId, grainState, CancellationToken.None);

    public async Task ReadStateAsync<T>(
        string stateName, GrainId grainId, IGrainState<T> grainState, CancellationToken cancellationToken)
    {
        await StartAsync().WaitAsync(cancellationToken);
        await storage.ReadStateAsync(stateName, grainId, grainState, cancellationToken);
    }

    public Task WriteStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState) =>
        WriteStateAsync(stateName, grainId, grainState, CancellationToken.None);

    public async Task WriteStateAsync<T>(
        string stateName, GrainId grainId, IGrainState<T> grainState, CancellationToken cancellationToken)
    {
        await StartAsync().WaitAsync(cancellationToken);
        await storage.WriteStateAsync(stateName, grainId, grainState, cancellationToken);
    }

    public Task ClearStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState) =>
        ClearStateAsync(stateName, grainId, grainState, CancellationToken.None);

    public async Task ClearStateAsync<T>(
        string stateName, GrainId grainId, IGrainState<T> grainState, CancellationToken cancellationToken)
    {
        await StartAsync().WaitAsync(cancellationToken);
        await storage.ClearStateAsync(stateName, grainId, grainState, cancellationToken);
    }

    /// <summary>One start at a time; one that failed is tried again by the next call.</summary>
    private Task StartAsync()
    {
        lock (_gate)
        {
            if (_started is null or { IsFaulted: true } or { IsCanceled: true })
            {
                _started = Task.Run(() => new StartOnly(storage).RunAsync());
            }

            return _started;
        }
    }

    /// <summary>A silo's life as far as the storage takes part in it: its start.</summary>
    private sealed class StartOnly : ISiloLifecycle
    {
        private readonly List<ILifecycleObserver> _observers = [];

        public StartOnly(AdoNetGrainStorage storage) => storage.Participate(this);

        public int HighestCompletedStage => ServiceLifecycleStage.ApplicationServices;

        public int LowestStoppedStage => int.MaxValue;

        public IDisposable Subscribe(string observerName, int stage, ILifecycleObserver observer)
        {
            _observers.Add(observer);
            return new Nothing();
        }

        public async Task RunAsync()
        {
            foreach (var observer in _observers)
            {
                await observer.OnStart(CancellationToken.None);
            }
        }

        private sealed class Nothing : IDisposable
        {
            public void Dispose()
            {
                // Never unsubscribed: this life ends with the start.
            }
        }
    }
}
