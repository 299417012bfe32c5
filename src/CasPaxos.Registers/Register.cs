namespace CasPaxos.Registers;

/// <summary>Turns the values of a register into bytes and back.</summary>
/// <typeparam name="T">The type of the values.</typeparam>
public interface IRegisterSerializer<T>
{
    /// <summary>The bytes of a value.</summary>
    ReadOnlyMemory<byte> Serialize(T value);

    /// <summary>The value of bytes that <see cref="Serialize"/> made, by this or an older version.</summary>
    T Deserialize(ReadOnlyMemory<byte> bytes);
}

/// <summary>What a register holds.</summary>
/// <typeparam name="T">The type of its values.</typeparam>
/// <param name="Value">The value; <c>default</c> when the register does not exist.</param>
/// <param name="ETag">Names this state; <see cref="ETag.Absent"/> when the register does not exist.</param>
public readonly record struct Held<T>(T? Value, ETag ETag)
{
    /// <summary>False for a register never written, or deleted.</summary>
    public bool Exists => !ETag.IsAbsent;
}

/// <summary>Whether a conditional change was applied, and what the register holds now.</summary>
/// <typeparam name="T">The type of its values.</typeparam>
/// <param name="Applied">False when it was refused: <paramref name="Current"/> shows why.</param>
/// <param name="Current">After the change; or what stands in its way.</param>
public readonly record struct Attempted<T>(bool Applied, Held<T> Current);

/// <summary>One register with values of one type. Safe for concurrent use; costs nothing to make.</summary>
/// <typeparam name="T">The type of its values.</typeparam>
/// <remarks>
/// Every method throws <see cref="RegisterUnavailableException"/> when nothing was changed because no quorum answered,
/// <see cref="RegisterOutcomeUnknownException"/> when the change may or may not be applied, and
/// <see cref="RegisterCanceledException"/> when the caller cancelled. A change of unknown outcome is retried once under
/// its operation id, which never applies it twice, before the exception is thrown.
/// </remarks>
public sealed class Register<T>
{
    private readonly IRegisterClient _client;
    private readonly IRegisterSerializer<T> _serializer;

    internal Register(IRegisterClient client, RegisterKey key, IRegisterSerializer<T> serializer)
    {
        _client = client;
        _serializer = serializer;
        Key = key;
    }

    /// <summary>The register's key.</summary>
    public RegisterKey Key { get; }

    /// <summary>Reads, linearizably.</summary>
    public async Task<Held<T>> ReadAsync(CancellationToken cancellationToken = default) =>
        (await ChangeAsync(new Change.Read(), cancellationToken)).Current;

    /// <summary>
    /// Reads for who takes over from a dead proposer: what the answer does not show of its changes is never applied. It
    /// does not end attempts that begin later: of a proposer that was paused, or for a client that has died.
    /// </summary>
    /// <remarks>
    /// Guarantee and cost: see <see cref="RegisterOperations"/>, <c>GetSealedAsync</c>. One durable write at every
    /// acceptor; one round trip when all slots answer and agree, otherwise a wait of
    /// <see cref="ProposerSettings.Patience"/> and a second round trip.
    /// </remarks>
    public async Task<Held<T>> ReadSealedAsync(CancellationToken cancellationToken = default) =>
        (await ChangeAsync(new Change.SealedRead(), cancellationToken)).Current;

    /// <summary>Reads what was last seen; see <see cref="IRegisterClient.ReadPossiblyStaleAsync"/>.</summary>
    public async Task<Held<T>> ReadPossiblyStaleAsync(CancellationToken cancellationToken = default) =>
        ToAttempted(await _client.ReadPossiblyStaleAsync(Key, cancellationToken)).Current;

    /// <summary>Writes whatever is there.</summary>
    /// <returns>The ETag of the state that it made.</returns>
    public async Task<ETag> WriteAsync(T value, CancellationToken cancellationToken = default) =>
        (await ChangeAsync(new Change.Put(_serializer.Serialize(value)), cancellationToken)).Current.ETag;

    /// <summary>Writes the first value, unless the register exists.</summary>
    public Task<Attempted<T>> TryCreateAsync(T value, CancellationToken cancellationToken = default) =>
        ChangeAsync(new Change.Create(_serializer.Serialize(value)), cancellationToken);

    /// <summary>Writes a value if the register is as it was seen.</summary>
    public Task<Attempted<T>> TryWriteAsync(T value, ETag expected, CancellationToken cancellationToken = default) =>
        ChangeAsync(new Change.CompareAndSwap(expected, _serializer.Serialize(value)), cancellationToken);

    /// <summary>Deletes the register; if it is as it was seen, where <paramref name="expected"/> is given.</summary>
    public Task<Attempted<T>> TryDeleteAsync(ETag? expected = null, CancellationToken cancellationToken = default) =>
        ChangeAsync(
            new Change.Delete(expected, _client.Time.GetUtcNow().ToUnixTimeMilliseconds()), cancellationToken);

    /// <summary>Reads, computes the next value and writes it, again and again until nobody came between.</summary>
    /// <param name="update">Given what is there, the next value. May be called several times.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    /// <returns>What was written.</returns>
    public async Task<Held<T>> UpdateAsync(Func<Held<T>, T> update, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(update);
        var seen = await ReadAsync(cancellationToken);
        while (true)
        {
            var attempted = await TryWriteAsync(update(seen), seen.ETag, cancellationToken);
            if (attempted.Applied)
            {
                return attempted.Current;
            }

            seen = attempted.Current;
        }
    }

    private async Task<Attempted<T>> ChangeAsync(Change change, CancellationToken cancellationToken)
    {
        var outcome = await _client.ExecuteAsync(Key, change, cancellationToken);
        if (outcome is Outcome.Unknown unknown)
        {
            outcome = await _client.RetryAsync(Key, change, unknown, cancellationToken);
        }

        return ToAttempted(outcome);
    }

    private Attempted<T> ToAttempted(Outcome outcome) => outcome switch
    {
        Outcome.Applied applied => new(true, Held(applied.Current) with { ETag = applied.ETag }),
        Outcome.Refused refused => new(false, Held(refused.Current)),
        _ => throw _client.ToException(Key, outcome),
    };

    private Held<T> Held(Snapshot snapshot) =>
        snapshot.Exists ? new(_serializer.Deserialize(snapshot.Payload), snapshot.ETag) : default;
}
