using CasPaxos.Postgres;
using CasPaxos.Registers;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace CasPaxos.Orleans;

/// <summary>Where one slot keeps its rows.</summary>
/// <param name="Acceptor">Asks it.</param>
/// <param name="Incarnation">Which database it must be.</param>
/// <param name="StatusAsync">Asks it about itself.</param>
internal sealed record SlotStore(
    IAcceptor Acceptor, Guid Incarnation, Func<CancellationToken, Task<SlotStoreStatus>> StatusAsync);

/// <summary>What a slot's store says of itself, for tools.</summary>
/// <param name="Problem">Null if it serves; otherwise why it cannot be reached or refuses.</param>
/// <param name="Epoch">The newest configuration epoch that it knows; null if it does not say.</param>
/// <param name="Floor">The greatest ballot that it has ever erased; null if it does not say.</param>
/// <param name="RowsEstimate">About how many registers it holds; null if it does not say.</param>
internal sealed record SlotStoreStatus(string? Problem, long? Epoch, Ballot? Floor, long? RowsEstimate);

/// <summary>
/// The stores of all slots, opened before the silo joins the cluster. A silo without a quorum of databases does not
/// start; one whose databases fail later stays.
/// </summary>
internal sealed partial class SlotStores(
    IOptions<CasPaxosOptions> options, IServiceProvider services, ILogger<SlotStores> logger)
    : ILifecycleParticipant<ISiloLifecycle>, IAsyncDisposable
{
    // Grain storages are ready when the application's services have started, and acceptors must be before the silo is.
    private const int GrainStorageStage = ServiceLifecycleStage.ApplicationServices + 1;

    private static readonly TimeSpan RetryAfter = TimeSpan.FromMilliseconds(500);

    private PostgresCluster? _postgres;
    private SlotStore[] _stores = [];
    private Configuration? _configuration;

    public Configuration Configuration =>
        _configuration ?? throw new InvalidOperationException("The slots are opened when the silo starts.");

    /// <summary>Limits of proposers and queues on this silo.</summary>
    public RegisterClientOptions ClientOptions { get; } = new()
    {
        Timeout = options.Value.Timeout,
        ProposersMax = options.Value.ProposersMax,

        // Orleans delivers at most once: what a broken connection may have carried is answered as failed, not sent
        // again; and what an activation did not begin is forwarded. What GrainAcceptor sends twice it accounts for.
        Proposer = ProposerSettings.Default with { DeliveredOnce = true },
    };

    public SlotStore this[int slot] => _stores[slot];

    private bool InGrainStorage =>
        options.Value.Slots.Any(slot => !string.IsNullOrWhiteSpace(slot.GrainStorage));

    public void Participate(ISiloLifecycle lifecycle) =>
        lifecycle.Subscribe<SlotStores>(
            InGrainStorage ? GrainStorageStage : ServiceLifecycleStage.RuntimeStorageServices, OpenAsync);

    public async ValueTask DisposeAsync()
    {
        if (_postgres is not null)
        {
            await _postgres.DisposeAsync();
        }
    }

    private async Task OpenAsync(CancellationToken cancellationToken)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(options.Value.StartTimeout);
        IReadOnlyList<string> warnings;
        while (true)
        {
            try
            {
                warnings = InGrainStorage
                    ? await OpenGrainStorageAsync(cancellationToken)
                    : await OpenPostgresAsync(cancellationToken);
                break;
            }
            catch (Exception failure) when (failure is PostgresClusterException or SlotStoreException { MayPass: true }
                && !deadline.IsCancellationRequested)
            {
                LogNotOpen(failure.Message);
                await Task.Delay(RetryAfter, deadline.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }

        foreach (var warning in warnings)
        {
            LogWarning(warning);
        }

        LogOpened(Configuration.ClusterId, Configuration.Epoch, Configuration.Slots);
    }

    private async Task<IReadOnlyList<string>> OpenPostgresAsync(CancellationToken cancellationToken)
    {
        _postgres = await PostgresCluster.OpenAsync(
            [.. options.Value.Slots.Select(slot => slot.ConnectionString!)],
            new PostgresAcceptorOptions { AllowSharedServer = options.Value.AllowSharedServer },
            cancellationToken);
        _configuration = _postgres.Configuration;
        _stores =
        [
            .. _postgres.Acceptors.Select(acceptor => new SlotStore(
                acceptor, acceptor.Identity.Incarnation, token => StatusAsync(acceptor, token))),
        ];
        return _postgres.Warnings;
    }

    private async Task<IReadOnlyList<string>> OpenGrainStorageAsync(CancellationToken cancellationToken)
    {
        var cluster = await GrainStorageCluster.OpenAsync(services, options.Value, cancellationToken);
        _configuration = cluster.Configuration;
        _stores = [.. cluster.Stores];
        return cluster.Warnings;
    }

    private static async Task<SlotStoreStatus> StatusAsync(
        PostgresAcceptor acceptor, CancellationToken cancellationToken)
    {
        var status = await acceptor.StatusAsync(cancellationToken);
        return new SlotStoreStatus(status.Problem, status.Epoch, status.Floor, status.RowsEstimate);
    }

    [LoggerMessage(2001, LogLevel.Information, "Cluster {ClusterId}, epoch {Epoch}, {Slots} slots.")]
    private partial void LogOpened(Guid clusterId, long epoch, int slots);

    [LoggerMessage(2002, LogLevel.Warning, "The slots cannot be opened yet: {Reason}")]
    private partial void LogNotOpen(string reason);

    [LoggerMessage(2003, LogLevel.Warning, "{Warning}")]
    private partial void LogWarning(string warning);
}
