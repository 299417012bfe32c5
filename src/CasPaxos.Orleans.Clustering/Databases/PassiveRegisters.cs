using CasPaxos.Postgres;
using CasPaxos.Registers;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace CasPaxos.Orleans;

/// <summary>
/// Registers straight over the databases, opened when they are first needed. Failures are exceptions that cross silos.
/// </summary>
/// <param name="name">What they are used for: their name in the health check's data.</param>
/// <param name="options">Which databases.</param>
/// <param name="services">Where the options' names and keys lead.</param>
/// <param name="logger">Told of databases that do not serve.</param>
/// <param name="wrap">Puts something between the registers and each database; null for nothing.</param>
/// <param name="valueBytesMax">The largest value; null for the default.</param>
/// <param name="limits">Changes the other limits; null for the defaults.</param>
internal sealed partial class PassiveRegisters(
    string name,
    PassiveDatabasesOptions options,
    IServiceProvider services,
    ILogger logger,
    Func<IAcceptor, IAcceptor>? wrap = null,
    int? valueBytesMax = null,
    Func<RegisterClientOptions, RegisterClientOptions>? limits = null)
    : IRegisterClient, IHealthSource, IDisposable, IAsyncDisposable
{
    private static readonly TimeSpan RetryAfter = TimeSpan.FromMilliseconds(500);

    private readonly HealthSources? _health = services.GetService<HealthSources>();
    private readonly SemaphoreSlim _opening = new(1);
    private PostgresCluster? _cluster;
    private RegisterClient? _client;
    private volatile bool _disposed;

    public TimeProvider Time => TimeProvider.System;

    string IHealthSource.Name => name;

    async Task<RegisterHealth> IHealthSource.AskAsync(CancellationToken cancellationToken)
    {
        await OpenAsync(cancellationToken);
        var slots = await _cluster!.StatusAsync(cancellationToken);
        var configuration = _cluster.Configuration;
        return new RegisterHealth(
            slots.Count(slot => slot.Serves) >= Math.Max(configuration.PrepareQuorum, configuration.AcceptQuorum),
            [.. slots.Select(slot => new SlotHealth(slot.Slot, slot.Serves, slot.Problem))],
            ClusterId: configuration.ClusterId,
            Epoch: configuration.Epoch);
    }

    /// <summary>Waits until a quorum of the databases agrees on the configuration.</summary>
    /// <exception cref="RegisterGrainUnavailableException">None did within the time that a start may take.</exception>
    /// <exception cref="ArgumentException">A connection string, a name or a key cannot be used.</exception>
    public async Task StartAsync(CancellationToken cancellationToken = default)
    {
        _health?.Add(this);
        await OpenWithinAsync(options.StartTimeout, cancellationToken);
    }

    /// <inheritdoc/>
    public async Task<Outcome> ExecuteAsync(
        RegisterKey key, Operation operation, TimeSpan? timeout, CancellationToken cancellationToken = default)
    {
        // Where nobody has started this, the first operation does, and has its own time after that.
        var client = await OpenWithinAsync(timeout ?? options.Timeout, cancellationToken);
        return await client.ExecuteAsync(key, operation, timeout, cancellationToken);
    }

    /// <inheritdoc/>
    public async Task<Outcome> ReadPossiblyStaleAsync(RegisterKey key, CancellationToken cancellationToken = default)
    {
        var client = await OpenWithinAsync(options.Timeout, cancellationToken);
        return await client.ReadPossiblyStaleAsync(key, cancellationToken);
    }

    /// <inheritdoc/>
    public async Task<RegisterPage> ListAsync(ListQuery query, CancellationToken cancellationToken = default)
    {
        var client = await OpenWithinAsync(options.Timeout, cancellationToken);
        try
        {
            return await client.ListAsync(query, cancellationToken);
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
            LogErased(counts.Erased, counts.TooYoung, counts.Incomplete, counts.Repaired);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // The tombstones stay.
        }
#pragma warning disable CA1031 // Whatever it was, the tombstones stay; the next sweep must come and find them.
        catch (Exception failure)
#pragma warning restore CA1031
        {
            LogNotErased(failure);
        }
    }

    /// <summary>Closes the connections that no other provider of this process shares. Twice is once.</summary>
    public void Dispose()
    {
        _disposed = true;
        _health?.Remove(this);
        _cluster?.Dispose(); // One that is being opened now is closed by who opens it.
    }

    public ValueTask DisposeAsync()
    {
        Dispose();
        return ValueTask.CompletedTask;
    }

    /// <summary>Tries to open until a quorum of the databases answers, or the time is up.</summary>
    /// <exception cref="RegisterGrainUnavailableException">None did; nothing was sent.</exception>
    private async ValueTask<RegisterClient> OpenWithinAsync(TimeSpan patience, CancellationToken cancellationToken)
    {
        var began = Time.GetTimestamp();
        while (true)
        {
            try
            {
                return await OpenAsync(cancellationToken);
            }
            catch (RegisterGrainUnavailableException failure)
                when (Time.GetElapsedTime(began) + RetryAfter < patience)
            {
                LogNotOpen(failure.Message);
                await Task.Delay(RetryAfter, cancellationToken);
            }
        }
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
                    options.FindDatabases(services),
                    new PostgresAcceptorOptions
                    {
                        AllowSharedServer = options.AllowSharedServer,
                        ConnectionsMax = options.ConnectionsMax,
                        ConfigureDataSource = options.ConfigureDataSource,
                    },
                    cancellationToken);
                if (_disposed)
                {
                    _cluster.Dispose();
                    throw new ObjectDisposedException(nameof(PassiveRegisters));
                }

                foreach (var warning in _cluster.Warnings)
                {
                    LogWarning(warning);
                }

                var defaults = new RegisterClientOptions { Timeout = options.Timeout };
                Volatile.Write(ref _client, new RegisterClient(
                    _cluster.Configuration,
                    [.. _cluster.Acceptors.Select(acceptor => wrap?.Invoke(acceptor) ?? acceptor)],
                    valueBytesMax is { } bytes ? new ChangeCatalog(bytes) : null,
                    limits?.Invoke(defaults) ?? defaults));
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
        "Erased {Erased} deleted registers; {TooYoung} were deleted too lately, {Incomplete} wait for a database. " +
        "Brought databases up to date with {Repaired} registers.")]
    private partial void LogErased(long erased, long tooYoung, long incomplete, long repaired);

    [LoggerMessage(3003, LogLevel.Warning, "Deleted registers could not be erased.")]
    private partial void LogNotErased(Exception failure);
}
