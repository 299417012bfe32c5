namespace CasPaxos.Silo;

/// <summary>
/// Keeps a silo that is told to stop answering for a while, so that whoever asks for its readiness turns to others.
/// Then the server takes no new connections, requests under way finish, and the silo leaves its cluster. Where the
/// cluster's membership cannot be told, Orleans would wait for it for two minutes: the process ends before.
/// </summary>
internal sealed partial class DrainService(
    IHostApplicationLifetime lifetime, SiloHostOptions options, TimeProvider time, ILogger<DrainService> logger)
    : IHostedLifecycleService
{
    /// <summary>How long the silo may take to leave its cluster, beyond the time of its requests.</summary>
    private static readonly TimeSpan LeaveTime = TimeSpan.FromSeconds(5);

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
        lifetime.StopApplication(); // It is not ready any more, however the stop was asked for.
        await Task.Delay(options.DrainTime, time, cancellationToken)
            .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _ = ExitWhenOverdueAsync();
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken)
    {
        LogStopped(options.EffectiveName);
        return Task.CompletedTask;
    }

    private async Task ExitWhenOverdueAsync()
    {
        await Task.Delay(options.ShutdownTimeout + LeaveTime, time, lifetime.ApplicationStopped)
            .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (!lifetime.ApplicationStopped.IsCancellationRequested)
        {
            LogOverdue(options.EffectiveName);
            Environment.Exit(ExitCodes.Done);
        }
    }

    [LoggerMessage(6001, LogLevel.Information, "Silo {Name} serves: HTTP at {Url}, gateway at {Address}:{Port}.")]
    private partial void LogStarted(string name, string url, string address, int port);

    [LoggerMessage(6002, LogLevel.Information, "Silo {Name} is told to stop; it answers for another {DrainTime}.")]
    private partial void LogDraining(string name, TimeSpan drainTime);

    [LoggerMessage(6004, LogLevel.Warning,
        "Silo {Name} ends without having left its cluster: the membership cannot be told. The other silos find out " +
        "by themselves, as of one that was killed.")]
    private partial void LogOverdue(string name);

    [LoggerMessage(6003, LogLevel.Information, "Silo {Name} has stopped.")]
    private partial void LogStopped(string name);
}
