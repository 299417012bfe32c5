using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace CasPaxos.Orleans;

/// <summary>
/// Erases registers that were deleted long enough ago, and sweeps promises (rules 15, 16 and 20). Every silo could; the
/// one that has the first acceptor does it, so that the databases are looked through once. Two at a time would do no
/// harm.
/// </summary>
internal sealed partial class BackgroundEraser : ILifecycleParticipant<ISiloLifecycle>, IDisposable
{
    private readonly SiloRegisters _registers;
    private readonly TimeSpan _tombstoneAge;
    private readonly ILogger _logger;
    private readonly SiloSweeps _sweeps;

    public BackgroundEraser(
        SiloRegisters registers,
        SlotStores stores,
        AcceptorMap map,
        ILocalSiloDetails silo,
        IOptions<CasPaxosOptions> options,
        ILogger<BackgroundEraser> logger)
    {
        _registers = registers;
        _tombstoneAge = options.Value.TombstoneAge;
        _logger = logger;

        // Where too many slots are in grain storage, deleted registers cannot be found.
        _sweeps = new SiloSweeps(
            options.Value.EraseInterval,
            isMine: () => stores.CanList && silo.SiloAddress.Equals(map.Place(new AcceptorAddress(0, 0))),
            SweepAsync);
    }

    public void Participate(ISiloLifecycle lifecycle) => _sweeps.Participate(lifecycle, nameof(BackgroundEraser));

    public void Dispose() => _sweeps.Dispose();

    private async Task SweepAsync(CancellationToken stop)
    {
        try
        {
            var counts = await _registers.Client.EraseDeletedAsync("", _tombstoneAge, stop);
            LogSwept(counts.Erased, counts.TooYoung, counts.Incomplete, counts.Promises, counts.Repaired);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // The silo stops; the tombstones stay.
        }
#pragma warning disable CA1031 // Whatever it was, the tombstones stay; the next sweep must come and find them.
        catch (Exception failure)
#pragma warning restore CA1031
        {
            LogNotSwept(failure);
        }
    }

    [LoggerMessage(1001, LogLevel.Information,
        "Erased {Erased} deleted registers; {TooYoung} were deleted too recently, {Incomplete} wait for an acceptor. " +
        "Swept {Promises} rows that held only a promise. Brought acceptors up to date with {Repaired} registers.")]
    private partial void LogSwept(long erased, long tooYoung, long incomplete, long promises, long repaired);

    [LoggerMessage(1002, LogLevel.Warning, "Deleted registers could not be looked for.")]
    private partial void LogNotSwept(Exception failure);
}
