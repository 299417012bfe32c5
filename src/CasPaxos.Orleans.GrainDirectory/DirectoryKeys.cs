using System.Text;
using Orleans.Configuration;

namespace CasPaxos.Orleans;

/// <summary>
/// The registers of one grain directory of one cluster: <c>directory/service/cluster/name/type/key</c>, each part
/// escaped so that it holds no slash. No name of one directory is part of another's, and a cluster that starts under a
/// new id finds its directory empty.
/// </summary>
/// <param name="serviceId">The service.</param>
/// <param name="clusterId">The cluster: what another one has stored is never seen.</param>
/// <param name="name">The directory's name: a silo may have several.</param>
internal sealed class DirectoryKeys(string serviceId, string clusterId, string name)
{
    /// <summary>What the names of service, cluster and directory may take of a key; the rest is the grain's.</summary>
    public const int PrefixBytesMax = RegisterKey.BytesMax / 2;

    public DirectoryKeys(ClusterOptions cluster, string name)
        : this(cluster.ServiceId, cluster.ClusterId, name)
    {
    }

    /// <summary>What all keys begin with. ASCII: one byte a character.</summary>
    public string Prefix { get; } =
        $"{ReservedKeys.Directory}{Uri.EscapeDataString(serviceId)}/{Uri.EscapeDataString(clusterId)}/" +
        $"{Uri.EscapeDataString(name)}/";

    /// <summary>The register of a grain.</summary>
    /// <exception cref="ArgumentException">The grain's id is too long for a key.</exception>
    public RegisterKey Of(GrainId grain)
    {
        var text = new StringBuilder(Prefix);

        // Byte for byte: a grain's key need not be text, and two grains must never share a register.
        GrainStateKey.Escape(text, grain.Type.AsSpan());
        GrainStateKey.Escape(text.Append('/'), grain.Key.AsSpan());
        var key = text.ToString();
        var bytes = Encoding.UTF8.GetByteCount(key);
        return bytes <= RegisterKey.BytesMax
            ? new RegisterKey(key)
            : throw new ArgumentException(
                $"The id of grain '{key.AsSpan(Prefix.Length, Math.Min(64, key.Length - Prefix.Length))}…' takes " +
                $"{bytes - Prefix.Length} bytes of a register's key, of which directory '{name}' has " +
                $"{RegisterKey.BytesMax - Prefix.Length} for it ({RegisterKey.BytesMax} less the names of service, " +
                "cluster and directory). Give the grain a shorter key, or its type another directory.",
                nameof(grain));
    }
}
