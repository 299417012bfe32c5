using CasPaxos.Registers;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace CasPaxos.Orleans;

/// <summary>
/// The stores of all slots, opened before the silo joins the cluster. A silo without a quorum of databases does not
/// start; one whose databases fail later stays.
/// </summary>
internal sealed partial class SlotStores(
    IOptions<CasPaxosOptions> options, IServiceProvider services, ILogger<SlotStores> logger)
    : ILifecycleParticipant<ISiloLifecycle>, IDisposable
{
    // Grain storages are ready when the application's services have started, and acceptors must be before the silo is.
    private const int GrainStorageStage = ServiceLifecycleStage.ApplicationServices + 1;

    private static readonly TimeSpan RetryAfter = TimeSpan.FromMilliseconds(500);

    private OpenedCluster? _cluster;

    public Configuration Configuration => Cluster.Configuration;

    /// <summary>Limits of proposers and queues on this silo.</summary>
    public RegisterClientOptions ClientOptions { get; } = new()
    {
        Timeout = options.Value.Timeout,
        ProposersMax = options.Value.ProposersMax,
        ProposerBytesMax = options.Value.ProposerBytesMax,

        // Orleans delivers at most once: what a broken connection may have carried is answered as failed, not sent
        // again; and what an activation did not begin is forwarded. What GrainAcceptor sends twice it accounts for.
        Proposer = ProposerSettings.Default with { DeliveredOnce = true },
    };

    /// <summary>
    /// True if the slots that can list are enough for a listing, whatever the others hold. Those in grain storage
    /// cannot.
    /// </summary>
    public bool CanList => Cluster.Slots.Count(slot => slot.CanList) >= Configuration.ReadQuorum;

    /// <summary>False while the silo is starting.</summary>
    public bool IsOpen => _cluster is not null;

    public OpenedSlot this[int slot] => Cluster.Slots[slot];

    private OpenedCluster Cluster =>
        _cluster ?? throw new InvalidOperationException("The slots are opened when the silo starts.");

    public void Participate(ISiloLifecycle lifecycle) =>
        lifecycle.Subscribe<SlotStores>(
            options.Value.Slots.Any(slot => slot.IsInGrainStorage)
                ? GrainStorageStage
                : ServiceLifecycleStage.RuntimeStorageServices,
            OpenAsync);

    /// <summary>Closes the connections that no other provider of this process shares. Twice is once.</summary>
    public void Dispose()
    {
        foreach (var acceptor in _cluster?.Slots.Select(slot => slot.Acceptor).OfType<IDisposable>() ?? [])
        {
            acceptor.Dispose();
        }
    }

    private async Task OpenAsync(CancellationToken cancellationToken)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(options.Value.StartTimeout);
        while (_cluster is null)
        {
            try
            {
                _cluster = await SiloSlots.OpenAsync(services, options.Value, cancellationToken);
            }
            catch (SlotStoreException failure) when (failure.MayPass && !deadline.IsCancellationRequested)
            {
                LogNotOpen(failure.Message);
                await Task.Delay(RetryAfter, deadline.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }

        foreach (var warning in _cluster.Warnings)
        {
            LogWarning(warning);
        }

        LogOpened(Configuration.ClusterId, Configuration.Epoch, Configuration.Slots);
    }

    [LoggerMessage(2001, LogLevel.Information, "Cluster {ClusterId}, epoch {Epoch}, {Slots} slots.")]
    private partial void LogOpened(Guid clusterId, long epoch, int slots);

    [LoggerMessage(2002, LogLevel.Warning, "The slots cannot be opened yet: {Reason}")]
    private partial void LogNotOpen(string reason);

    [LoggerMessage(2003, LogLevel.Warning, "{Warning}")]
    private partial void LogWarning(string warning);
}
