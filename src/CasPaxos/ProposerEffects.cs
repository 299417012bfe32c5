namespace CasPaxos;

/// <summary>
/// What a proposer wants done after it was given a message. Closed. Carried out by the host in any order.
/// </summary>
public abstract record ProposerEffect
{
    private ProposerEffect()
    {
    }

    /// <summary>Send a request; give the reply, or that there was none, to <see cref="Proposer.Receive"/>.</summary>
    /// <param name="Slot">Which acceptor of the configuration.</param>
    /// <param name="Attempt">To be handed back with the reply, which counts for this attempt only.</param>
    /// <param name="Request">What to ask.</param>
    public sealed record Send(int Slot, long Attempt, AcceptorRequest Request) : ProposerEffect;

    /// <summary>
    /// Start a timer, in place of the one before; when it fires, call <see cref="Proposer.TimerFired"/>.
    /// </summary>
    /// <param name="Timer">To be handed back.</param>
    /// <param name="Delay">Above zero.</param>
    public sealed record SetTimer(long Timer, TimeSpan Delay) : ProposerEffect;

    /// <summary>Answer a caller. Every submitted operation is answered exactly once.</summary>
    /// <param name="Ticket">The caller.</param>
    /// <param name="Outcome">How its operation ended.</param>
    public sealed record Answer(long Ticket, Outcome Outcome) : ProposerEffect;

    /// <summary>The end of an erasure; only an <see cref="Eraser"/> says it, once.</summary>
    /// <param name="Result">What came of it.</param>
    public sealed record Erasure(ErasureResult Result) : ProposerEffect;

    /// <summary>
    /// An attempt wants to begin: call <see cref="Proposer.Admit"/> once there is room for it, at once or later (rule
    /// 24). Nothing is sent before. A <see cref="Leave"/> follows when the attempt has ended or is not wanted any more.
    /// These two are the only effects whose order counts.
    /// </summary>
    /// <param name="Again">
    /// An attempt for the same operations has failed before: some may be in doubt, and the sooner they end the better.
    /// </param>
    public sealed record Enter(bool Again) : ProposerEffect;

    /// <summary>The room that was entered, or only asked for, is free for others.</summary>
    public sealed record Leave : ProposerEffect;

    /// <summary>
    /// An acceptor knows a newer configuration; nothing is tried before <see cref="Proposer.Reconfigure"/> brings it.
    /// </summary>
    /// <param name="Epoch">The epoch to look for.</param>
    public sealed record Outdated(long Epoch) : ProposerEffect;
}

/// <summary>Limits and patience of a proposer.</summary>
public sealed record ProposerSettings
{
    /// <summary>The settings when nothing else is said.</summary>
    public static readonly ProposerSettings Default = new();

    /// <summary>
    /// Longest wait for one phase's quorum. Doubles, up to eight times this, with every attempt in a row that is not
    /// answered in time: acceptors that are slower than it would never be heard otherwise. Default 500 ms; above 0.
    /// </summary>
    public TimeSpan PhaseTimeout { get; init; } = TimeSpan.FromMilliseconds(500);

    /// <summary>
    /// Longest wait for the slots that have not answered yet, where their answers would spare a round: once another's
    /// answer has cast doubt on the attempt (a refusal, or reports that disagree), and of a sealed read once a quorum
    /// has answered. Default 15 ms; above 0.
    /// </summary>
    public TimeSpan Patience { get; init; } = TimeSpan.FromMilliseconds(15);

    /// <summary>Attempts that fail in a row before the next one is delayed. Default 1; 0 or more.</summary>
    public int BackoffThreshold { get; init; } = 1;

    /// <summary>Longest first delay; doubles with every further failed attempt. Default 2 ms; above 0.</summary>
    public TimeSpan BackoffBase { get; init; } = TimeSpan.FromMilliseconds(2);

    /// <summary>No delay is longer. Default 64 ms.</summary>
    public TimeSpan BackoffMax { get; init; } = TimeSpan.FromMilliseconds(64);

    /// <summary>
    /// True if a refusal proves that an accept had no effect: the host delivers none twice, or reports a refusal of one
    /// that it may have delivered twice as a failure that may have taken effect. Otherwise a first copy may have had.
    /// Default true, as every host of this project does.
    /// </summary>
    public bool DeliveredOnce { get; init; } = true;

    /// <summary>
    /// How many of the latest operations' ids a record keeps at the least, 16 bytes each. The more there are, the
    /// later an operation that others overtake is answered as unknown. Default 64; <see
    /// cref="RecentOperations.IdsMin"/> or more.
    /// </summary>
    public int RecentIdsMin { get; init; } = 64;

    /// <summary>Most operations that one round applies. Default 64; 1 or more.</summary>
    public int CombineMax { get; init; } = 64;

    /// <summary>
    /// Most operations that wait at one register; more are answered as unavailable. Default 65,536; 1 or more.
    /// </summary>
    public int QueueMax { get; init; } = 65_536;
}

/// <summary>What a proposer has done so far: counts, so that costs can be checked without a clock.</summary>
public sealed record ProposerStatistics
{
    /// <summary>Rounds of reads without writing.</summary>
    public long ReadRounds { get; internal set; }

    /// <summary>Prepare phases.</summary>
    public long PrepareRounds { get; internal set; }

    /// <summary>Accept phases.</summary>
    public long AcceptRounds { get; internal set; }

    /// <summary>Accept phases that needed no prepare (§2.2.1).</summary>
    public long OneRoundTrips { get; internal set; }

    /// <summary>Attempts that failed and were followed by another.</summary>
    public long Setbacks { get; internal set; }

    /// <summary>Attempts that another proposer's ballot ended.</summary>
    public long Conflicts { get; internal set; }
}
