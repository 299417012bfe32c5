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
    /// <returns>Applied or refused.</returns>
    /// <exception cref="RegisterGrainUnavailableException">Nothing was changed and nothing will be.</exception>
    /// <exception cref="RegisterGrainOutcomeUnknownException">It may be applied, now or later, or never.</exception>
    public static async Task<Outcome> DecideAsync(
        this IRegisterClient client, RegisterKey key, Change change, TimeSpan timeout)
    {
        var began = client.Time.GetTimestamp();
        var operation = new Operation(new OperationId(Guid.NewGuid()), change, Guid.NewGuid());
        for (var pause = FirstPause; ; pause *= 2)
        {
            // Half of what is left: a try that ends in doubt must leave time for another that looks for it.
            var left = timeout - client.Time.GetElapsedTime(began);
            var outcome = await client.ExecuteAsync(key, operation, left / 2);
            left = timeout - client.Time.GetElapsedTime(began);
            switch (outcome)
            {
                case Outcome.Applied or Outcome.Refused:
                    return outcome;
                case Outcome.Unknown unknown when left > 2 * pause:
                    operation = operation with { FreshCreationId = Guid.NewGuid(), RetrySince = unknown.Since };
                    break;
                case Outcome.Unavailable when left > 2 * pause:
                    break;
                default:
                    throw client.ToException(key, outcome);
            }

            await Task.Delay(pause, client.Time);
        }
    }

    /// <summary>What a register holds, agreed on by a quorum.</summary>
    /// <exception cref="RegisterGrainUnavailableException">No quorum answered in time.</exception>
    public static async Task<Snapshot> ReadAsync(this IRegisterClient client, RegisterKey key, TimeSpan timeout) =>
        await client.DecideAsync(key, new Change.Read(), timeout) is Outcome.Applied read
            ? read.Current
            : throw new System.Diagnostics.UnreachableException("A read was refused.");

    /// <summary>Deletes a register if it exists.</summary>
    public static Task<Outcome> RemoveAsync(this IRegisterClient client, RegisterKey key, TimeSpan timeout) =>
        client.DecideAsync(
            key, new Change.Delete(Expected: null, client.Time.GetUtcNow().ToUnixTimeMilliseconds()), timeout);
}
