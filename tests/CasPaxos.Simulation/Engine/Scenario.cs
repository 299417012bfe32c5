using System.Globalization;

namespace CasPaxos.Simulation;

/// <summary>What one register of a seed is used for: decides which operations are drawn for it.</summary>
internal enum Usage
{
    Mixed,
    Counter,
    List,
    Swaps,
    Lifecycle,
    Flips,
}

/// <summary>
/// How often things go wrong. Rates are per message or per write; intervals are means, in ticks, 0 for never.
/// </summary>
internal sealed record FaultRates
{
    public double RequestDrop { get; init; }

    /// <summary>Of accepts, beside what befalls every request.</summary>
    public double AcceptDrop { get; init; }

    public double ReplyDrop { get; init; }

    public double Delay { get; init; }

    public double Duplicate { get; init; }

    public double NotSent { get; init; }

    public double PortTimeout { get; init; }

    public double SlowWrite { get; init; }

    public double FailedWrite { get; init; }

    public long PartitionEvery { get; init; }

    public long AcceptorCrashEvery { get; init; }

    public long ProposerCrashEvery { get; init; }

    public long PauseEvery { get; init; }

    public long DuplicateActivationEvery { get; init; }

    public long ReconfigureEvery { get; init; }
}

/// <summary>What a seed plays: drawn from it, and from nothing else.</summary>
internal sealed record Scenario
{
    public const long Millisecond = TimeSpan.TicksPerMillisecond;

    public required int Slots { get; init; }

    public required int PrepareQuorum { get; init; }

    public required int AcceptQuorum { get; init; }

    public required Usage[] Registers { get; init; }

    public required int Nodes { get; init; }

    public required int Clients { get; init; }

    public required int Operations { get; init; }

    public required FaultRates Faults { get; init; }

    public required ProposerSettings Settings { get; init; }

    /// <summary>How many attempts of one node may be under way at a time.</summary>
    public int RoomMax { get; init; } = int.MaxValue;

    /// <summary>Longest one-way time of a message that is not delayed by a fault.</summary>
    public required long LatencyMax { get; init; }

    /// <summary>Longest time of a write that is not slow.</summary>
    public required long WriteMax { get; init; }

    /// <summary>Longest time by which the copy of a request comes behind it.</summary>
    public required long CopyDelayMax { get; init; }

    /// <summary>Longest pause of a client between two operations.</summary>
    public required long ThinkMax { get; init; }

    public required long ClientTimeout { get; init; }

    /// <summary>
    /// Longest time from the first try of an operation to its last answer: no try begins that could end later.
    /// </summary>
    public required long RetryWindow { get; init; }

    /// <summary>Of operations of unknown outcome, how many are tried again.</summary>
    public required double RetryChance { get; init; }

    /// <summary>Of tries, how many are begun at two nodes at once.</summary>
    public required double TwinChance { get; init; }

    /// <summary>
    /// Of changes, how many are tried again while their first try is under way, from a common position.
    /// </summary>
    public required double FollowChance { get; init; }

    /// <summary>Longest time after which such a change is sent again.</summary>
    public required long ResendMax { get; init; }

    /// <summary>Longest time that such a try is on its way to its node; the register moves on meanwhile.</summary>
    public long DistanceMax { get; init; }

    /// <summary>Longest pause of a node.</summary>
    public required long PauseMax { get; init; }

    /// <summary>Of operations, how many go to another node than the one before.</summary>
    public required double WanderChance { get; init; }

    /// <summary>0: all proposers begin at 0; 1: at random; 2: at the clock; 3: far apart.</summary>
    public required int Counters { get; init; }

    /// <summary>Mean time between two tries to erase, in ticks; 0: never.</summary>
    public required long EraseEvery { get; init; }

    /// <summary>
    /// A tombstone younger than this stays: 0, or <see cref="Retention"/>. Safety must not depend on it (rule 19); how
    /// many retries are answered does.
    /// </summary>
    public long EraseAge => ErasesAtOnce ? 0 : Retention;

    /// <summary>Tombstones are erased however young they are.</summary>
    public required bool ErasesAtOnce { get; init; }

    /// <summary>
    /// How old a tombstone must be for every retry to be answered. Twice the retry window and not once: a deletion
    /// tells when it was first asked for, and may itself have taken a whole window from then on to be applied to a
    /// younger operation. A try on a node that is paused ends when the node has gone on and done what fell due.
    /// </summary>
    public long Retention => 2 * (RetryWindow + (IsPaused ? PauseMax + ProposerNode.AwakeMin : 0) + Millisecond);

    private bool IsPaused => Faults.PauseEvery > 0;

    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"slots {Slots} (prepare {PrepareQuorum}, accept {AcceptQuorum}), registers {string.Join(' ', Registers)}, " +
        $"nodes {Nodes}, clients {Clients}, operations {Operations}, think {ThinkMax / Millisecond} ms, " +
        $"timeout {ClientTimeout / Millisecond} ms, retry window {RetryWindow / Millisecond} ms, " +
        $"combine {Settings.CombineMax}, room {RoomMax}, erase every {EraseEvery / Millisecond} ms, {Faults}");
}
