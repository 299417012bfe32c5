using System.Globalization;
using CasPaxos.Orleans;
using CasPaxos.Postgres;
using CasPaxos.Registers;
using Npgsql;

namespace CasPaxos.Client;

/// <summary>The registers over their databases, with a proposer in this process.</summary>
internal sealed class DirectService : IRegisterService
{
    private readonly PostgresCluster _cluster;

    private DirectService(PostgresCluster cluster, TimeSpan timeout, ChangeCatalog? catalog)
    {
        _cluster = cluster;
        Registers = new RegisterClient(
            cluster.Configuration, cluster.Acceptors, catalog, new RegisterClientOptions { Timeout = timeout });
    }

    public IRegisterClient Registers { get; }

    public IReadOnlyList<string> Warnings => _cluster.Warnings;

    /// <summary>Opens the databases.</summary>
    /// <param name="settings">Which.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    /// <param name="catalog">Limits; null for the defaults.</param>
    /// <exception cref="CommandFailedException">
    /// No majority can be reached, or the databases are no cluster.
    /// </exception>
    public static async Task<DirectService> OpenAsync(
        ConnectionSettings.Direct settings, CancellationToken cancellationToken, ChangeCatalog? catalog = null)
    {
        try
        {
            var cluster = await PostgresCluster.OpenAsync(
                settings.ConnectionStrings,
                new PostgresAcceptorOptions { AllowSharedServer = settings.AllowSharedServer },
                cancellationToken);
            return new DirectService(cluster, settings.Timeout, catalog);
        }
        catch (PostgresClusterException failure)
        {
            var slots = settings.ConnectionStrings.Count;
            var reached = await CountReachableAsync(settings.ConnectionStrings, cancellationToken);
            throw reached == 0
                ? new CommandFailedException(ExitCodes.Failed, $"Cannot connect to any database. {failure.Message}")
                : reached <= slots / 2
                ? new CommandFailedException(
                    ExitCodes.Unavailable, $"Unavailable, nothing was changed. Try again later. {failure.Message}")
                : new CommandFailedException(ExitCodes.Failed, failure.Message);
        }
    }

    /// <summary>The proposer of this process sees by itself where a register stands.</summary>
    public Task<Outcome.Unavailable?> PrepareAsync(RegisterKey key, CancellationToken cancellationToken) =>
        Task.FromResult<Outcome.Unavailable?>(null);

    public async Task<ServiceStatus> StatusAsync(CancellationToken cancellationToken)
    {
        var slots = await _cluster.StatusAsync(cancellationToken);
        return new ServiceStatus
        {
            ClusterId = _cluster.Configuration.ClusterId,
            Epoch = _cluster.Configuration.Epoch,
            PrepareQuorum = _cluster.Configuration.PrepareQuorum,
            AcceptQuorum = _cluster.Configuration.AcceptQuorum,
            Silos = [],
            Slots =
            [
                .. slots.Select(slot => new SlotStatusInfo(
                    slot.Slot,
                    slot.Problem,
                    slot.Epoch,
                    slot.Floor is { } floor ? string.Create(CultureInfo.InvariantCulture, $"{floor}") : null,
                    slot.VersionFloor,
                    slot.RowsEstimate,
                    [])),
            ],
        };
    }

    public ValueTask DisposeAsync() => _cluster.DisposeAsync();

    /// <summary>Tells databases that are down, which come back, from those that are not what was meant.</summary>
    private static async Task<int> CountReachableAsync(
        IEnumerable<string> connectionStrings, CancellationToken cancellationToken)
    {
        var tries = await Task.WhenAll(connectionStrings.Select(async connectionString =>
        {
            var settings = new NpgsqlConnectionStringBuilder(connectionString) { Timeout = 1, Pooling = false };
            try
            {
                await using var connection = new NpgsqlConnection(settings.ConnectionString);
                await connection.OpenAsync(cancellationToken);
                return true;
            }
            catch (PostgresException answer)
            {
                return !answer.IsTransient; // It answers: the wrong user or database, and not that it is starting.
            }
            catch (Exception failure) when (failure is NpgsqlException or TimeoutException)
            {
                return false;
            }
        }));
        return tries.Count(reached => reached);
    }
}
