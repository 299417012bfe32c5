namespace CasPaxos.Simulation;

/// <summary>What is counted: faults injected, outcomes, and the rare paths that a campaign must have taken.</summary>
internal enum Count
{
    Seeds,
    Events,
    Operations,

    RequestsDropped,
    RepliesDropped,
    MessagesDelayed,
    MessagesDuplicated,
    RequestsNotSent,
    PortTimeouts,
    Partitions,
    OneWayPartitions,
    AcceptorCrashes,
    ProposerCrashes,
    ProposersForgotten,
    NodesPaused,
    SlowWrites,
    FailedWrites,
    FailedWritesThatTookEffect,
    DuplicateActivations,
    ActivationCrashes,
    EraserCrashes,
    Reconfigurations,

    Applied,
    Refused,
    Unknown,
    Unavailable,
    Recovered,
    Faulted,

    Retries,
    RetriesBegunTwice,
    TriesThatFollow,
    TriesOvertaken,
    TriesLost,
    AnswersTooLate,
    Abandoned,
    ReadRounds,
    PrepareRounds,
    AcceptRounds,
    OneRoundTrips,
    Setbacks,
    Conflicts,
    AttemptsHeldBack,
    CombinedRounds,
    MinorityValuesAdopted,
    IdentityAccepts,
    AbsencesChosen,
    Settlements,
    SettlementsFound,
    RecordsWithFingerprints,
    ReadsAnswered,
    SealedReadsAnswered,
    AcceptsSealedOut,
    PromisesSwept,
    RegistersErased,
    ErasuresIncomplete,
    ErasuresTooYoung,
    RecreatedAfterErase,
    RequestsFenced,
}

/// <summary>Counters of one seed, or of many together.</summary>
internal sealed class Statistics
{
    private readonly long[] _counts = new long[Enum.GetValues<Count>().Length];

    public long this[Count count] => _counts[(int)count];

    public void Add(Count count, long by = 1) => _counts[(int)count] += by;

    public void Add(ProposerStatistics proposer)
    {
        Add(Count.ReadRounds, proposer.ReadRounds);
        Add(Count.PrepareRounds, proposer.PrepareRounds);
        Add(Count.AcceptRounds, proposer.AcceptRounds);
        Add(Count.OneRoundTrips, proposer.OneRoundTrips);
        Add(Count.Setbacks, proposer.Setbacks);
        Add(Count.Conflicts, proposer.Conflicts);
    }

    public void Add(Statistics other)
    {
        for (var i = 0; i < _counts.Length; i++)
        {
            _counts[i] += other._counts[i];
        }
    }
}
