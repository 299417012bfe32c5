using CasPaxos.Registers;
using Orleans.Storage;

namespace CasPaxos.Orleans;

/// <summary>
/// Grain state in CASPaxos registers; section <c>Orleans:GrainStorage:{name}</c> with <c>ProviderType</c>
/// <c>CasPaxos</c>. Without databases the states are kept by the register service of the silo (<c>AddCasPaxos</c>),
/// through its own proposers; with them the silo asks them itself, without any acceptor grain. The same on every silo:
/// a register must be reached by one cluster of databases only.
/// </summary>
public sealed class CasPaxosGrainStorageOptions : PassiveDatabasesOptions, IStorageProviderSerializerOptions
{
    /// <summary>The defaults.</summary>
    public CasPaxosGrainStorageOptions() => ConnectionsMax = 4;

    /// <summary>
    /// Clear deletes the register instead of keeping a marker in it. Default false, as with Orleans' ADO.NET storage.
    /// Both are safe against activations that are out of date: neither reuses an ETag. A marker costs a few dozen bytes
    /// for ever, a deleted register nothing once it is erased.
    /// </summary>
    public bool DeleteStateOnClear { get; set; }

    /// <summary>
    /// Reads are sealed: what a read does not see of an activation that has died is never applied afterwards. Orleans'
    /// transactions need that, and so does every grain that decides by what it read. Default true; the price is one
    /// durable write at every database and, while a database is silent, a second round trip. False reads without
    /// writing: a write that was in flight when its silo died may then show up after the next activation has read.
    /// Neither kind stops an activation that is only paused and writes when it resumes; its ETag does.
    /// </summary>
    public bool SealedReads { get; set; } = true;

    /// <summary>
    /// What the register keys of all states begin with. Default <c>grains</c>; 1 to 64 printable ASCII characters,
    /// without <c>/</c> and <c>%</c>. Two storages of one prefix over the same registers share the states of one grain
    /// and name. Must not be changed once there are states.
    /// </summary>
    public string KeyPrefix { get; set; } = ReservedKeys.Grains.TrimEnd('/');

    /// <inheritdoc/>
    public IGrainStorageSerializer GrainStorageSerializer { get; set; } = null!;

    /// <summary>
    /// With databases, the largest state as stored, in bytes; otherwise
    /// <see cref="CasPaxosOptions.ValueBytesMax"/> counts. Default 1 MiB; 1 KiB to 64 MiB; the same on every silo.
    /// </summary>
    public int ValueBytesMax { get; set; } = ChangeCatalog.PayloadBytesDefault;

    /// <summary>
    /// With databases, the most registers whose proposer the silo remembers; the others cost a round trip
    /// more. Default 100,000; 1 or more.
    /// </summary>
    public int ProposersMax { get; set; } = 100_000;

    /// <summary>
    /// With databases, the most bytes of values that these proposers hold, about; beyond it those are forgotten that
    /// nobody uses. Default 256 MiB; 1 MiB or more.
    /// </summary>
    public long ProposerBytesMax { get; set; } = 256L * 1024 * 1024;

    /// <summary>
    /// With databases, the age at which deleted registers are erased; see
    /// <see cref="RegisterClient.TombstoneAgeDefault"/>. Default 1 h; above 0.
    /// </summary>
    public TimeSpan TombstoneAge { get; set; } = RegisterClient.TombstoneAgeDefault;

    /// <summary>
    /// With databases, from the end of one sweep for deleted registers to the next; one silo of the
    /// cluster sweeps. 0 for none. Default 10 min.
    /// </summary>
    public TimeSpan EraseInterval { get; set; } = TimeSpan.FromMinutes(10);
}
