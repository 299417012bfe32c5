using System.Globalization;
using System.Text;
using Microsoft.Extensions.Options;
using Orleans.Metadata;

namespace CasPaxos.Orleans;

/// <summary>A silo that can have acceptors.</summary>
/// <param name="Address">Where it is.</param>
/// <param name="Slot">Its label; null for none.</param>
internal readonly record struct LabelledSilo(SiloAddress Address, int? Slot);

/// <summary>
/// Where each acceptor belongs: computed by every silo for itself from the membership that it knows and from the
/// labels in the silos' manifests. Nothing is looked up, so nothing has to be alive to be asked. Silos that see
/// different memberships for a moment may place one acceptor twice, which does no harm (rule 2).
/// </summary>
internal sealed class AcceptorMap(
    IClusterMembershipService membership,
    IClusterManifestProvider manifests,
    IOptions<CasPaxosOptions> options)
{
    /// <summary>The silo of an acceptor; null when it belongs nowhere now.</summary>
    public SiloAddress? Place(AcceptorAddress acceptor) =>
        Place(acceptor, options.Value.Slots.Count, options.Value.Placement, Silos());

    /// <summary>The active silos that serve acceptors, with their labels.</summary>
    public IReadOnlyList<LabelledSilo> Silos()
    {
        var members = membership.CurrentSnapshot.Members;
        var silos = new List<LabelledSilo>(members.Count);
        foreach (var (address, manifest) in manifests.Current.Silos)
        {
            if (members.TryGetValue(address, out var member)
                && member.Status == SiloStatus.Active
                && manifest.Grains.TryGetValue(SlotLabel.AcceptorType, out var grain))
            {
                silos.Add(new LabelledSilo(address, SlotLabel.Read(grain)));
            }
        }

        return silos;
    }

    /// <summary>The label of a silo, if it is known.</summary>
    public int? LabelOf(SiloAddress address) =>
        manifests.Current.Silos.TryGetValue(address, out var manifest)
            && manifest.Grains.TryGetValue(SlotLabel.AcceptorType, out var grain)
            ? SlotLabel.Read(grain)
            : null;

    /// <summary>
    /// On a silo labelled with the slot. Where a slot has none: by policy nowhere, or on another silo, distinct ones
    /// for distinct slots while there are enough of them. Which of several: by rendezvous hash, so that few acceptors
    /// move when a silo comes or goes.
    /// </summary>
    internal static SiloAddress? Place(
        AcceptorAddress acceptor, int slots, AcceptorPlacementPolicy policy, IReadOnlyList<LabelledSilo> silos)
    {
        var home = Best(silos.Where(silo => silo.Slot == acceptor.Slot), acceptor);
        if (home is not null || policy == AcceptorPlacementPolicy.Strict)
        {
            return home;
        }

        var taken = new HashSet<SiloAddress>();
        var homeless = new List<AcceptorAddress>();
        for (var slot = 0; slot < slots; slot++)
        {
            var sibling = acceptor with { Slot = slot };
            if (Best(silos.Where(silo => silo.Slot == slot), sibling) is { } its)
            {
                taken.Add(its);
            }
            else
            {
                homeless.Add(sibling);
            }
        }

        foreach (var sibling in homeless)
        {
            var place = Best(silos.Where(silo => !taken.Contains(silo.Address)), sibling) ?? Best(silos, sibling);
            if (sibling == acceptor || place is null)
            {
                return place;
            }

            taken.Add(place);
        }

        return null;
    }

    private static SiloAddress? Best(IEnumerable<LabelledSilo> silos, AcceptorAddress acceptor) =>
        silos.Select(silo => silo.Address).MaxBy(address => (Weight(address, acceptor), address.ToString()));

    /// <summary>Rendezvous hash: every silo computes the same.</summary>
    private static uint Weight(SiloAddress silo, AcceptorAddress acceptor) =>
        StableHash.ComputeHash(Encoding.UTF8.GetBytes($"{silo} {acceptor}"));
}

/// <summary>
/// Writes a silo's label into its own manifest, as a property of the acceptor grain: who knows that the silo can have
/// acceptors, knows of which slot.
/// </summary>
internal sealed class SlotLabel(IOptions<CasPaxosOptions> options) : IGrainPropertiesProvider
{
    public static readonly GrainType AcceptorType = GrainType.Create("caspaxos.acceptor");

    private const string Property = "caspaxos.slot";

    public void Populate(Type grainClass, GrainType grainType, Dictionary<string, string> properties)
    {
        if (grainType == AcceptorType && options.Value.Slot is { } slot)
        {
            properties[Property] = slot.ToString(CultureInfo.InvariantCulture);
        }
    }

    public static int? Read(GrainProperties acceptor) =>
        acceptor.Properties.TryGetValue(Property, out var text)
            ? int.Parse(text, CultureInfo.InvariantCulture)
            : null;
}
