using CasPaxos.Orleans;

namespace CasPaxos.Silo;

/// <summary>What <c>/health/ready</c> says.</summary>
/// <param name="Ready">True if operations can be carried out here.</param>
/// <param name="Draining">True if the silo is about to stop.</param>
/// <param name="Problem">Why nothing is known; null if it is.</param>
/// <param name="ClusterId">Names the cluster of acceptors.</param>
/// <param name="Epoch">Configuration epoch.</param>
/// <param name="Slots">The slots, in their order.</param>
internal sealed record ReadinessReport(
    bool Ready,
    bool Draining = false,
    string? Problem = null,
    Guid? ClusterId = null,
    long? Epoch = null,
    IReadOnlyList<SlotReadiness>? Slots = null);

/// <summary>One slot, as this silo sees it.</summary>
/// <param name="Slot">The position in the configuration.</param>
/// <param name="Reachable">True if it serves.</param>
/// <param name="Problem">Null if it does; otherwise why not.</param>
internal sealed record SlotReadiness(int Slot, bool Reachable, string? Problem);

/// <summary>
/// Tells whether this silo can carry operations out: whether it reaches a quorum of the slots. Looks once a second at
/// the most, however many ask.
/// </summary>
internal sealed class Readiness(IGrainFactory grains, TimeProvider time)
{
    private static readonly TimeSpan Fresh = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(3);

    private readonly Lock _gate = new();
    private Task<ReadinessReport>? _look;
    private long _lookedAt;
    private volatile bool _draining;

    /// <summary>From now on the silo says that it is not ready.</summary>
    public void Drain() => _draining = true;

    public Task<ReadinessReport> ReportAsync()
    {
        if (_draining)
        {
            return Task.FromResult(new ReadinessReport(Ready: false, Draining: true));
        }

        lock (_gate)
        {
            if (_look is null || (_look.IsCompleted && time.GetElapsedTime(_lookedAt) >= Fresh))
            {
                _lookedAt = time.GetTimestamp();
                _look = LookAsync();
            }

            return _look;
        }
    }

    private async Task<ReadinessReport> LookAsync()
    {
        try
        {
            var status = await new GrainRegisterClient(grains).StatusAsync().WaitAsync(Patience, time);
            return new ReadinessReport(
                status.HasQuorum,
                ClusterId: status.ClusterId,
                Epoch: status.Epoch,
                Slots: [.. status.Slots.Select(slot => new SlotReadiness(slot.Slot, slot.Serves, slot.Problem))]);
        }
#pragma warning disable CA1031 // Whatever it is, the silo cannot answer for the slots.
        catch (Exception failure)
#pragma warning restore CA1031
        {
            return new ReadinessReport(Ready: false, Problem: failure.Message);
        }
    }
}

/// <summary>
/// Keeps a silo that is told to stop answering for a while, so that whoever asks for its readiness turns to others.
/// Then the server takes no new connections, requests under way finish, and the silo leaves its cluster.
/// </summary>
internal sealed partial class DrainService(
    Readiness readiness, SiloHostOptions options, TimeProvider time, ILogger<DrainService> logger)
    : IHostedLifecycleService
{
    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken)
    {
        LogStarted(options.EffectiveName, options.HttpUrl, options.AdvertisedIPAddress, options.GatewayPort);
        return Task.CompletedTask;
    }

    public async Task StoppingAsync(CancellationToken cancellationToken)
    {
        LogDraining(options.EffectiveName, options.DrainTime);
        readiness.Drain();
        await Task.Delay(options.DrainTime, time, cancellationToken)
            .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken)
    {
        LogStopped(options.EffectiveName);
        return Task.CompletedTask;
    }

    [LoggerMessage(6001, LogLevel.Information, "Silo {Name} serves: HTTP at {Url}, gateway at {Address}:{Port}.")]
    private partial void LogStarted(string name, string url, string address, int port);

    [LoggerMessage(6002, LogLevel.Information, "Silo {Name} is told to stop; it answers for another {DrainTime}.")]
    private partial void LogDraining(string name, TimeSpan drainTime);

    [LoggerMessage(6003, LogLevel.Information, "Silo {Name} has stopped.")]
    private partial void LogStopped(string name);
}
