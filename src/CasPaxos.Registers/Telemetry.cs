using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace CasPaxos.Registers;

/// <summary>
/// What the registers tell about themselves: one meter and one activity source, both named <see cref="Name"/>. Units as
/// OpenTelemetry has them. A register's key is in no tag: there may be millions.
/// </summary>
public static class Telemetry
{
    /// <summary>The name of the <see cref="Meter"/> and of the <see cref="ActivitySource"/>.</summary>
    public const string Name = "CasPaxos";

    /// <summary>Seconds of an operation, from its call to its answer. Tags: kind, outcome.</summary>
    public const string OperationDuration = "caspaxos.operation.duration";

    /// <summary>Rounds of messages to the acceptors. Tag: phase (read, prepare, accept).</summary>
    public const string Rounds = "caspaxos.rounds";

    /// <summary>Changes that needed no prepare (the one-round-trip path).</summary>
    public const string OneRoundTrips = "caspaxos.one_round_trips";

    /// <summary>Attempts that another proposer's ballot ended.</summary>
    public const string Conflicts = "caspaxos.conflicts";

    /// <summary>Attempts that failed and were followed by another.</summary>
    public const string Setbacks = "caspaxos.setbacks";

    /// <summary>Registers whose next round waits for room. Tag: port.</summary>
    public const string Waiting = "caspaxos.attempts.waiting";

    /// <summary>Requests that wait for an acceptor. Tags: slot, lane, port.</summary>
    public const string QueueLength = "caspaxos.acceptor.queue";

    /// <summary>
    /// Requests that travelled in one batch; at the port <c>store</c> a batch is one statement and, for writes, one
    /// commit. Tags: slot, lane, port.
    /// </summary>
    public const string BatchSize = "caspaxos.acceptor.batch.size";

    /// <summary>Seconds from a batch's sending to its answer. Tags: slot, lane, port, answered.</summary>
    public const string BatchDuration = "caspaxos.acceptor.batch.duration";

    /// <summary>1 while a slot does not answer. Tags: slot, port.</summary>
    public const string SlotUnreachable = "caspaxos.slot.unreachable";

    internal static readonly ActivitySource Source = new(Name);

    private static readonly Meter Meter = new(Name);
    private static readonly Histogram<double> Operation = Meter.CreateHistogram<double>(OperationDuration, "s");
    private static readonly Counter<long> Round = Meter.CreateCounter<long>(Rounds);
    private static readonly Counter<long> OneRoundTrip = Meter.CreateCounter<long>(OneRoundTrips);
    private static readonly Counter<long> Conflict = Meter.CreateCounter<long>(Conflicts);
    private static readonly Counter<long> Setback = Meter.CreateCounter<long>(Setbacks);
    private static readonly UpDownCounter<long> AttemptQueue = Meter.CreateUpDownCounter<long>(Waiting);
    private static readonly UpDownCounter<long> Queue = Meter.CreateUpDownCounter<long>(QueueLength);
    private static readonly Histogram<int> Batch = Meter.CreateHistogram<int>(BatchSize);
    private static readonly Histogram<double> BatchTime = Meter.CreateHistogram<double>(BatchDuration, "s");
    private static readonly UpDownCounter<int> Unreachable = Meter.CreateUpDownCounter<int>(SlotUnreachable);

    internal static void Operated(Change change, Outcome outcome, TimeSpan duration)
    {
        if (Operation.Enabled)
        {
            Operation.Record(
                duration.TotalSeconds,
                new KeyValuePair<string, object?>("kind", KindOf(change)),
                new KeyValuePair<string, object?>("outcome", OutcomeOf(outcome)));
        }
    }

    /// <summary>Counts what a proposer has done between two moments.</summary>
    internal static void Proposed(in ProposerCounts before, in ProposerCounts after)
    {
        Add(Round, after.Reads - before.Reads, "read");
        Add(Round, after.Prepares - before.Prepares, "prepare");
        Add(Round, after.Accepts - before.Accepts, "accept");
        Add(OneRoundTrip, after.OneRoundTrips - before.OneRoundTrips, phase: null);
        Add(Conflict, after.Conflicts - before.Conflicts, phase: null);
        Add(Setback, after.Setbacks - before.Setbacks, phase: null);
    }

    internal static void AttemptsWaiting(int change, string port) =>
        AttemptQueue.Add(change, new KeyValuePair<string, object?>("port", port));

    internal static void Queued(in LaneTags tags, int change) => Queue.Add(change, tags.Plain);

    internal static void Sent(in LaneTags tags, int requests) => Batch.Record(requests, tags.Plain);

    internal static void Answered(in LaneTags tags, long began, bool answered)
    {
        if (BatchTime.Enabled)
        {
            BatchTime.Record(
                Stopwatch.GetElapsedTime(began).TotalSeconds, answered ? tags.WithAnswer : tags.WithoutAnswer);
        }
    }

    internal static void Reachable(int slot, string port, bool reachable) => Unreachable.Add(
        reachable ? -1 : 1,
        new KeyValuePair<string, object?>("slot", slot),
        new KeyValuePair<string, object?>("port", port));

    internal static string KindOf(Change change) => change switch
    {
        Change.Read => "read",
        Change.SealedRead => "sealed-read",
        Change.Put => "put",
        Change.Create => "create",
        Change.CompareAndSwap => "compare-and-swap",
        Change.Delete => "delete",
        Change.Increment => "increment",
        Change.Append => "append",
        _ => "custom",
    };

    internal static string OutcomeOf(Outcome outcome) => outcome switch
    {
        Outcome.Applied => "applied",
        Outcome.Refused => "refused",
        Outcome.Unknown => "unknown",
        Outcome.Unavailable => "unavailable",
        _ => "faulted",
    };

    private static void Add(Counter<long> counter, long count, string? phase)
    {
        if (count > 0 && phase is null)
        {
            counter.Add(count);
        }
        else if (count > 0)
        {
            counter.Add(count, new KeyValuePair<string, object?>("phase", phase));
        }
    }
}

/// <summary>What a proposer had done at one moment.</summary>
internal readonly record struct ProposerCounts(
    long Reads, long Prepares, long Accepts, long OneRoundTrips, long Conflicts, long Setbacks)
{
    public static ProposerCounts Of(ProposerStatistics statistics) => new(
        statistics.ReadRounds,
        statistics.PrepareRounds,
        statistics.AcceptRounds,
        statistics.OneRoundTrips,
        statistics.Conflicts,
        statistics.Setbacks);
}

/// <summary>The tags of one lane of one acceptor, made once.</summary>
internal readonly struct LaneTags
{
    public LaneTags(int slot, string lane, string port)
    {
        Plain = new TagList { { "slot", slot }, { "lane", lane }, { "port", port } };
        WithAnswer = new TagList { { "slot", slot }, { "lane", lane }, { "port", port }, { "answered", true } };
        WithoutAnswer = new TagList { { "slot", slot }, { "lane", lane }, { "port", port }, { "answered", false } };
    }

    public TagList Plain { get; }

    public TagList WithAnswer { get; }

    public TagList WithoutAnswer { get; }
}
