using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Orleans.Configuration;
using Orleans.Messaging;

namespace CasPaxos.Orleans;

/// <summary>
/// The gateways of a cluster whose membership is in registers. While no quorum of the databases answers, or the
/// table makes no sense or names none, those that were known last: silos do not die of it, and clients need not either.
/// </summary>
internal sealed partial class CasPaxosGatewayList(
    IOptions<CasPaxosClusteringOptions> options,
    IOptions<ClusterOptions> cluster,
    IOptions<GatewayOptions> gateways,
    IServiceProvider services,
    ILogger<CasPaxosGatewayList> logger) : IGatewayListProvider, IDisposable, IAsyncDisposable
{
    private readonly PassiveRegisters _registers = new("gateways", options.Value, services, logger);
    private readonly RegisterKey _table = new MembershipKeys(cluster.Value).Table;
    private List<Uri>? _last;

    public TimeSpan MaxStaleness => gateways.Value.GatewayListRefreshPeriod;

    public bool IsUpdatable => true;

    public Task InitializeGatewayListProvider() => InitializeGatewayListProviderAsync();

    public Task InitializeGatewayListProviderAsync(CancellationToken cancellationToken = default) =>
        _registers.StartAsync(cancellationToken);

    public Task<IList<Uri>> GetGateways() => GetGatewaysAsync();

    public async Task<IList<Uri>> GetGatewaysAsync(CancellationToken cancellationToken = default)
    {
        try
        {
            var stored = await _registers.ReadAsync(_table, options.Value.Timeout, cancellationToken);
            var table = MembershipRecord.Decode(_table, stored);
            List<Uri> found =
            [
                .. from row in table.Rows
                   where row is { Status: SiloStatus.Active, ProxyPort: > 0 }
                   let silo = row.Address
                   select SiloAddress.New(silo.Endpoint.Address, row.ProxyPort, silo.Generation).ToGatewayUri(),
            ];
            if (found.Count > 0 || _last is null)
            {
                _last = found;
            }
        }
        catch (Exception failure)
            when (failure is RegisterGrainException or InvalidDataException && _last is not null)
        {
            LogKept(_last.Count, failure.Message);
        }

        return [.. _last];
    }

    public void Dispose() => _registers.Dispose();

    public ValueTask DisposeAsync() => _registers.DisposeAsync();

    [LoggerMessage(3005, LogLevel.Warning, "The {Count} gateways that were known last are kept: {Reason}")]
    private partial void LogKept(int count, string reason);
}
