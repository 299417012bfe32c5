using CasPaxos.Orleans.Wire;

namespace CasPaxos.Orleans.Tests;

/// <summary>
/// Operations whose silo keeps silent are sent again, and no answer claims more than is certain (rules 11 and 12).
/// </summary>
public sealed class DeliveryTests
{
    private static readonly TimeSpan ResendAfter = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan Brief = TimeSpan.FromSeconds(1.2); // For what is undecided to the end.
    private static readonly ETag Known = new(Guid.NewGuid(), 7);
    private static readonly Outcome.Applied Applied = new(Known with { Version = 8 }, Snapshot.Absent);
    private static readonly Outcome.Refused Exists = new(RefusalReason.Exists, Snapshot.Absent);

    [Fact]
    public async Task A_first_try_says_where_the_register_stood_and_is_no_retry()
    {
        var routes = new ScriptedRoutes(_ => Answer(Applied));

        var outcome = await routes.DeliverAsync(new Change.Increment(1), Known);

        Assert.Equal(Applied.ETag, Assert.IsType<Outcome.Applied>(outcome).ETag);
        var sent = Assert.Single(routes.Sent);
        Assert.Equal(Known, sent.KnownSince!.Value.ToETag());
        Assert.Null(sent.RetrySince);
    }

    [Fact]
    public async Task A_caller_that_knows_no_position_asks_for_one_first()
    {
        var routes = new ScriptedRoutes(_ => Answer(Applied)) { Position = Known };

        await routes.DeliverAsync(new Change.Increment(1), position: null);

        Assert.Equal(1, routes.Located);
        Assert.Equal(Known, Assert.Single(routes.Sent).KnownSince!.Value.ToETag());
    }

    [Fact]
    public async Task A_way_that_was_silent_to_that_question_is_not_tried()
    {
        var routes = new ScriptedRoutes(attempt => attempt == 0 ? Silence() : Answer(Applied))
        {
            Position = Known,
            SilentLocates = 1,
        };

        var outcome = await routes.DeliverAsync(new Change.Increment(1), position: null);

        Assert.IsType<Outcome.Applied>(outcome);
        Assert.Null(Assert.Single(routes.Sent).RetrySince);
    }

    // A service that is slower than the wait would otherwise be asked for ever, and never heard.
    [Fact]
    public async Task A_late_answer_to_that_question_is_as_good_as_one_in_time()
    {
        var routes = new ScriptedRoutes(_ => Answer(Applied)) { Position = Known, LocateDelay = 3 * ResendAfter };

        Assert.IsType<Outcome.Applied>(await routes.DeliverAsync(new Change.Increment(1), position: null));

        Assert.InRange(routes.Located, 2, 3);
    }

    // A client that is not connected throws at once, as Orleans has it.
    [Fact]
    public async Task A_client_that_cannot_even_ask_is_answered_unavailable()
    {
        var routes = new ScriptedRoutes(_ => Answer(Applied)) { Throws = true };

        var outcome = await routes.DeliverAsync(new Change.Increment(1), position: null, timeout: Brief);

        Assert.Contains("not connected", Assert.IsType<Outcome.Unavailable>(outcome).Reason, StringComparison.Ordinal);
        Assert.Empty(routes.Sent);
    }

    [Fact]
    public async Task Without_a_position_nothing_is_sent_and_the_answer_is_unavailable()
    {
        var routes = new ScriptedRoutes(_ => Answer(Applied)) { Position = null };

        var outcome = await routes.DeliverAsync(new Change.Increment(1), position: null, timeout: Brief);

        Assert.IsType<Outcome.Unavailable>(outcome);
        Assert.Empty(routes.Sent);
    }

    [Fact]
    public async Task A_silent_silo_is_passed_by_and_the_second_try_looks_for_the_first()
    {
        var routes = new ScriptedRoutes(attempt => attempt == 0 ? Silence() : Answer(Applied));

        var outcome = await routes.DeliverAsync(new Change.Increment(1), Known);

        Assert.Equal(Applied.ETag, Assert.IsType<Outcome.Applied>(outcome).ETag);
        Assert.InRange(Assert.Single(routes.Waits), TimeSpan.Zero, ResendAfter);
        Assert.Equal(2, routes.Sent.Count);
        Assert.Equal(routes.Sent[0].Id, routes.Sent[1].Id);
        Assert.Equal(Known, routes.Sent[1].RetrySince!.Value.ToETag());
    }

    [Fact]
    public async Task A_call_that_fails_is_a_lost_try()
    {
        var routes = new ScriptedRoutes(attempt => attempt == 0
            ? Task.FromException<OutcomeMessage>(new SiloUnavailableException("gone"))
            : Answer(Applied));

        Assert.IsType<Outcome.Applied>(await routes.DeliverAsync(new Change.Increment(1), Known));
        Assert.NotNull(routes.Sent[1].RetrySince);
    }

    [Theory]
    [InlineData("refused")]
    [InlineData("kept")]
    public async Task What_is_not_final_is_not_believed_while_a_lost_try_may_still_be_applied(string how)
    {
        Outcome open = how == "kept"
            ? new Outcome.Applied(Known, new Snapshot(Known, new byte[1]), Final: false)
            : Exists with { Final = false };
        var routes = new ScriptedRoutes(attempt => attempt == 0 ? Silence() : Answer(open));

        var outcome = await routes.DeliverAsync(new Change.Custom("claim", new byte[1]), Known, timeout: Brief);

        var unknown = Assert.IsType<Outcome.Unknown>(outcome);
        Assert.Equal(Known, unknown.Since);
    }

    // A killed silo must cost the caller no more than the time after which another is asked.
    [Fact]
    public async Task A_refusal_for_good_ends_the_wait_for_a_lost_try()
    {
        var routes = new ScriptedRoutes(attempt => attempt == 0 ? Silence() : Answer(Exists with { Recovered = true }));

        var outcome = await routes.DeliverAsync(new Change.Create(new byte[1]), Known);

        Assert.True(outcome is Outcome.Refused { Reason: RefusalReason.Exists, Recovered: true, Final: true });
        Assert.Equal(2, routes.Sent.Count);
    }

    [Fact]
    public async Task A_retry_of_the_caller_that_cannot_be_settled_says_nothing_of_what_it_retries()
    {
        var routes = new ScriptedRoutes(_ => Answer(Exists with { Final = false }));

        var outcome = await routes.DeliverAsync(new Change.Create(new byte[1]), Known, retrySince: Known);

        Assert.Equal(Known, Assert.IsType<Outcome.Unknown>(outcome).Since);
    }

    [Fact]
    public async Task One_that_is_alone_needs_nothing_for_good()
    {
        var routes = new ScriptedRoutes(_ => Answer(Exists with { Final = false }));

        Assert.IsType<Outcome.Refused>(await routes.DeliverAsync(new Change.Create(new byte[1]), Known));
        Assert.Single(routes.Sent);
    }

    [Fact]
    public async Task A_try_that_fails_at_once_is_not_waited_for()
    {
        var routes = new ScriptedRoutes(attempt => attempt switch
        {
            0 => Silence(),
            1 => Task.FromException<OutcomeMessage>(new SiloUnavailableException("gone")),
            _ => Answer(Applied),
        });

        Assert.IsType<Outcome.Applied>(await routes.DeliverAsync(new Change.Increment(1), Known));

        // The first is waited for, 200 ms; the second is not, but for a moment in which the first may answer.
        Assert.Equal(2, routes.Waits.Count);
        Assert.InRange(routes.Waits[0], TimeSpan.Zero, ResendAfter);
        Assert.InRange(routes.Waits[1], TimeSpan.Zero, Delivery.Moment);
    }

    [Fact]
    public async Task That_a_retry_was_not_carried_out_says_nothing_of_what_it_retries()
    {
        var routes = new ScriptedRoutes(_ => Answer(new Outcome.Unavailable("its clock is wrong")));

        var outcome = await routes.DeliverAsync(new Change.Increment(1), Known, retrySince: Known, timeout: Brief);

        Assert.IsType<Outcome.Unknown>(outcome);
    }

    [Fact]
    public async Task A_cluster_that_fails_at_once_is_asked_less_and_less_often()
    {
        var routes = new ScriptedRoutes(
            _ => Task.FromException<OutcomeMessage>(new SiloUnavailableException("gone")));

        Assert.IsType<Outcome.Unknown>(await routes.DeliverAsync(new Change.Increment(1), Known, timeout: Brief));

        Assert.InRange(routes.Sent.Count, 3, 12); // After 25, 50, 100 ms, then every 200 ms.
    }

    [Fact]
    public async Task An_unavailable_silo_proves_nothing_about_a_lost_try()
    {
        var routes = new ScriptedRoutes(attempt => attempt == 0 ? Silence() : Answer(new Outcome.Unavailable("down")));

        Assert.IsType<Outcome.Unknown>(await routes.DeliverAsync(new Change.Increment(1), Known, timeout: Brief));
    }

    [Fact]
    public async Task A_silo_that_cannot_is_followed_by_another_while_there_is_time()
    {
        var routes = new ScriptedRoutes(attempt => attempt == 0
            ? Answer(new Outcome.Unavailable("this silo is starting"))
            : Answer(Applied));

        Assert.IsType<Outcome.Applied>(await routes.DeliverAsync(new Change.Increment(1), Known));

        Assert.Equal(2, routes.Sent.Count);
        Assert.Null(routes.Sent[1].RetrySince); // Nothing is in doubt.
    }

    [Fact]
    public async Task Where_no_silo_can_the_answer_is_what_the_last_one_said_and_nothing_is_in_doubt()
    {
        var routes = new ScriptedRoutes(_ => Answer(new Outcome.Unavailable("down")));

        var outcome = await routes.DeliverAsync(new Change.Increment(1), Known, timeout: Brief);

        Assert.Equal("down", Assert.IsType<Outcome.Unavailable>(outcome).Reason);
        Assert.InRange(routes.Sent.Count, 2, 12); // After 25, 50, 100 ms, then every 200 ms.
    }

    [Fact]
    public async Task A_cluster_that_keeps_silent_is_asked_less_and_less_often()
    {
        var routes = new ScriptedRoutes(_ => Silence());

        await routes.DeliverAsync(new Change.Increment(1), Known, timeout: 20 * ResendAfter);

        // At 0, 1, 2, 4, 8 and 16 times of the wait.
        Assert.InRange(routes.Sent.Count, 2, 6);
    }

    [Fact]
    public void Answers_that_take_long_are_waited_for_as_long()
    {
        var times = new AnswerTimes(ResendAfter, TimeProvider.System);
        Assert.Equal(ResendAfter, times.ResendAfter(silent: 0));

        for (var i = 0; i < 100; i++)
        {
            times.Took(4 * ResendAfter);
        }

        Assert.InRange(times.ResendAfter(silent: 0), 4 * ResendAfter, 5 * ResendAfter);
        times.Took(100 * ResendAfter);
        Assert.Equal(8 * ResendAfter, times.ResendAfter(silent: 1));
        Assert.Equal(32 * ResendAfter, times.ResendAfter(silent: 3));
    }

    [Fact]
    public async Task An_overtaken_try_begins_again_from_where_the_register_stands()
    {
        var newer = Known with { Version = 900 };
        var routes = new ScriptedRoutes(attempt => attempt == 0
            ? Task.FromResult(OutcomeMessage.From(new Outcome.Unavailable("overtaken", Overtaken: true), newer))
            : Answer(Applied));

        Assert.IsType<Outcome.Applied>(await routes.DeliverAsync(new Change.Increment(1), Known));
        Assert.Null(routes.Sent[1].RetrySince);
        Assert.Equal(newer, routes.Sent[1].KnownSince!.Value.ToETag());
        Assert.Equal([false, true], routes.Sent.Select(sent => sent.Overtaken));
    }

    [Fact]
    public async Task A_retry_of_the_caller_that_could_not_be_sent_stays_unknown()
    {
        var routes = new ScriptedRoutes(_ => Silence());
        using var cancelled = new CancellationTokenSource();
        await cancelled.CancelAsync();

        var outcome = await routes.DeliverAsync(
            new Change.Increment(1), Known, retrySince: Known, cancellationToken: cancelled.Token);

        Assert.IsType<Outcome.Unknown>(outcome);
    }

    [Fact]
    public async Task The_unknown_of_one_try_is_kept_when_another_is_unavailable()
    {
        var unknown = new Outcome.Unknown(new OperationId(Guid.NewGuid()), Known, "in doubt");
        var routes = new ScriptedRoutes(attempt => attempt == 0
            ? LateAsync(new Outcome.Unavailable("late"), TimeSpan.FromMilliseconds(500))
            : Answer(unknown));

        Assert.IsType<Outcome.Unknown>(await routes.DeliverAsync(new Change.Increment(1), Known, timeout: Brief));
    }

    [Fact]
    public async Task What_no_register_can_be_asked_for_reaches_the_caller()
    {
        var routes = new ScriptedRoutes(
            _ => Task.FromException<OutcomeMessage>(new ArgumentException("too large")));

        var thrown = await Assert.ThrowsAsync<ArgumentException>(
            () => routes.DeliverAsync(new Change.Put(new byte[1]), Known));
        Assert.Contains("too large", thrown.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_read_is_sent_again_without_more_ado_and_is_never_unknown(bool isSealed)
    {
        var routes = new ScriptedRoutes(_ => Silence());

        var outcome = await routes.DeliverAsync(
            isSealed ? new Change.SealedRead() : new Change.Read(), position: null, timeout: Brief);

        Assert.IsType<Outcome.Unavailable>(outcome);
        Assert.True(routes.Sent.Count > 1);
        Assert.All(routes.Sent, sent => Assert.Null(sent.RetrySince));
        Assert.Equal(0, routes.Located);
    }

    /// <summary>Time as it is; remembers which waits were asked of it.</summary>
    private sealed class RecordingTime : TimeProvider
    {
        public List<TimeSpan> Waits { get; } = [];

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            Waits.Add(dueTime);
            return base.CreateTimer(callback, state, dueTime, period);
        }
    }

    private static Task<OutcomeMessage> Answer(Outcome outcome) => Task.FromResult(OutcomeMessage.From(outcome, Known));

    private static Task<OutcomeMessage> Silence() => new TaskCompletionSource<OutcomeMessage>().Task;

    private static async Task<OutcomeMessage> LateAsync(Outcome outcome, TimeSpan delay)
    {
        await Task.Delay(delay);
        return OutcomeMessage.From(outcome, Known);
    }

    /// <summary>Silos that answer by the number of the try.</summary>
    private sealed class ScriptedRoutes(Func<int, Task<OutcomeMessage>> answer)
        : RegisterRoutes(null!, null!, new RegisterKey("scripted"))
    {
        private readonly RecordingTime _time = new();

        /// <summary>How long it wanted to wait each time.</summary>
        public List<TimeSpan> Waits => _time.Waits;

        public List<OperationMessage> Sent { get; } = [];

        public int Located { get; private set; }

        public ETag? Position { get; init; }

        public int SilentLocates { get; init; }

        public TimeSpan LocateDelay { get; init; }

        public bool Throws { get; init; }

        public Task<Outcome> DeliverAsync(
            Change change,
            ETag? position,
            ETag? retrySince = null,
            TimeSpan? timeout = null,
            CancellationToken cancellationToken = default)
        {
            var operation = new Operation(new OperationId(Guid.NewGuid()), change, retrySince);
            var delivery = new Delivery(
                this, operation, timeout ?? TimeSpan.FromSeconds(60), new AnswerTimes(ResendAfter, _time), _time);
            return delivery.RunAsync(position, cancellationToken);
        }

        public override Task<OutcomeMessage> ExecuteAsync(
            int attempt, OperationMessage operation, CancellationToken cancellationToken)
        {
            Sent.Add(operation);
            return answer(attempt);
        }

        public override Task<OutcomeMessage> LocateAsync(int attempt, CancellationToken cancellationToken)
        {
            Located++;
            var known = new Outcome.Applied(ETag.Absent, Snapshot.Absent);
            return LocateDelay > TimeSpan.Zero ? LateAsync(known, LocateDelay)
                : Throws ? throw new InvalidOperationException("not connected")
                : attempt < SilentLocates ? Silence()
                : Position is { } position
                ? Task.FromResult(OutcomeMessage.From(known, position))
                : Task.FromResult(OutcomeMessage.From(new Outcome.Unavailable("nobody knows"), null));
        }
    }
}
