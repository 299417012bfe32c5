using Microsoft.Extensions.Logging;

namespace CasPaxos.Orleans;

/// <summary>
/// The databases of a directory that has its own: the silo asks them itself, and one silo of the cluster erases what
/// was deleted, which the register service does by itself for its own.
/// </summary>
internal sealed class DirectoryDatabases(
    CasPaxosGrainDirectoryOptions options,
    string name,
    string prefix,
    IServiceProvider services,
    IClusterMembershipService membership,
    ILocalSiloDetails silo,
    ILogger logger) : IDisposable
{
    private SiloSweeps? _sweeps;

    public PassiveRegisters Registers { get; } = new($"grain directory {name}", options, services, logger);

    public void Participate(ISiloLifecycle lifecycle)
    {
        // Every silo could; one does it, so that the databases are looked through once. Two do no harm.
        _sweeps = new SiloSweeps(
            options.EraseInterval,
            isMine: () => silo.SiloAddress.Equals(membership.CurrentSnapshot.Members.Values
                .Where(member => member.Status == SiloStatus.Active)
                .Select(member => member.SiloAddress)
                .Min()),
            stop => Registers.EraseDeletedAsync(prefix, options.TombstoneAge, stop));
        _sweeps.Participate(lifecycle, $"CasPaxos grain directory {prefix}");
    }

    public void Dispose()
    {
        _sweeps?.Dispose();
        Registers.Dispose();
    }
}
