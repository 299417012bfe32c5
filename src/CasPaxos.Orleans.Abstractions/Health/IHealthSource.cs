using System.Collections.Immutable;
using Microsoft.Extensions.DependencyInjection;

namespace CasPaxos.Orleans;

/// <summary>A use of registers in this process, as the health check sees it.</summary>
internal interface IHealthSource
{
    /// <summary>The name of its entry in the health check's data.</summary>
    string Name { get; }

    /// <summary>Asks the slots. Fails, or is broken off, when nobody answers.</summary>
    Task<RegisterHealth> AskAsync(CancellationToken cancellationToken);
}

/// <summary>The register service: of this silo, or of the cluster that this client is connected to.</summary>
/// <param name="services">
/// Where grains come from. Looked up when it is asked: a membership table, which grains need, may need this object.
/// </param>
internal sealed class ServiceHealth(IServiceProvider services) : IHealthSource
{
    public const string ServiceName = "service";

    public string Name => ServiceName;

    public async Task<RegisterHealth> AskAsync(CancellationToken cancellationToken)
    {
        var grains = services.GetRequiredService<IGrainFactory>();
        var status = await new GrainRegisterClient(grains).StatusAsync(cancellationToken);
        return new RegisterHealth(
            status.HasQuorum,
            [.. status.Slots.Select(slot => new SlotHealth(slot.Slot, slot.Serves, slot.Problem))],
            ClusterId: status.ClusterId,
            Epoch: status.Epoch);
    }
}

/// <summary>What the health check asks: what is among the services, and what begins to use registers later.</summary>
internal sealed class HealthSources(IEnumerable<IHealthSource> known)
{
    private ImmutableArray<IHealthSource> _all = [.. known];

    public ImmutableArray<IHealthSource> All => _all;

    /// <summary>Twice is once.</summary>
    public void Add(IHealthSource source) => ImmutableInterlocked.Update(
        ref _all, static (all, one) => all.Contains(one) ? all : all.Add(one), source);

    public void Remove(IHealthSource source) =>
        ImmutableInterlocked.Update(ref _all, static (all, one) => all.Remove(one), source);
}
