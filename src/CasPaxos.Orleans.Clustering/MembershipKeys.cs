using Orleans.Configuration;

namespace CasPaxos.Orleans;

/// <summary>
/// The registers of one Orleans cluster: the table, and beside it when each silo was last alive. Service and cluster
/// are escaped, so that no name of one cluster is part of another's.
/// </summary>
internal sealed class MembershipKeys(string serviceId, string clusterId)
{
    private readonly string _table =
        $"{ReservedKeys.Membership}{Uri.EscapeDataString(serviceId)}/{Uri.EscapeDataString(clusterId)}";

    public MembershipKeys(ClusterOptions cluster)
        : this(cluster.ServiceId, cluster.ClusterId)
    {
    }

    /// <summary>All silos and the version.</summary>
    public RegisterKey Table => new(_table);

    /// <summary>What the keys of <see cref="AliveOf"/> begin with.</summary>
    public string AlivePrefix => $"{_table}/alive/";

    /// <summary>When a silo last said that it is alive.</summary>
    public RegisterKey AliveOf(SiloAddress silo) => new(AlivePrefix + silo.ToParsableString());

    /// <summary>Whose key of <see cref="AliveOf"/> it is, as the table has it.</summary>
    public string SiloOf(RegisterKey key) => key.Text[AlivePrefix.Length..];
}
