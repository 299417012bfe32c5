using System.Runtime.CompilerServices;

namespace CasPaxos.Registers;

/// <summary>The operations on registers by name. Each is one <see cref="IRegisterClient.ExecuteAsync"/>.</summary>
public static class RegisterOperations
{
    /// <param name="client">Who carries the operations.</param>
    extension(IRegisterClient client)
    {
        /// <summary>Reads a register, linearizably. Applied, with what is there or that nothing is.</summary>
        public Task<Outcome> GetAsync(RegisterKey key, CancellationToken cancellationToken = default) =>
            client.ExecuteAsync(key, new Change.Read(), cancellationToken);

        /// <summary>
        /// Reads a register for who takes over from a dead proposer: what the answer does not show of that proposer's
        /// changes is never applied.
        /// </summary>
        /// <remarks>
        /// Guarantee (rule 20): no attempt that had the promise of a prepare quorum before the read began takes effect
        /// afterwards, unless the answer contains it. <see cref="GetAsync"/> does not say that: a change that reached a
        /// minority before its proposer died may still be adopted later. A proposer that is only paused may begin a new
        /// attempt when it resumes, even with an ETag that is still right. So may a live silo for a client that has
        /// died, until the operation's timeout. To exclude these too, write: a new version voids every ETag told
        /// before.
        /// Cost: one durable write at every acceptor. One round trip when all slots answer and agree; otherwise a wait
        /// of <see cref="ProposerSettings.Patience"/> and a second round trip.
        /// </remarks>
        public Task<Outcome> GetSealedAsync(RegisterKey key, CancellationToken cancellationToken = default) =>
            client.ExecuteAsync(key, new Change.SealedRead(), cancellationToken);

        /// <summary>Writes a value whatever is there.</summary>
        public Task<Outcome> PutAsync(
            RegisterKey key, ReadOnlyMemory<byte> value, CancellationToken cancellationToken = default) =>
            client.ExecuteAsync(key, new Change.Put(value), cancellationToken);

        /// <summary>
        /// Writes the first value; refused with <see cref="RefusalReason.Exists"/> if the register exists.
        /// </summary>
        public Task<Outcome> CreateAsync(
            RegisterKey key, ReadOnlyMemory<byte> value, CancellationToken cancellationToken = default) =>
            client.ExecuteAsync(key, new Change.Create(value), cancellationToken);

        /// <summary>Writes a value if the register is as it was seen; otherwise refused with what is there.</summary>
        public Task<Outcome> CompareAndSwapAsync(
            RegisterKey key,
            ETag expected,
            ReadOnlyMemory<byte> value,
            CancellationToken cancellationToken = default) =>
            client.ExecuteAsync(key, new Change.CompareAndSwap(expected, value), cancellationToken);

        /// <summary>Deletes a register, if it is as it was seen where <paramref name="expected"/> is given.</summary>
        public Task<Outcome> DeleteAsync(
            RegisterKey key, ETag? expected = null, CancellationToken cancellationToken = default) =>
            client.ExecuteAsync(
                key, new Change.Delete(expected, client.Time.GetUtcNow().ToUnixTimeMilliseconds()), cancellationToken);

        /// <summary>Adds to a number in decimal digits; an absent register counts as 0.</summary>
        public Task<Outcome> IncrementAsync(
            RegisterKey key, long by = 1, CancellationToken cancellationToken = default) =>
            client.ExecuteAsync(key, new Change.Increment(by), cancellationToken);

        /// <summary>Adds bytes at the end of the value; an absent register counts as empty.</summary>
        public Task<Outcome> AppendAsync(
            RegisterKey key, ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken = default) =>
            client.ExecuteAsync(key, new Change.Append(bytes), cancellationToken);

        /// <summary>Applies any change under a new operation id.</summary>
        public Task<Outcome> ExecuteAsync(
            RegisterKey key, Change change, CancellationToken cancellationToken = default) =>
            client.ExecuteAsync(
                key, new Operation(new OperationId(Guid.NewGuid()), change), null, cancellationToken);

        /// <summary>
        /// Tries an operation of unknown outcome again. If it was applied, it is recognised and answered as applied
        /// (<see cref="Outcome.Applied.Recovered"/>); it is never applied twice.
        /// </summary>
        /// <param name="key">The register.</param>
        /// <param name="change">The same change.</param>
        /// <param name="unknown">How the try before ended.</param>
        /// <param name="cancellationToken">Stops waiting.</param>
        public Task<Outcome> RetryAsync(
            RegisterKey key, Change change, Outcome.Unknown unknown, CancellationToken cancellationToken = default)
        {
            ArgumentNullException.ThrowIfNull(unknown);
            return client.ExecuteAsync(
                key, new Operation(unknown.Id, change, unknown.Since), null, cancellationToken);
        }

        /// <summary>A register with values of one type.</summary>
        /// <param name="key">The register.</param>
        /// <param name="serializer">Turns values into bytes; null for JSON.</param>
        public Register<T> Register<T>(RegisterKey key, IRegisterSerializer<T>? serializer = null)
        {
            _ = key.Text;
            return new Register<T>(client, key, serializer ?? new JsonRegisterSerializer<T>());
        }

        /// <summary>Lists a page of the registers whose keys begin with a prefix, without their values.</summary>
        /// <param name="prefix">Empty for all.</param>
        /// <param name="after">The <see cref="RegisterPage.Next"/> of the page before; null for the first.</param>
        /// <param name="limit">Most rows to look at; 1 to <see cref="RegisterPage.Max"/>.</param>
        /// <param name="cancellationToken">Stops waiting.</param>
        public Task<RegisterPage> ListAsync(
            string prefix,
            RegisterKey? after = null,
            int limit = ListQuery.LimitDefault,
            CancellationToken cancellationToken = default) =>
            client.ListAsync(new ListQuery(prefix) { After = after, Limit = limit }, cancellationToken);

        /// <summary>
        /// Lists all registers whose keys begin with a prefix, page by page; see
        /// <see cref="IRegisterClient.ListAsync"/>.
        /// </summary>
        /// <exception cref="InvalidDataException">A register cannot be read; those before it were given.</exception>
        public IAsyncEnumerable<ListedRegister> ListAllAsync(
            string prefix, CancellationToken cancellationToken = default) =>
            client.ListAllAsync(new ListQuery(prefix), cancellationToken);

        /// <summary>Lists all registers of a query, page by page from the one that it names on.</summary>
        /// <exception cref="InvalidDataException">A register cannot be read; those before it were given.</exception>
        public IAsyncEnumerable<ListedRegister> ListAllAsync(
            ListQuery query, CancellationToken cancellationToken = default) =>
            ListAllOfAsync(client, query, cancellationToken);
    }

    private static async IAsyncEnumerable<ListedRegister> ListAllOfAsync(
        IRegisterClient client, ListQuery query, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(query);
        var after = query.After;
        do
        {
            var page = await client.ListAsync(query with { After = after }, cancellationToken);
            foreach (var register in page.Registers)
            {
                yield return register;
            }

            if (page.Unreadable is [var unreadable, ..])
            {
                throw new InvalidDataException($"Register '{unreadable.Key}' cannot be read: {unreadable.Problem}");
            }

            after = page.Next;
        }
        while (after is not null);
    }
}
