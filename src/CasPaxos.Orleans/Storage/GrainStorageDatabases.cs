using CasPaxos.Registers;
using Microsoft.Extensions.Logging;

namespace CasPaxos.Orleans;

/// <summary>
/// Registers of one grain storage that asks the databases itself: opened before the silo joins the cluster, closed when
/// it has left. A silo without a quorum of databases does not start; one whose databases fail later stays.
/// </summary>
internal sealed class GrainStorageDatabases : ILifecycleParticipant<ISiloLifecycle>, IDisposable
{
    private readonly string _observer;
    private readonly PassiveRegisters _registers;
    private readonly SiloSweeps _sweeps;

    public GrainStorageDatabases(
        string name,
        CasPaxosGrainStorageOptions options,
        IServiceProvider services,
        IClusterMembershipService membership,
        ILocalSiloDetails silo,
        ILogger<GrainStorageDatabases> logger)
    {
        _observer = $"CasPaxos grain storage {name}";
        _registers = new PassiveRegisters(
            $"grain storage {name}",
            options,
            services,
            logger,
            valueBytesMax: options.ValueBytesMax,
            limits: limits => limits with
            {
                ProposersMax = options.ProposersMax,
                ProposerBytesMax = options.ProposerBytesMax,
            });

        // Every silo could; one does it, so that the databases are looked through once. Two do no harm.
        _sweeps = new SiloSweeps(
            options.EraseInterval,
            isMine: () => silo.SiloAddress.Equals(membership.CurrentSnapshot.Members.Values
                .Where(member => member.Status == SiloStatus.Active)
                .Select(member => member.SiloAddress)
                .Min()),
            stop => _registers.EraseDeletedAsync("", options.TombstoneAge, stop));
    }

    public IRegisterClient Client => _registers;

    public void Participate(ISiloLifecycle lifecycle)
    {
        lifecycle.Subscribe(
            _observer, ServiceLifecycleStage.RuntimeStorageServices, _registers.StartAsync, CloseAsync);
        _sweeps.Participate(lifecycle, _observer);
    }

    /// <summary>Closes the connections that no other provider of this process shares. Twice is once.</summary>
    public void Dispose()
    {
        _sweeps.Dispose();
        _registers.Dispose();
    }

    private Task CloseAsync(CancellationToken cancellationToken)
    {
        Dispose();
        return Task.CompletedTask;
    }
}
