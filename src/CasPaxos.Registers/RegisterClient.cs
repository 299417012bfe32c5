namespace CasPaxos.Registers;

/// <summary>
/// Registers for applications: linearizable values under keys, over a configuration of acceptors. Safe for concurrent
/// use; make one for a process and share it, so that operations on one register combine.
/// </summary>
/// <remarks>
/// Every operation ends with an <see cref="Outcome"/> that says exactly what is known. Invalid input throws
/// <see cref="ArgumentException"/> before anything is sent. Cancelling throws
/// <see cref="RegisterCanceledException"/>; it does not undo an accept already on its way.
/// </remarks>
#pragma warning disable CA1001 // The semaphore holds nothing to give back: its wait handle is never asked for.
public sealed partial class RegisterClient : IRegisterClient
#pragma warning restore CA1001
{
    private readonly ProposerHosts _hosts;
    private readonly Configuration _configuration;
    private readonly Shard[] _shards;
    private readonly Func<RegisterKey, int> _shardOf;
    private readonly ChangeCatalog _catalog;
    private readonly RegisterClientOptions _options;
    private readonly TimeProvider _time;
    private readonly SemaphoreSlim _scans;

    /// <summary>Makes a client.</summary>
    /// <param name="configuration">The acceptors' configuration.</param>
    /// <param name="acceptors">One for each slot, in order. Not disposed by the client.</param>
    /// <param name="catalog">The limits and custom changes; null for the built-in ones.</param>
    /// <param name="options">Limits; null for the defaults.</param>
    /// <param name="time">The clock; null for the system's.</param>
    /// <exception cref="ArgumentException">An option is out of range, or there is not one acceptor a slot.</exception>
    public RegisterClient(
        Configuration configuration,
        IReadOnlyList<IAcceptor> acceptors,
        ChangeCatalog? catalog = null,
        RegisterClientOptions? options = null,
        TimeProvider? time = null)
        : this(configuration, [acceptors], static _ => 0, catalog, options, time)
    {
    }

    /// <summary>
    /// Makes a client of slots that are divided by keys. Each division of a slot has a queue of its own, so that one
    /// that is silent delays no register of another.
    /// </summary>
    /// <param name="configuration">The acceptors' configuration.</param>
    /// <param name="shards">For each division an acceptor of each slot, in order. Any of a slot scans it all.</param>
    /// <param name="shardOf">Which division a register belongs to.</param>
    /// <param name="catalog">The limits and custom changes; null for the built-in ones.</param>
    /// <param name="options">Limits; null for the defaults.</param>
    /// <param name="time">The clock; null for the system's.</param>
    internal RegisterClient(
        Configuration configuration,
        IReadOnlyList<IReadOnlyList<IAcceptor>> shards,
        Func<RegisterKey, int> shardOf,
        ChangeCatalog? catalog,
        RegisterClientOptions? options,
        TimeProvider? time = null)
    {
        ArgumentNullException.ThrowIfNull(configuration);
        _options = options ?? new RegisterClientOptions();
        _options.Validate();
        _configuration = configuration;
        _catalog = catalog ?? new ChangeCatalog();
        _time = time ?? TimeProvider.System;
        _scans = new SemaphoreSlim(_options.ScansMax);
        _hosts = new ProposerHosts(NewHost, _options, _time);
        _shardOf = shardOf;
        _shards = [.. shards.Select(NewShard)];
    }

    /// <inheritdoc/>
    public TimeProvider Time => _time;

    /// <inheritdoc/>
    /// <remarks>Cost: see the README; a warm change is one round trip and one flush an acceptor.</remarks>
    public async Task<Outcome> ExecuteAsync(
        RegisterKey key, Operation operation, TimeSpan? timeout, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(operation);
        _ = key.Text; // Throws for default(RegisterKey), which names no register.
        _catalog.Validate(operation.Change);
        RegisterClientOptions.ThrowIfTooLong(timeout);
        cancellationToken.ThrowIfCancellationRequested();
        using var activity = Telemetry.Source.StartActivity("caspaxos.operation");
        var began = _time.GetTimestamp();

        // Nothing below needs the caller's scheduler, and its turns are dear: a grain's, or a user interface's.
        var outcome = await ExecuteUntilAsync(key, operation, timeout, cancellationToken).ConfigureAwait(false);
        Telemetry.Operated(operation.Change, outcome, _time.GetElapsedTime(began));
        activity?.SetTag("kind", Telemetry.KindOf(operation.Change));
        activity?.SetTag("outcome", Telemetry.OutcomeOf(outcome));
        return cancellationToken.IsCancellationRequested && outcome is Outcome.Unknown or Outcome.Unavailable
            ? throw new RegisterCanceledException(key, outcome, cancellationToken)
            : outcome;
    }

    /// <inheritdoc/>
    public async Task<Outcome> ReadPossiblyStaleAsync(RegisterKey key, CancellationToken cancellationToken = default)
    {
        _ = key.Text;
        return _hosts.Find(key)?.LastSeen is { } seen
            ? new Outcome.Applied(seen.ETag, seen)
            : await this.GetAsync(key, cancellationToken);
    }

    /// <inheritdoc/>
    public Exception ToException(RegisterKey key, Outcome outcome) => outcome switch
    {
        Outcome.Unknown unknown => new RegisterOutcomeUnknownException(key, unknown),
        Outcome.Unavailable unavailable => new RegisterUnavailableException(key, unavailable),
        Outcome.Faulted faulted => new InvalidOperationException("The change threw.", faulted.Exception),
        _ => throw new ArgumentException($"{outcome} is not a failure.", nameof(outcome)),
    };

    /// <summary>
    /// What the proposer of a register has done; null if none is remembered. Counts for tests and tools.
    /// </summary>
    public ProposerStatistics? Statistics(RegisterKey key) =>
        _hosts.Find(key)?.Statistics;

    private async Task<Outcome> ExecuteUntilAsync(
        RegisterKey key, Operation operation, TimeSpan? timeout, CancellationToken cancellationToken)
    {
        // A time that is over, as after a pause of this process, ends the wait at once; a timer refuses it.
        var longest = timeout ?? _options.Timeout;
        longest = longest < TimeSpan.Zero ? TimeSpan.Zero : longest;
        var (host, ticket, task) = Submit(key, operation);
        if (task.IsCompleted)
        {
            return await task.ConfigureAwait(false);
        }

        using var call = new Call(host, ticket, longest, _time);
        using var registration = cancellationToken.UnsafeRegister(static state => ((Call)state!).Cancel(), call);
        return await task.ConfigureAwait(false);
    }

    /// <summary>
    /// Where a register stood when it was last agreed on here, tombstones included; null if nobody remembers.
    /// </summary>
    internal ETag? Position(RegisterKey key) => _hosts.Find(key)?.Position;

    private Shard NewShard(IReadOnlyList<IAcceptor> acceptors)
    {
        ArgumentNullException.ThrowIfNull(acceptors);
        if (acceptors.Count != _configuration.Slots)
        {
            throw new ArgumentException(
                $"A configuration of {_configuration.Slots} slots needs as many acceptors, not {acceptors.Count}.",
                nameof(acceptors));
        }

        AcceptorQueue[] slots =
            [.. acceptors.Select((acceptor, slot) => new AcceptorQueue(slot, acceptor, _options, _time))];
        var health = Array.ConvertAll(slots, slot => slot.Health);
        return new Shard(slots, new Admission(health, _configuration.ReadQuorum, _options, _time));
    }

    private (ProposerHost Host, long Ticket, Task<Outcome> Outcome) Submit(RegisterKey key, Operation operation)
    {
        while (true)
        {
            var host = _hosts.Use(key);
            if (host.Submit(operation) is (var ticket, var outcome))
            {
                return (host, ticket, outcome);
            }

            _hosts.Forget(key, host); // Retired between the two lines above.
        }
    }

    private ProposerHost NewHost(RegisterKey key)
    {
        var proposer = new Proposer(
            new ProposerId(Guid.NewGuid()), Microseconds(), _configuration, _catalog, _options.Proposer, Random.Shared);
        return new ProposerHost(key, proposer, _shards[_shardOf(key)], _hosts, _time);
    }

    /// <summary>
    /// Where a new proposer's ballots begin: above those of all that began before it, clocks permitting.
    /// </summary>
    private long Microseconds() => _time.GetUtcNow().Ticks / TimeSpan.TicksPerMicrosecond;

    /// <summary>
    /// The time of one operation. It ends a little early for one that waits in vain, which is told that nothing was
    /// sent: what began now might not end in its time.
    /// </summary>
    private sealed class Call : IDisposable
    {
        private readonly Lock _gate = new();
        private readonly ProposerHost _host;
        private readonly long _ticket;
        private readonly TimeSpan _longest;
        private readonly TimeProvider _time;
        private readonly long _began;
        private readonly ITimer _timer;

        public Call(ProposerHost host, long ticket, TimeSpan longest, TimeProvider time)
        {
            (_host, _ticket, _longest, _time, _began) = (host, ticket, longest, time, time.GetTimestamp());
            lock (_gate) // It may fire before it is here.
            {
                _timer = time.CreateTimer(
                    static state => ((Call)state!).TimerFired(), this, Up(longest / 2), Timeout.InfiniteTimeSpan);
            }
        }

        public void Cancel() => _host.Abandon(_ticket, $"The caller cancelled.{Last()}");

        public void Dispose() => _timer.Dispose();

        private void TimerFired()
        {
            var left = _longest - _time.GetElapsedTime(_began);
            if (left <= TimeSpan.Zero)
            {
                _host.Abandon(_ticket, $"No quorum answered within {_longest.TotalSeconds:0.###} s.{Last()}");
                return;
            }

            var reserve = _host.Admission.Reserve(_longest);
            if (left <= reserve)
            {
                _host.AbandonUnsent(_ticket, _host.Admission.Reason());
                WakeIn(left);
            }
            else
            {
                WakeIn(left - reserve);
            }
        }

        private void WakeIn(TimeSpan delay)
        {
            lock (_gate)
            {
                _timer.Change(Up(delay), Timeout.InfiniteTimeSpan);
            }
        }

        // Rounded up: a timer that fires too early would only set itself anew.
        private static TimeSpan Up(TimeSpan delay) =>
            TimeSpan.FromMilliseconds(Math.Ceiling(delay.TotalMilliseconds));

        private string Last() => _host.LastFailure is { } failure ? $" Last failure: {failure}" : "";
    }
}

/// <summary>A division of the registers by their keys: its queue at each slot, and the room that they share.</summary>
internal sealed record Shard(IReadOnlyList<AcceptorQueue> Slots, Admission Admission);
