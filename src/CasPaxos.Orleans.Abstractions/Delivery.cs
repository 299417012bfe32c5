using CasPaxos.Orleans.Wire;

namespace CasPaxos.Orleans;

/// <summary>
/// One operation on its way through the cluster: sent, sent again while nobody answers, until an answer is certain or
/// time is up.
/// </summary>
/// <remarks>
/// A try that was not answered may still be carried out, by a silo that was paused even much later. So every try says
/// where the register stood before the first one, the first as <see cref="Operation.KnownSince"/> and the others as
/// <see cref="Operation.RetrySince"/>: none is then applied to a record that could hide another (rule 12).
/// </remarks>
internal sealed class Delivery(
    RegisterRoutes routes, Operation operation, TimeSpan timeout, AnswerTimes times, TimeProvider time)
{
    /// <summary>What is waited after a failure that came at once.</summary>
    public static readonly TimeSpan Moment = TimeSpan.FromMilliseconds(25);

    private const string Unsettled =
        "It does not fit what is there, but an earlier try may come up when it does, and the register has no room to " +
        "rule that out.";

    private readonly long _began = time.GetTimestamp();
    private readonly List<Task<OutcomeMessage>> _sent = [];
    private readonly List<(int Attempt, Task<OutcomeMessage> Answer)> _asked = []; // Where the register stands.
    private readonly bool _isRead = operation.Change.IsRead;
    private ETag? _since = operation.RetrySince;
    private int _attempts;
    private int _locating;
    private int _setbacks; // Tries that came to nothing before their time.
    private int _silent; // Tries that were not answered in the time in which others are.
    private bool _lost; // A try ended without an answer: it may yet be applied.
    private bool _overtaken; // Where the register stood was out of date when a try arrived.
    private bool _again; // At once: nothing is in doubt, only this silo was asked from too far back.
    private Outcome.Unknown? _unknown;
    private string _reason = "No silo answered in time.";

    /// <summary>Where the register stood at the latest answer: what the next operation may begin from.</summary>
    public ETag? Position { get; private set; }

    /// <summary>True if no other try can have an effect.</summary>
    private bool IsAlone => _sent.Count == 0 && !_lost && _unknown is null;

    /// <summary>
    /// What is sent again in the last moment is not answered in time; and a pause that ends with it is none.
    /// </summary>
    private bool HasTimeForATry => Left() > (_attempts + _locating == 0 ? TimeSpan.Zero : Moment);

    /// <summary>Sends the operation until its outcome is certain, or time is up.</summary>
    /// <param name="position">Where the register stood at some time before; null if that is not known.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    public async Task<Outcome> RunAsync(ETag? position, CancellationToken cancellationToken)
    {
        _since ??= position;
        using var end = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        try
        {
            while (HasTimeForATry && !cancellationToken.IsCancellationRequested)
            {
                await SendAsync(end.Token);
                if (await AnswerAsync(Min(times.ResendAfter(_silent), Left()), cancellationToken) is { } outcome)
                {
                    return outcome;
                }
            }

            // The silo is told to give up at the same time as we; what it then says is worth a moment's wait.
            return await AnswerAsync(4 * Moment, CancellationToken.None) ?? Undecided();
        }
        finally
        {
            await end.CancelAsync();
            _sent.ForEach(Forget);
            _asked.ForEach(static asked => Forget(asked.Answer));
        }
    }

    private async Task SendAsync(CancellationToken cancellationToken)
    {
        if (!_isRead && _since is null && !await LocateAsync(cancellationToken))
        {
            return; // Nobody says where to begin, and what is sent without that could not be sent again.
        }

        if (Left() <= TimeSpan.Zero)
        {
            return; // It took too long to learn that.
        }

        var next = _isRead ? operation
            : IsAlone && operation.RetrySince is null ? operation with { KnownSince = _since, Overtaken = _overtaken }
            : operation with { RetrySince = _since };
        var message = OperationMessage.From(next, Left(), time.GetUtcNow());
        _sent.Add(times.MeasureAsync(Begin(() => routes.ExecuteAsync(_attempts++, message, cancellationToken))));
    }

    /// <summary>Learns where the register stands. Nothing is changed, so this may fail or come late.</summary>
    private async Task<bool> LocateAsync(CancellationToken cancellationToken)
    {
        var next = _locating++;
        _asked.Add((next, times.MeasureAsync(Begin(() => routes.LocateAsync(next, cancellationToken)))));
        var any = Task.WhenAny(_asked.Select(asked => asked.Answer));
        var patience = Min(times.ResendAfter(_silent), Max(Left(), Moment));
        await ((Task)any).WaitAsync(patience, time, cancellationToken)
            .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (!any.IsCompleted)
        {
            _silent++;
            return false; // An answer that comes later is as good.
        }

        var (attempt, locating) = _asked.Find(asked => asked.Answer.IsCompleted);
        _asked.Remove((attempt, locating));
        if (!locating.IsCompletedSuccessfully)
        {
            Forget(locating);
            ThrowIfForbidden(locating.Exception?.InnerException);
            _reason = locating.Exception?.InnerException?.Message ?? _reason;
            return false;
        }

        _attempts = Math.Max(_attempts, attempt); // A way that was silent to the question is not worth a try.
        var message = await locating;
        _reason = message.Reason ?? _reason;
        _since = message.Kind == OutcomeKind.Applied ? message.Position?.ToETag() : null;
        return _since is not null;
    }

    /// <summary>
    /// The first certain answer; null when there is none in time, or some time after a try has come to nothing.
    /// </summary>
    private async Task<Outcome?> AnswerAsync(TimeSpan patience, CancellationToken cancellationToken)
    {
        var began = time.GetTimestamp();
        _again = false;
        while (_sent.Count > 0 && !_again)
        {
            var any = Task.WhenAny(_sent);
            var left = Max(patience - time.GetElapsedTime(began), TimeSpan.Zero);
            await ((Task)any).WaitAsync(left, time, cancellationToken)
                .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (!any.IsCompleted)
            {
                _silent++;
                return null;
            }

            var done = await any;
            _sent.Remove(done);
            if ((done.IsCompletedSuccessfully ? Take(await done) : Lose(done)) is { } outcome)
            {
                return outcome;
            }

            patience = Min(patience, time.GetElapsedTime(began) + Setback(_setbacks++));
        }

        if (!_again)
        {
            // So that the way is another one next time.
            var rest = _attempts == 0 ? Moment : patience - time.GetElapsedTime(began);
            await Task.Delay(Max(Min(rest, patience), TimeSpan.Zero), time, cancellationToken)
                .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        return null;
    }

    /// <summary>A moment, and twice that after each: a cluster in trouble is not asked without end.</summary>
    public static TimeSpan Setback(int before) => Moment * (1 << Math.Min(before, 4));

    /// <summary>What the answer of one try says of the operation; null if that is nothing certain.</summary>
    private Outcome? Take(OutcomeMessage message)
    {
        Position = message.Position?.ToETag() ?? Position;
        Outcome outcome;
        try
        {
            outcome = message.ToOutcome();
        }
        catch (ArgumentException failure)
        {
            // A newer silo has said what this client does not understand: it may have been applied.
            (_lost, _reason) = (true, failure.Message);
            return null;
        }

        switch (outcome)
        {
            case Outcome.Applied { Final: true } or Outcome.Refused { Final: true }:
                return outcome;
            case Outcome.Unknown unknown:
                _unknown ??= unknown with { Since = _since ?? unknown.Since };
                return _sent.Count == 0 ? _unknown : null; // Another try may come to know.
            case Outcome.Unavailable { Overtaken: true } when IsAlone:
                _since = Position;
                _again = _overtaken = true;
                return null;
            case Outcome.Unavailable unavailable:
                _reason = unavailable.Reason;
                return null; // It says nothing of other tries, and another silo may have what this one lacks.
            default:
                // Another try may find it to fit; one to come settles it, where there is room.
                return !IsAlone ? null
                    : operation.RetrySince is { } since && outcome is not Outcome.Faulted
                    ? new Outcome.Unknown(operation.Id, since, Unsettled)
                    : outcome;
        }
    }

    /// <summary>A try without an answer.</summary>
    /// <exception cref="ArgumentException">
    /// Refused before anything was proposed; every silo would say the same.
    /// </exception>
    /// <exception cref="UnauthorizedAccessException">The same: the register is not for clients.</exception>
    private Outcome? Lose(Task<OutcomeMessage> done)
    {
        var failure = done.Exception?.InnerException;
        if (IsAlone)
        {
            ThrowIfForbidden(failure);
            if (failure is ArgumentException invalid)
            {
                throw new ArgumentException(invalid.Message, invalid);
            }
        }

        _lost = true;
        _reason = failure?.Message ?? "The call was cancelled.";
        return null;
    }

    /// <summary>Every silo would say the same.</summary>
    public static void ThrowIfForbidden(Exception? failure)
    {
        if (failure is UnauthorizedAccessException forbidden)
        {
            throw new UnauthorizedAccessException(forbidden.Message, forbidden);
        }
    }

    private Outcome Undecided() => _isRead || (IsAlone && operation.RetrySince is null)
        ? new Outcome.Unavailable(_reason)
        : _unknown ?? new Outcome.Unknown(operation.Id, _since ?? ETag.Absent, _reason);

    /// <summary>
    /// Makes a call. A client that is not connected throws at once; that is as good as an answer of that kind.
    /// </summary>
    public static Task<T> Begin<T>(Func<Task<T>> call)
    {
        try
        {
            return call();
        }
#pragma warning disable CA1031 // Whatever it is, the caller looks at the task.
        catch (Exception failure)
#pragma warning restore CA1031
        {
            return Task.FromException<T>(failure);
        }
    }

    /// <summary>A wait that ends with the time that is left; none if that is over.</summary>
    public static TimeSpan Clamp(TimeSpan wait, TimeSpan left) => Max(Min(wait, left), TimeSpan.Zero);

    /// <summary>Leaves a call to itself; how it ends does not matter any more.</summary>
    public static void Forget(Task task) => _ = task.ContinueWith(
        static late => late.Exception,
        CancellationToken.None,
        TaskContinuationOptions.OnlyOnFaulted | TaskContinuationOptions.ExecuteSynchronously,
        TaskScheduler.Default);

    private TimeSpan Left() => timeout - time.GetElapsedTime(_began);

    private static TimeSpan Min(TimeSpan left, TimeSpan right) => left < right ? left : right;

    private static TimeSpan Max(TimeSpan left, TimeSpan right) => left > right ? left : right;
}
