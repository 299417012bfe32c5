using CasPaxos.Orleans.Wire;

namespace CasPaxos.Orleans;

/// <summary>An operation did not end as its caller must assume; the message says what is known.</summary>
[GenerateSerializer, Alias("caspaxos.RegisterGrainException")]
public abstract class RegisterGrainException : OrleansException
{
    private protected RegisterGrainException(string message)
        : base(message)
    {
    }
}

/// <summary>No quorum could be asked in time: nothing was accepted anywhere and nothing will be.</summary>
[GenerateSerializer, Alias("caspaxos.RegisterGrainUnavailableException")]
public sealed class RegisterGrainUnavailableException : RegisterGrainException
{
    /// <summary>Says why nothing could be done.</summary>
    public RegisterGrainUnavailableException(string message)
        : base(message)
    {
    }
}

/// <summary>
/// The operation may be applied, now or later, or never. A retry with <see cref="Unknown"/> tells the truth.
/// </summary>
[GenerateSerializer, Alias("caspaxos.RegisterGrainOutcomeUnknownException")]
public sealed class RegisterGrainOutcomeUnknownException : RegisterGrainException
{
    [Id(0)]
    private readonly OutcomeMessage _outcome;

    internal RegisterGrainOutcomeUnknownException(string message, Outcome.Unknown outcome)
        : base(message) => _outcome = OutcomeMessage.From(outcome, position: null);

    /// <summary>What a retry needs.</summary>
    public Outcome.Unknown Unknown => (Outcome.Unknown)_outcome.ToOutcome();
}

/// <summary>A custom change threw (rule 14): the register is as it was, and the operation is not retried.</summary>
[GenerateSerializer, Alias("caspaxos.RegisterGrainChangeException")]
public sealed class RegisterGrainChangeException : RegisterGrainException
{
    /// <summary>Says what the change threw.</summary>
    public RegisterGrainChangeException(string message)
        : base(message)
    {
    }
}

/// <summary>Outcomes as exceptions.</summary>
internal static class GrainOutcomes
{
    public static Exception ToException(RegisterKey key, Outcome outcome) => outcome switch
    {
        Outcome.Unknown unknown => new RegisterGrainOutcomeUnknownException(
            $"Whether operation {unknown.Id} was applied to register '{key}' is not known; retry it with the same " +
            $"id. {unknown.Reason}",
            unknown),
        Outcome.Unavailable unavailable => new RegisterGrainUnavailableException(
            $"Register '{key}' is unavailable, and nothing was changed: {unavailable.Reason}"),
        Outcome.Faulted { Exception: RegisterGrainChangeException known } => known,
        Outcome.Faulted faulted => new RegisterGrainChangeException(
            $"{faulted.Exception.GetType()}: {faulted.Exception.Message}"),
        _ => throw new ArgumentException($"{outcome} is not a failure.", nameof(outcome)),
    };
}
