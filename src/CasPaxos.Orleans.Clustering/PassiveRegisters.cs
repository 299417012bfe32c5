using CasPaxos.Postgres;
using CasPaxos.Registers;
using Microsoft.Extensions.Logging;

namespace CasPaxos.Orleans;

/// <summary>
/// Registers straight over the databases, opened when they are first needed. Failures are exceptions that cross silos.
/// </summary>
/// <param name="options">Which databases.</param>
/// <param name="logger">Told of databases that do not serve.</param>
/// <param name="wrap">Puts something between the registers and each database; null for nothing.</param>
/// <param name="catalog">What may be done with values; null for the defaults.</param>
/// <param name="proposersMax">Registers whose proposer is remembered; null for the default.</param>
internal sealed partial class PassiveRegisters(
    PassiveDatabasesOptions options,
    ILogger logger,
    Func<IAcceptor, IAcceptor>? wrap = null,
    ChangeCatalog? catalog = null,
    int? proposersMax = null) : IRegisterClient, IAsyncDisposable
{
    private static readonly TimeSpan RetryAfter = TimeSpan.FromMilliseconds(500);

    private readonly SemaphoreSlim _opening = new(1);
    private PostgresCluster? _cluster;
    private RegisterClient? _client;

    public TimeProvider Time => TimeProvider.System;

    /// <summary>Waits until a quorum of the databases agrees on the configuration.</summary>
    /// <exception cref="RegisterGrainUnavailableException">None did within the time that a start may take.</exception>
    /// <exception cref="ArgumentException">A connection string cannot be used.</exception>
    public async Task StartAsync(CancellationToken cancellationToken = default)
    {
        var began = Time.GetTimestamp();
        while (true)
        {
            try
            {
                await OpenAsync(cancellationToken);
                return;
            }
            catch (RegisterGrainUnavailableException failure)
                when (Time.GetElapsedTime(began) + RetryAfter < options.StartTimeout)
            {
                LogNotOpen(failure.Message);
                await Task.Delay(RetryAfter, cancellationToken);
            }
        }
    }

    /// <inheritdoc/>
    public async Task<Outcome> ExecuteAsync(
        RegisterKey key, Operation operation, TimeSpan? timeout, CancellationToken cancellationToken = default)
    {
        var client = await OpenAsync(cancellationToken);
        return await client.ExecuteAsync(key, operation, timeout, cancellationToken);
    }

    /// <inheritdoc/>
    public async Task<Outcome> ReadPossiblyStaleAsync(RegisterKey key, CancellationToken cancellationToken = default)
    {
        var client = await OpenAsync(cancellationToken);
        return await client.ReadPossiblyStaleAsync(key, cancellationToken);
    }

    /// <inheritdoc/>
    public async Task<RegisterPage> ListAsync(
        string prefix, RegisterKey? after = null, int limit = 1000, CancellationToken cancellationToken = default)
    {
        var client = await OpenAsync(cancellationToken);
        try
        {
            return await client.ListAsync(prefix, after, limit, cancellationToken);
        }
        catch (Exception failure) when (failure is AcceptorUnavailableException or RegisterException)
        {
            throw new RegisterGrainUnavailableException($"The registers cannot be listed now: {failure.Message}");
        }
    }

    public Exception ToException(RegisterKey key, Outcome outcome) => GrainOutcomes.ToException(key, outcome);

    /// <summary>Erases the registers of a prefix that were deleted long ago; what cannot be, next time.</summary>
    public async Task EraseDeletedAsync(
        string prefix, TimeSpan tombstoneAge, CancellationToken cancellationToken = default)
    {
        try
        {
            var client = await OpenAsync(cancellationToken);
            var counts = await client.EraseDeletedAsync(prefix, tombstoneAge, cancellationToken);
            LogErased(counts.Erased, counts.TooYoung, counts.Incomplete);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // The tombstones stay.
        }
        catch (Exception failure)
            when (failure is AcceptorUnavailableException or RegisterException or RegisterGrainException)
        {
            LogNotErased(failure.Message);
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_cluster is not null)
        {
            await _cluster.DisposeAsync();
        }

        _opening.Dispose();
    }

    private async ValueTask<RegisterClient> OpenAsync(CancellationToken cancellationToken)
    {
        if (Volatile.Read(ref _client) is { } open)
        {
            return open;
        }

        await _opening.WaitAsync(cancellationToken);
        try
        {
            if (_client is null)
            {
                _cluster = await PostgresCluster.OpenAsync(
                    [.. options.ConnectionStrings],
                    new PostgresAcceptorOptions
                    {
                        AllowSharedServer = options.AllowSharedServer,
                        ConnectionsMax = options.ConnectionsMax,
                    },
                    cancellationToken);
                foreach (var warning in _cluster.Warnings)
                {
                    LogWarning(warning);
                }

                var limits = new RegisterClientOptions { Timeout = options.Timeout };
                Volatile.Write(ref _client, new RegisterClient(
                    _cluster.Configuration,
                    [.. _cluster.Acceptors.Select(acceptor => wrap?.Invoke(acceptor) ?? acceptor)],
                    catalog,
                    limits with { ProposersMax = proposersMax ?? limits.ProposersMax }));
            }

            return _client;
        }
        catch (PostgresClusterException failure)
        {
            throw new RegisterGrainUnavailableException($"The registers' databases cannot be used: {failure.Message}");
        }
        finally
        {
            _opening.Release();
        }
    }

    [LoggerMessage(3001, LogLevel.Warning, "The databases cannot be opened yet: {Reason}")]
    private partial void LogNotOpen(string reason);

    [LoggerMessage(3002, LogLevel.Warning, "{Warning}")]
    private partial void LogWarning(string warning);

    [LoggerMessage(3006, LogLevel.Information,
        "Erased {Erased} deleted registers; {TooYoung} were deleted too lately, {Incomplete} wait for a database.")]
    private partial void LogErased(long erased, long tooYoung, long incomplete);

    [LoggerMessage(3003, LogLevel.Warning, "Deleted registers could not be erased: {Reason}")]
    private partial void LogNotErased(string reason);
}
