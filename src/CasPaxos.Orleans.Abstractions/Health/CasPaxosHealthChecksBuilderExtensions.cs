using CasPaxos.Orleans;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Health checks of whatever uses registers in this process.</summary>
public static class CasPaxosHealthChecksBuilderExtensions
{
    /// <summary>The tag of the check that says that the process runs.</summary>
    public const string LiveTag = "live";

    /// <summary>The tag of the check that says whether operations can be carried out.</summary>
    public const string ReadyTag = "ready";

    /// <summary>
    /// Adds two checks, for silos and clients alike. <c>{name}-live</c>, tagged <c>live</c>, is healthy while the
    /// process runs: slots that are away are no reason to restart it. <c>{name}-ready</c>, tagged <c>ready</c>, asks
    /// the slots of the register service and of every provider with databases of its own: healthy if all serve,
    /// degraded if some do not but every quorum does, unhealthy if one does not or the process is about to stop.
    /// </summary>
    /// <param name="builder">From <c>services.AddHealthChecks()</c>.</param>
    /// <param name="name">What the names of the checks begin with. Default <c>caspaxos</c>.</param>
    /// <param name="failureStatus">
    /// What to report in place of unhealthy; null, the default, for <see cref="HealthStatus.Unhealthy"/>.
    /// </param>
    /// <param name="tags">Tags of both checks beside their own; null for none.</param>
    /// <returns>The same builder.</returns>
    /// <exception cref="ArgumentException">The name is empty.</exception>
    /// <remarks>
    /// The readiness check looks once a second at the most and is given up after 3 s. Its data has a
    /// <see cref="RegisterHealth"/> for each use of registers, by its name; <c>service</c> for the register service.
    /// ASP.NET Core answers 200 to a degraded check: a silo whose quorum serves takes traffic.
    /// </remarks>
    public static IHealthChecksBuilder AddCasPaxos(
        this IHealthChecksBuilder builder,
        string name = "caspaxos",
        HealthStatus? failureStatus = null,
        IEnumerable<string>? tags = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        string[] shared = [.. tags ?? []];
        builder.Services.TryAddSingleton<HealthSources>();
        builder.Services.TryAddSingleton<ReadinessCheck>();
        return builder
            .Add(new HealthCheckRegistration(
                $"{name}-live", static _ => new LivenessCheck(), failureStatus, [.. shared, LiveTag]))
            .Add(new HealthCheckRegistration(
                $"{name}-ready",
                static services => services.GetRequiredService<ReadinessCheck>(),
                failureStatus,
                [.. shared, ReadyTag]));
    }
}
