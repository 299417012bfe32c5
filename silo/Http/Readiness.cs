using CasPaxos.Orleans;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace CasPaxos.Silo;

/// <summary>What <c>/health/ready</c> says.</summary>
/// <param name="Ready">True if operations can be carried out here.</param>
/// <param name="Status">As the library's health check has it: Healthy, Degraded or Unhealthy.</param>
/// <param name="Draining">True if the silo is about to stop.</param>
/// <param name="Problem">Why nothing is known of the slots, or what is wrong; null if nothing is.</param>
/// <param name="ClusterId">Names the cluster of acceptors.</param>
/// <param name="Epoch">Configuration epoch.</param>
/// <param name="Slots">The slots, in their order.</param>
internal sealed record ReadinessReport(
    bool Ready,
    string Status,
    bool Draining,
    string? Problem,
    Guid? ClusterId,
    long? Epoch,
    IReadOnlyList<SlotHealth>? Slots)
{
    /// <param name="report">What the checks that are tagged for readiness said.</param>
    /// <param name="draining">True if the silo is about to stop.</param>
    public static ReadinessReport Of(HealthReport report, bool draining)
    {
        var problems = report.Entries.Values.Where(entry => entry.Status != HealthStatus.Healthy);
        var service = report.Entries.Values
            .Select(entry => entry.Data.GetValueOrDefault(ServiceHealth.ServiceName))
            .OfType<RegisterHealth>()
            .FirstOrDefault();
        var problem = string.Join(' ', problems.Select(entry => entry.Description));
        return new ReadinessReport(
            report.Status != HealthStatus.Unhealthy,
            report.Status.ToString(),
            draining,
            problem == "" ? null : problem,
            service?.ClusterId,
            service?.Epoch,
            service?.Slots);
    }
}
