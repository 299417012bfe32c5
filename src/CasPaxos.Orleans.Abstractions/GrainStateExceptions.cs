namespace CasPaxos.Orleans;

/// <summary>
/// A grain's state could not be read, written or cleared, because no quorum of databases could be asked in time:
/// nothing was changed and nothing will be. The state in memory and its ETag are as they were; try again later.
/// </summary>
[GenerateSerializer, Alias("caspaxos.GrainStateUnavailableException")]
public sealed class GrainStateUnavailableException : OrleansException
{
    /// <summary>Says why nothing could be done.</summary>
    public GrainStateUnavailableException(string message)
        : base(message)
    {
    }
}

/// <summary>
/// A grain's state may be written or cleared, now or later, or never. The state in memory and its ETag are as they
/// were.
/// </summary>
/// <remarks>
/// To learn the truth, the same activation writes or clears again: its earlier try is recognised and never applied
/// twice, and is no conflict. Reading the state instead gives up on it: what was not to be seen may still come up
/// later, and then makes the next write fail with <c>InconsistentStateException</c>.
/// </remarks>
[GenerateSerializer, Alias("caspaxos.GrainStateOutcomeUnknownException")]
public sealed class GrainStateOutcomeUnknownException : OrleansException
{
    /// <summary>Says what is not known.</summary>
    public GrainStateOutcomeUnknownException(string message)
        : base(message)
    {
    }
}
