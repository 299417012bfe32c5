using Orleans.Placement;
using Orleans.Runtime.Placement;

namespace CasPaxos.Orleans;

/// <summary>Places a grain as <see cref="AcceptorMap"/> says.</summary>
[GenerateSerializer, Immutable, Alias("caspaxos.AcceptorPlacement")]
internal sealed class AcceptorPlacement : PlacementStrategy
{
    internal static readonly AcceptorPlacement Singleton = new();
}

/// <summary>Marks the acceptor grain.</summary>
[AttributeUsage(AttributeTargets.Class)]
internal sealed class AcceptorPlacementAttribute() : PlacementAttribute(AcceptorPlacement.Singleton);

/// <summary>Answers where an acceptor goes.</summary>
internal sealed class AcceptorPlacementDirector(AcceptorMap map) : IPlacementDirector
{
    public Task<SiloAddress> OnAddActivation(
        PlacementStrategy strategy, PlacementTarget target, IPlacementContext context)
    {
        var address = AcceptorAddress.Parse(target.GrainIdentity.Key.ToString()!);
        return map.Place(address) is { } silo
            ? Task.FromResult(silo)
            : throw new OrleansException($"No silo of slot {address.Slot} is active, and its placement is strict.");
    }
}
