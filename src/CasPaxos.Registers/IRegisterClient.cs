namespace CasPaxos.Registers;

/// <summary>
/// Registers for applications, whoever carries the operations: a <see cref="RegisterClient"/> over acceptors of its
/// own, or a service that has one. The operations by name are in <see cref="RegisterOperations"/>. Safe for concurrent
/// use.
/// </summary>
public interface IRegisterClient
{
    /// <summary>The clock that deletes are stamped with.</summary>
    TimeProvider Time { get; }

    /// <summary>Applies an operation.</summary>
    /// <param name="key">The register.</param>
    /// <param name="operation">What is wanted, under which id.</param>
    /// <param name="timeout">Longest wait, at most 10 min; null for the one of the options.</param>
    /// <param name="cancellationToken">Stops waiting. It does not undo an accept already on its way.</param>
    /// <returns>What is known.</returns>
    /// <exception cref="ArgumentException">A value over the limit, or an unknown change: nothing is sent.</exception>
    /// <exception cref="RegisterCanceledException">The token was cancelled; its outcome says what is known.</exception>
    Task<Outcome> ExecuteAsync(
        RegisterKey key, Operation operation, TimeSpan? timeout, CancellationToken cancellationToken = default);

    /// <summary>
    /// What was last seen of a register where the operation is carried out, without asking any acceptor; a linearizable
    /// read where nothing is remembered. May be older than what others have changed meanwhile (rule 13).
    /// </summary>
    Task<Outcome> ReadPossiblyStaleAsync(RegisterKey key, CancellationToken cancellationToken = default);

    /// <summary>Lists a page of registers, with or without their values.</summary>
    /// <param name="query">Which registers, and what of them.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    /// <remarks>
    /// Each register's presence, and its value, is linearizable on its own, at some moment of the call: a register that
    /// exists throughout is listed, one that is absent throughout is not. The page as a whole is no snapshot.
    /// Cost: one scan of the acceptors, without a commit. Registers on which they do not agree are read again, all of a
    /// page together; where one is found to lag behind, it is brought up to date, which is a commit.
    /// </remarks>
    /// <exception cref="ArgumentException">The query is outside its limits: nothing is asked.</exception>
    Task<RegisterPage> ListAsync(ListQuery query, CancellationToken cancellationToken = default);

    /// <summary>The exception that typed registers throw for an outcome that is neither applied nor refused.</summary>
    Exception ToException(RegisterKey key, Outcome outcome);
}
