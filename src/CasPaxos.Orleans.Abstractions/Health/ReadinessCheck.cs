using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;

namespace CasPaxos.Orleans;

/// <summary>
/// Tells whether operations can be carried out from here: healthy if all slots serve, degraded if a quorum of them
/// does, unhealthy if none does or the process is about to stop. Looks once a second at the most, however many ask.
/// </summary>
internal sealed class ReadinessCheck(
    HealthSources sources, TimeProvider? time = null, IHostApplicationLifetime? lifetime = null)
    : IHealthCheck
{
    private static readonly TimeSpan Fresh = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(3);

    private readonly TimeProvider _time = time ?? TimeProvider.System;
    private readonly Lock _gate = new();
    private Task<IReadOnlyDictionary<string, RegisterHealth>>? _look;
    private long _lookedAt;

    public async Task<HealthCheckResult> CheckHealthAsync(
        HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        var failure = context.Registration.FailureStatus;
        if (lifetime?.ApplicationStopping.IsCancellationRequested == true)
        {
            return new HealthCheckResult(failure, "The process is about to stop.");
        }

        if (sources.All.IsEmpty)
        {
            return new HealthCheckResult(
                failure, "Nothing in this process uses registers: call AddCasPaxos or UseCasPaxos… on its builder.");
        }

        var found = await Look().WaitAsync(cancellationToken);
        var status = found.Values.All(health => health.HasQuorum)
            ? found.Values.Any(health => health.IsDegraded) ? HealthStatus.Degraded : HealthStatus.Healthy
            : failure;
        var problems = found.Where(health => health.Value.ToString() != "").Select(
            health => $"{health.Key}: {health.Value}");
        return new HealthCheckResult(
            status,
            status == HealthStatus.Healthy ? "All slots serve." : string.Join(' ', problems),
            data: found.ToDictionary(health => health.Key, object (health) => health.Value));
    }

    private Task<IReadOnlyDictionary<string, RegisterHealth>> Look()
    {
        lock (_gate)
        {
            if (_look is null || (_look.IsCompleted && _time.GetElapsedTime(_lookedAt) >= Fresh))
            {
                _lookedAt = _time.GetTimestamp();
                _look = LookAsync();
            }

            return _look;
        }
    }

    private async Task<IReadOnlyDictionary<string, RegisterHealth>> LookAsync()
    {
        var all = sources.All;
        var found = await Task.WhenAll(all.Select(AskAsync));
        return all.Zip(found).ToDictionary(pair => pair.First.Name, pair => pair.Second);
    }

    private async Task<RegisterHealth> AskAsync(IHealthSource source)
    {
        using var limit = new CancellationTokenSource(Patience, _time);
        try
        {
            return await source.AskAsync(limit.Token).WaitAsync(limit.Token);
        }
        catch (OperationCanceledException) when (limit.IsCancellationRequested)
        {
            return new RegisterHealth(HasQuorum: false, [], $"No answer within {Patience.TotalSeconds:0} s.");
        }
#pragma warning disable CA1031 // Whatever it is, nobody can answer for the slots.
        catch (Exception failure)
#pragma warning restore CA1031
        {
            return new RegisterHealth(HasQuorum: false, [], failure.Message);
        }
    }
}

/// <summary>
/// The process runs. Never a matter of slots: it does not help to restart a process whose databases are away.
/// </summary>
internal sealed class LivenessCheck : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(
        HealthCheckContext context, CancellationToken cancellationToken = default) =>
        Task.FromResult(HealthCheckResult.Healthy("The process runs."));
}
