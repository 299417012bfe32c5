namespace CasPaxos.Orleans;

/// <summary>Background work of a cluster, again and again, while this silo is active and the work is its own.</summary>
internal sealed class SiloSweeps(TimeSpan interval, Func<bool> isMine, Func<CancellationToken, Task> sweepAsync)
    : IDisposable
{
    private readonly CancellationTokenSource _end = new(); // Not disposed: it holds nothing.
    private Task _running = Task.CompletedTask;

    public void Participate(ISiloLifecycle lifecycle, string name) =>
        lifecycle.Subscribe(name, ServiceLifecycleStage.Active, Start, StopAsync);

    /// <summary>Ends them, also where the silo was never stopped. Twice is once.</summary>
    public void Dispose() => _end.Cancel();

    private Task Start(CancellationToken cancellationToken)
    {
        if (interval > TimeSpan.Zero)
        {
            _running = Task.Run(RunAsync, CancellationToken.None);
        }

        return Task.CompletedTask;
    }

    private async Task StopAsync(CancellationToken cancellationToken)
    {
        await _end.CancelAsync();
        await _running.WaitAsync(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private async Task RunAsync()
    {
        while (!_end.IsCancellationRequested)
        {
            await Task.Delay(interval, _end.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (!_end.IsCancellationRequested && isMine())
            {
                await sweepAsync(_end.Token);
            }
        }
    }
}
