using CasPaxos.Registers;

namespace CasPaxos.Orleans;

/// <summary>Operations whose caller can do nothing with an unknown outcome.</summary>
internal static class Decisions
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(10);

    /// <summary>
    /// Applies a change. While it is not known whether it was applied, tries again under its operation id: never
    /// twice.
    /// </summary>
    /// <param name="client">Who carries the operation.</param>
    /// <param name="key">The register.</param>
    /// <param name="change">What to do.</param>
    /// <param name="timeout">Longest time of all tries together.</param>
    /// <param name="cancellationToken">Stops waiting; the change may be applied nevertheless, now or later.</param>
    /// <returns>Applied or refused.</returns>
    /// <exception cref="RegisterGrainUnavailableException">Nothing was changed and nothing will be.</exception>
    /// <exception cref="RegisterGrainOutcomeUnknownException">It may be applied, now or later, or never.</exception>
    public static async Task<Outcome> DecideAsync(
        this IRegisterClient client,
        RegisterKey key,
        Change change,
        TimeSpan timeout,
        CancellationToken cancellationToken)
    {
        var began = client.Time.GetTimestamp();
        var operation = new Operation(new OperationId(Guid.NewGuid()), change);
        for (var pause = FirstPause; ; pause *= 2)
        {
            // Half of what is left: a try that ends in doubt must leave time for another that looks for it.
            var left = timeout - client.Time.GetElapsedTime(began);
            var outcome = await client.ExecuteAsync(key, operation, left / 2, cancellationToken);
            left = timeout - client.Time.GetElapsedTime(began);
            switch (outcome)
            {
                case Outcome.Applied or Outcome.Refused:
                    return outcome;
                case Outcome.Unknown unknown when left > 2 * pause:
                    operation = operation with { RetrySince = unknown.Since };
                    break;
                case Outcome.Unavailable when left > 2 * pause:
                    break;
                default:
                    throw client.ToException(key, outcome);
            }

            await Task.Delay(pause, client.Time, cancellationToken);
        }
    }

    /// <summary>What a register holds, agreed on by a quorum.</summary>
    /// <exception cref="RegisterGrainUnavailableException">No quorum answered in time.</exception>
    public static async Task<Snapshot> ReadAsync(
        this IRegisterClient client, RegisterKey key, TimeSpan timeout, CancellationToken cancellationToken) =>
        await client.DecideAsync(key, new Change.Read(), timeout, cancellationToken) is Outcome.Applied read
            ? read.Current
            : throw new System.Diagnostics.UnreachableException("A read was refused.");

    /// <summary>
    /// What was seen of a register here last, without a question to the databases; read if nothing was. A change that
    /// is conditional on it says whether it is still so.
    /// </summary>
    public static async Task<Snapshot> ReadSeenAsync(
        this IRegisterClient client, RegisterKey key, TimeSpan timeout, CancellationToken cancellationToken) =>
        await client.ReadPossiblyStaleAsync(key, cancellationToken) is Outcome.Applied { Current: var last }
            ? last
            : await client.ReadAsync(key, timeout, cancellationToken);

    /// <summary>Deletes a register if it exists.</summary>
    public static Task<Outcome> RemoveAsync(
        this IRegisterClient client, RegisterKey key, TimeSpan timeout, CancellationToken cancellationToken) =>
        client.DecideAsync(
            key,
            new Change.Delete(Expected: null, client.Time.GetUtcNow().ToUnixTimeMilliseconds()),
            timeout,
            cancellationToken);
}
