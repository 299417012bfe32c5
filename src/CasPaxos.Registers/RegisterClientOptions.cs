namespace CasPaxos.Registers;

/// <summary>Limits of a <see cref="RegisterClient"/>.</summary>
public sealed record RegisterClientOptions
{
    /// <summary>The longest time that an operation can be given.</summary>
    public static readonly TimeSpan TimeoutMax = TimeSpan.FromMinutes(10);

    /// <summary>
    /// Longest time that an operation may take before it is answered as unavailable or unknown. Default 5 s; above 0,
    /// at most 10 min.
    /// </summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>
    /// Most registers whose proposer is remembered; the others cost a round trip more. Default 10,000; 1 or more.
    /// </summary>
    public int ProposersMax { get; init; } = 10_000;

    /// <summary>
    /// Most bytes of values that the remembered proposers hold, about; beyond it those are forgotten that nobody uses.
    /// Default 256 MiB; 1 or more.
    /// </summary>
    public long ProposerBytesMax { get; init; } = 256L * 1024 * 1024;

    /// <summary>How long a proposer that nobody uses is remembered, about. Default 10 min; 1 s to 1 day.</summary>
    public TimeSpan ProposerIdleMax { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>
    /// Most registers with a round under way; where slots are divided by keys, in each division. It is fewer while
    /// rounds take long. Operations on further registers wait for room as long as their time allows, and are answered
    /// as unavailable if there is none by then. Default 1,024; 1 or more.
    /// </summary>
    public int AttemptsMax { get; init; } = 1024;

    /// <summary>
    /// Most requests that wait for one acceptor; further ones are refused at once and not sent. Above <see
    /// cref="AttemptsMax"/>, or rounds are begun in vain. Default 4,096; 1 or more.
    /// </summary>
    public int QueueMax { get; init; } = 4096;

    /// <summary>
    /// Most listings under way at a time; further ones wait. They read much, and what is asked of single registers must
    /// not wait for them. Default 2; 1 or more.
    /// </summary>
    public int ScansMax { get; init; } = 2;

    /// <summary>Most requests in one batch. Default 256; 1 or more.</summary>
    public int BatchMax { get; init; } = 256;

    /// <summary>Most bytes of values in one batch of more than one request. Default 4 MiB; 1 or more.</summary>
    public int BatchBytesMax { get; init; } = 4 * 1024 * 1024;

    /// <summary>Batches of one lane under way at one acceptor at a time. Default 1; 1 to 16.</summary>
    public int BatchesUnderWay { get; init; } = 1;

    /// <summary>
    /// How long an acceptor is left alone after it could not be reached; doubles up to <see cref="ReprobeMax"/>.
    /// Default 50 ms; above 0.
    /// </summary>
    public TimeSpan ReprobeBase { get; init; } = TimeSpan.FromMilliseconds(50);

    /// <summary>
    /// The longest time between two tries to reach an acceptor. Default 250 ms; above 0. While a majority hangs on its
    /// return, this is how long operations wait beyond it.
    /// </summary>
    public TimeSpan ReprobeMax { get; init; } = TimeSpan.FromMilliseconds(250);

    /// <summary>
    /// What the acceptors are in telemetry: <c>store</c>, a database, or <c>grain</c>, on the way to one.
    /// </summary>
    internal string Port { get; init; } = "store";

    /// <summary>Limits and patience of every proposer.</summary>
    public ProposerSettings Proposer { get; init; } = ProposerSettings.Default;

    /// <summary>Throws, naming the first setting that is out of its range.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A setting is out of its range.</exception>
    internal void Validate()
    {
        Above(Timeout, TimeSpan.Zero, nameof(Timeout));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(Timeout, TimeoutMax, nameof(Timeout));
        ArgumentOutOfRangeException.ThrowIfLessThan(ProposersMax, 1, nameof(ProposersMax));
        ArgumentOutOfRangeException.ThrowIfLessThan(ProposerBytesMax, 1, nameof(ProposerBytesMax));
        ArgumentOutOfRangeException.ThrowIfLessThan(ProposerIdleMax, TimeSpan.FromSeconds(1), nameof(ProposerIdleMax));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(ProposerIdleMax, TimeSpan.FromDays(1), nameof(ProposerIdleMax));
        ArgumentOutOfRangeException.ThrowIfLessThan(AttemptsMax, 1, nameof(AttemptsMax));
        ArgumentOutOfRangeException.ThrowIfLessThan(QueueMax, 1, nameof(QueueMax));
        ArgumentOutOfRangeException.ThrowIfLessThan(ScansMax, 1, nameof(ScansMax));
        ArgumentOutOfRangeException.ThrowIfLessThan(BatchMax, 1, nameof(BatchMax));
        ArgumentOutOfRangeException.ThrowIfLessThan(BatchBytesMax, 1, nameof(BatchBytesMax));
        ArgumentOutOfRangeException.ThrowIfLessThan(BatchesUnderWay, 1, nameof(BatchesUnderWay));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(BatchesUnderWay, 16, nameof(BatchesUnderWay));
        Above(ReprobeBase, TimeSpan.Zero, nameof(ReprobeBase));
        Above(ReprobeMax, TimeSpan.Zero, nameof(ReprobeMax));
        Above(Proposer.PhaseTimeout, TimeSpan.Zero, nameof(Proposer.PhaseTimeout));
        Above(Proposer.Patience, TimeSpan.Zero, nameof(Proposer.Patience));
        Above(Proposer.BackoffBase, TimeSpan.Zero, nameof(Proposer.BackoffBase));
        ArgumentOutOfRangeException.ThrowIfLessThan(
            Proposer.RecentIdsMin, RecentOperations.IdsMin, nameof(Proposer.RecentIdsMin));
        ArgumentOutOfRangeException.ThrowIfLessThan(Proposer.CombineMax, 1, nameof(Proposer.CombineMax));
        ArgumentOutOfRangeException.ThrowIfLessThan(Proposer.QueueMax, 1, nameof(Proposer.QueueMax));
    }

    /// <summary>Refuses a wait of one operation that no timer could end, before anything is sent.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is above <see cref="TimeoutMax"/>.</exception>
    internal static void ThrowIfTooLong(TimeSpan? timeout) =>
        ArgumentOutOfRangeException.ThrowIfGreaterThan(timeout ?? TimeSpan.Zero, TimeoutMax, nameof(timeout));

    private static void Above(TimeSpan value, TimeSpan bound, string name) =>
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(value, bound, name);
}
