namespace CasPaxos.Registers;

/// <summary>An operation did not end as its caller must assume; the message says what is known.</summary>
public abstract class RegisterException : Exception
{
    private protected RegisterException(string message, Outcome outcome)
        : base(message) => Outcome = outcome;

    /// <summary>What is known of the operation.</summary>
    public Outcome Outcome { get; }
}

/// <summary>No quorum could be asked in time: nothing was accepted anywhere and nothing will be.</summary>
public sealed class RegisterUnavailableException(RegisterKey key, Outcome.Unavailable outcome)
    : RegisterException($"Register '{key}' is unavailable, and nothing was changed: {outcome.Reason}", outcome);

/// <summary>
/// The operation may be applied, now or later, or never. A retry with the outcome's id tells the truth.
/// </summary>
public sealed class RegisterOutcomeUnknownException(RegisterKey key, Outcome.Unknown outcome)
    : RegisterException(
        $"Whether operation {outcome.Id} was applied to register '{key}' is not known; retry it with the same id. " +
        outcome.Reason,
        outcome);

/// <summary>The caller cancelled. <see cref="Outcome"/> says what is known of the operation nevertheless.</summary>
public sealed class RegisterCanceledException(RegisterKey key, Outcome outcome, CancellationToken cancellationToken)
    : OperationCanceledException(
        outcome is Outcome.Unavailable
            ? $"Cancelled before anything was changed in register '{key}'."
            : $"Cancelled while register '{key}' was being changed: whether it was is not known.",
        cancellationToken)
{
    /// <summary>Unavailable: nothing was or will be applied. Unknown: it may be, now or later.</summary>
    public Outcome Outcome { get; } = outcome;
}
