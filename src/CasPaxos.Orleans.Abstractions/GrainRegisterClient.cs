using System.Collections.Concurrent;
using CasPaxos.Orleans.Wire;
using CasPaxos.Registers;

namespace CasPaxos.Orleans;

/// <summary>
/// Registers of the service on an Orleans cluster, for its clients and its grains. Safe for concurrent use; make one
/// for a process and share it.
/// </summary>
/// <remarks>
/// A silo that is killed takes the answers under way with it, and nobody says so. An operation that was not answered
/// within <see cref="GrainRegisterClientOptions.ResendAfter"/> is therefore sent again under its operation id, which
/// never applies it twice (rule 12); whichever answer is certain first, counts.
/// </remarks>
#pragma warning disable CA1001 // The semaphore holds nothing to give back: its wait handle is never asked for.
public sealed class GrainRegisterClient : IRegisterClient
#pragma warning restore CA1001
{
    private const int PositionsMax = 100_000;

    /// <summary>An operation is sent so long before the end of its time, or earlier.</summary>
    private static readonly TimeSpan ReserveMin = TimeSpan.FromSeconds(2);

    private readonly ConcurrentDictionary<RegisterKey, ETag> _positions = new();
    private readonly IGrainFactory _grains;
    private readonly GrainRegisterClientOptions _options;
    private readonly SemaphoreSlim _room;
    private readonly ServiceWays _ways;
    private readonly AnswerTimes _times;
    private readonly AnswerTimes _pageTimes;
    private readonly AnswerTimes _outcomeTimes; // Of operations, with all their tries.

    /// <summary>Makes a client.</summary>
    /// <param name="grains">The cluster.</param>
    /// <param name="options">Limits; null for the defaults.</param>
    /// <param name="time">The clock; null for the system's.</param>
    public GrainRegisterClient(
        IGrainFactory grains, GrainRegisterClientOptions? options = null, TimeProvider? time = null)
    {
        ArgumentNullException.ThrowIfNull(grains);
        _grains = grains;
        _options = options ?? new GrainRegisterClientOptions();
        Time = time ?? TimeProvider.System;
        _room = new SemaphoreSlim(_options.OperationsMax);
        _ways = new ServiceWays(grains, _options.ResendAfter * 0.9, Time); // Less than what is waited before a resend.
        _times = new AnswerTimes(_options.ResendAfter, Time);
        _outcomeTimes = new AnswerTimes(_options.ResendAfter, Time);
        _pageTimes = new AnswerTimes(5 * _options.ResendAfter, Time); // Asked twice, a page is made twice.
    }

    /// <inheritdoc/>
    public TimeProvider Time { get; }

    /// <inheritdoc/>
    public Exception ToException(RegisterKey key, Outcome outcome) => GrainOutcomes.ToException(key, outcome);

    /// <inheritdoc/>
    public async Task<Outcome> ExecuteAsync(
        RegisterKey key, Operation operation, TimeSpan? timeout, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(operation);
        RegisterClientOptions.ThrowIfTooLong(timeout);
        var routes = new RegisterRoutes(_grains, _ways, key);
        cancellationToken.ThrowIfCancellationRequested();
        var outcome = await DeliverAsync(key, routes, operation, timeout ?? _options.Timeout, cancellationToken);
        return cancellationToken.IsCancellationRequested && outcome is Outcome.Unknown or Outcome.Unavailable
            ? throw new RegisterCanceledException(key, outcome, cancellationToken)
            : outcome;
    }

    /// <summary>
    /// Sends an operation when its turn comes (rule 24): what is sent beyond what the service can do comes back late,
    /// is sent again meanwhile, and makes it slower still.
    /// </summary>
    private async Task<Outcome> DeliverAsync(
        RegisterKey key,
        RegisterRoutes routes,
        Operation operation,
        TimeSpan timeout,
        CancellationToken cancellationToken)
    {
        var began = Time.GetTimestamp();
        if (!_room.Wait(0, CancellationToken.None))
        {
            var turn = _room.WaitAsync(timeout - Reserve(timeout), cancellationToken);
            await ((Task)turn).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (!turn.IsCompletedSuccessfully || !await turn)
            {
                var reason = $"{_options.OperationsMax} operations of this client were under way all the time.";
                return operation.RetrySince is { } since && !operation.Change.IsRead
                    ? new Outcome.Unknown(operation.Id, since, reason)
                    : new Outcome.Unavailable($"{reason} Ask for less at a time, or give it a longer time.");
            }
        }

        try
        {
            var delivery = new Delivery(routes, operation, timeout - Time.GetElapsedTime(began), _times, Time);
            var outcome = await _outcomeTimes.MeasureAsync(delivery.RunAsync(
                _positions.TryGetValue(key, out var position) ? position : null, cancellationToken));
            Remember(key, delivery.Position);
            return outcome;
        }
        finally
        {
            _room.Release();
        }
    }

    /// <summary>
    /// How long before the end of its time an operation is sent at the latest. What is not answered in time is left in
    /// doubt, and was better not sent.
    /// </summary>
    private TimeSpan Reserve(TimeSpan timeout)
    {
        var least = timeout / 3 < ReserveMin ? timeout / 3 : ReserveMin;
        var wanted = _outcomeTimes.Long;
        return wanted < least ? least : Delivery.Clamp(wanted, timeout / 2);
    }

    /// <inheritdoc/>
    public async Task<Outcome> ReadPossiblyStaleAsync(RegisterKey key, CancellationToken cancellationToken = default)
    {
        var grain = _grains.GetGrain<IRegisterGrain>(key.Text);
        try
        {
            var message = await AskAsync(
                _times, _options.Timeout, stop => grain.ReadPossiblyStaleAsync(stop), cancellationToken);
            Remember(key, message.Position?.ToETag());
            return message.ToOutcome();
        }
        catch (RegisterGrainUnavailableException failure)
        {
            return new Outcome.Unavailable(failure.Message);
        }
    }

    /// <inheritdoc/>
    /// <exception cref="RegisterGrainUnavailableException">No silo answered, or none could ask a quorum.</exception>
    public async Task<RegisterPage> ListAsync(ListQuery query, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(query);
        query.Validate();
        var message = ListQueryMessage.From(query);
        var page = await AskAsync(
            _pageTimes,
            query.PageTime(_options.Timeout),
            stop => _ways.AskAsync(silo => silo.ListAsync(message, stop)),
            cancellationToken);
        return page.ToPage();
    }

    /// <summary>Silos, slots and acceptors, as the silo that answers sees them.</summary>
    /// <exception cref="RegisterGrainUnavailableException">No silo answered.</exception>
    public Task<ServiceStatus> StatusAsync(CancellationToken cancellationToken = default) =>
        AskAsync(_times, _options.Timeout, stop => _ways.AskAsync(silo => silo.StatusAsync(stop)), cancellationToken);

    /// <summary>
    /// Asks what changes nothing, again and again while nobody answers; the first answer counts.
    /// </summary>
    private async Task<T> AskAsync<T>(
        AnswerTimes times,
        TimeSpan timeout,
        Func<CancellationToken, Task<T>> ask,
        CancellationToken cancellationToken)
    {
        using var end = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var began = Time.GetTimestamp();
        var asked = new List<Task<T>>();
        var setbacks = 0;
        Exception? failure = null;
        try
        {
            // What a silo cannot do now another can, or the same one later. What is refused, all refuse.
            while (Time.GetElapsedTime(began) < timeout
                && failure is not RegisterGrainException or RegisterGrainUnavailableException)
            {
                cancellationToken.ThrowIfCancellationRequested();
                asked.Add(times.MeasureAsync(Delivery.Begin(() => ask(end.Token))));
                var any = Task.WhenAny(asked);
                var left = timeout - Time.GetElapsedTime(began);
                await ((Task)any).WaitAsync(
                    Delivery.Clamp(times.ResendAfter(asked.Count), left), Time, cancellationToken)
                    .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                if (!any.IsCompleted)
                {
                    continue;
                }

                var done = await any;
                asked.Remove(done);
                if (done.IsCompletedSuccessfully)
                {
                    return await done;
                }

                failure = done.Exception?.InnerException;
                Delivery.ThrowIfForbidden(failure);
                left = timeout - Time.GetElapsedTime(began);
                await Task.Delay(Delivery.Clamp(Delivery.Setback(setbacks++), left), Time, cancellationToken)
                    .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
        finally
        {
            await end.CancelAsync();
            asked.ForEach(Delivery.Forget);
        }

        throw failure as RegisterGrainException
            ?? new RegisterGrainUnavailableException($"No silo answered in time. {failure?.Message}");
    }

    /// <summary>
    /// Keeps where the register stood, so that the next operation can be sent at once. Forgetting it costs a question.
    /// </summary>
    private void Remember(RegisterKey key, ETag? position)
    {
        if (position is not { } known)
        {
            return;
        }

        if (_positions.Count >= PositionsMax)
        {
            _positions.Clear();
        }

        _positions[key] = known;
    }
}
