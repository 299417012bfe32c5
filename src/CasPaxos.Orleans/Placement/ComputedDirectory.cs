using Orleans.GrainDirectory;

namespace CasPaxos.Orleans;

/// <summary>
/// The grain directory of the service's own grains: nothing is stored and nobody is asked, because every silo can
/// compute where they belong. Orleans' own directory keeps an entry on one silo of the cluster, and a grain that was
/// never called before, a new register's proposer even, would wait until the death of that silo is detected.
/// </summary>
internal sealed class ComputedDirectory(AcceptorMap map, IClusterMembershipService membership) : IGrainDirectory
{
    public const string Name = "caspaxos";

    /// <summary>Nothing is known beforehand: placement computes it.</summary>
    public Task<GrainAddress?> Lookup(GrainId grainId) => Task.FromResult<GrainAddress?>(null);

    /// <summary>
    /// An acceptor may be active where it belongs, as this silo sees it; elsewhere it is sent there, which is how it
    /// returns home. One that belongs nowhere may stay.
    /// </summary>
    public Task<GrainAddress?> Register(GrainAddress address)
    {
        var home = address.GrainId.Type == SlotLabel.AcceptorType
            ? map.Place(AcceptorAddress.Parse(address.GrainId.Key.ToString()!))
            : null;
        return Task.FromResult<GrainAddress?>(home is null || home.Equals(address.SiloAddress)
            ? address
            : new GrainAddress
            {
                GrainId = address.GrainId,
                ActivationId = ActivationId.NewId(),
                SiloAddress = home,
                MembershipVersion = membership.CurrentSnapshot.Version,
            });
    }

    /// <summary>As above; what was registered before does not matter.</summary>
    public Task<GrainAddress?> Register(GrainAddress address, GrainAddress? previousAddress) => Register(address);

    public Task Unregister(GrainAddress address) => Task.CompletedTask;

    public Task UnregisterSilos(List<SiloAddress> siloAddresses) => Task.CompletedTask;
}
