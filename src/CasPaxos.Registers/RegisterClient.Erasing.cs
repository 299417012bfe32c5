namespace CasPaxos.Registers;

/// <summary>What a sweep found.</summary>
/// <param name="Erased">Registers that no acceptor holds any more.</param>
/// <param name="TooYoung">Deleted too recently to be erased.</param>
/// <param name="Incomplete">To be tried again: an acceptor was down or behind.</param>
/// <param name="Promises">Rows of single acceptors that held a promise and nothing else, and are gone.</param>
/// <param name="Repaired">Registers that some acceptors lacked, or had an older value of, and have now.</param>
public readonly record struct ErasureCounts(
    long Erased, long TooYoung, long Incomplete, long Promises = 0, long Repaired = 0);

// Erasing deleted registers, and sweeping rows that hold only a promise (rules 15, 16 and 20).
public sealed partial class RegisterClient
{
    private PromiseSweep? _lastSweep;
    private LaggardSweep? _lastLaggards;

    /// <summary>
    /// How long a tombstone is kept when nothing else is said: 1 hour (rule 12). It must be twice as long as the
    /// longest time in which an operation may be retried, and more by what clients' clocks differ: a delete carries
    /// the time of its first try, may be applied by its last retry, and may follow an operation whose own time has
    /// just begun.
    /// </summary>
    public static readonly TimeSpan TombstoneAgeDefault = TimeSpan.FromHours(1);

    /// <summary>Erases one register from all acceptors, if it is deleted and its tombstone is old enough.</summary>
    /// <param name="key">The register.</param>
    /// <param name="tombstoneAge">The least age; 0 or more.</param>
    /// <param name="cancellationToken">Stops; what is half done is done again by the next try.</param>
    public async Task<ErasureResult> EraseAsync(
        RegisterKey key, TimeSpan tombstoneAge, CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(tombstoneAge, TimeSpan.Zero);
        _ = key.Text;
        var deletedBefore = (_time.GetUtcNow() - tombstoneAge).ToUnixTimeMilliseconds();
        var eraser = new Eraser(
            new ProposerId(Guid.NewGuid()), Microseconds(), _configuration, _options.Proposer, deletedBefore);
        using var host = new EraserHost(key, eraser, _shards[_shardOf(key)].Slots, _time);
        return await host.RunAsync().WaitAsync(cancellationToken);
    }

    /// <summary>
    /// Looks through all registers of a prefix once. Erases those that were deleted long enough ago, brings acceptors
    /// up to date that lag behind, and sweeps rows that hold only a promise; the latter two if they are still as they
    /// were when this client looked the last time.
    /// </summary>
    /// <param name="prefix">Empty for all.</param>
    /// <param name="tombstoneAge">The least age; see <see cref="TombstoneAgeDefault"/>.</param>
    /// <param name="cancellationToken">Stops.</param>
    /// <remarks>
    /// What the acceptors have decides; registers with which there is nothing to do cost nothing but the look. Erasing
    /// needs every acceptor: while one is down, deletes are acknowledged, and erasing pauses. Promises are swept one
    /// acceptor at a time, whether or not the others answer.
    /// </remarks>
    /// <exception cref="AcceptorUnavailableException">No quorum of acceptors answered.</exception>
    public async Task<ErasureCounts> EraseDeletedAsync(
        string prefix, TimeSpan tombstoneAge, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(prefix);
        ArgumentOutOfRangeException.ThrowIfLessThan(tombstoneAge, TimeSpan.Zero);
        var counts = default(ErasureCounts);
        var sweep = new PromiseSweep(_lastSweep);
        var laggards = new LaggardSweep(_lastLaggards);
        var awaited = Enumerable.Range(0, _configuration.Slots).ToHashSet();
        var erasing = new ErasingPace(_shards.SelectMany(shard => shard.Slots).Select(slot => slot.Health));
        var query = new ListQuery(prefix);
        do
        {
            var (rows, next, slots) = await ScanAsync(query, awaited, cancellationToken);
            var deletedBefore = (_time.GetUtcNow() - tombstoneAge).ToUnixTimeMilliseconds();
            var dead = new List<RegisterKey>();
            foreach (var group in rows)
            {
                var latest = group.MaxBy(found => found.Row.AcceptedBallot).Row;
                if (latest.AcceptedBallot.IsZero)
                {
                    sweep.Add(group.Select(found => (found.Slot, found.Row)));
                }
                else if (DeletedAt(latest) is not { } deletedAt)
                {
                    laggards.Add(group.Key, [.. group.Select(found => found.Row)], slots);
                }
                else if (deletedAt > deletedBefore)
                {
                    counts = counts with { TooYoung = counts.TooYoung + 1 };
                }
                else
                {
                    dead.Add(group.Key);
                }
            }

            erasing.AllListed(slots == _configuration.Slots);
            counts = await EraseAllAsync(dead, tombstoneAge, erasing, counts, cancellationToken);
            counts = counts with
            {
                Promises = counts.Promises + await sweep.SendAsync(
                    _configuration.Epoch,
                    (slot, key) => _shards[_shardOf(key)].Slots[slot],
                    _options.Timeout,
                    _time,
                    cancellationToken),
                Repaired = counts.Repaired + await RepairAsync(laggards.TakeOld(), cancellationToken),
            };
            query = query with { After = next };
        }
        while (query.After is not null);

        (_lastSweep, _lastLaggards) = (sweep, laggards);
        return counts;
    }

    /// <summary>
    /// Erases in batches. One slot's word is enough to suspect a tombstone, unless another has accepted something
    /// since; the eraser asks them all.
    /// </summary>
    private async Task<ErasureCounts> EraseAllAsync(
        List<RegisterKey> dead,
        TimeSpan tombstoneAge,
        ErasingPace pace,
        ErasureCounts counts,
        CancellationToken cancellationToken)
    {
        for (var done = 0; done < dead.Count;)
        {
            var size = pace.Next();
            if (size == 0)
            {
                return counts with { Incomplete = counts.Incomplete + dead.Count - done };
            }

            var results = await Task.WhenAll(
                dead.Skip(done).Take(size).Select(key => EraseAsync(key, tombstoneAge, cancellationToken)));
            pace.Ended(results);
            counts = results.Aggregate(counts, Count);
            done += results.Length;
        }

        return counts;
    }

    /// <summary>A sealed read brings all acceptors that answer to the same value.</summary>
    private async Task<int> RepairAsync(List<RegisterKey> keys, CancellationToken cancellationToken)
    {
        var repaired = 0;
        foreach (var batch in keys.Chunk(ErasingPace.Batch))
        {
            var outcomes = await Task.WhenAll(batch.Select(key => ExecuteAsync(
                key, NewRead(new Change.SealedRead()), timeout: null, cancellationToken)));
            repaired += outcomes.Count(outcome => outcome is Outcome.Applied);
        }

        return repaired;
    }

    /// <summary>Erases deleted registers again and again, until cancelled. Trouble is waited out.</summary>
    /// <param name="tombstoneAge">The least age; see <see cref="TombstoneAgeDefault"/>.</param>
    /// <param name="interval">From the end of one sweep to the next; above 0.</param>
    /// <param name="swept">Told of every sweep; null for nobody.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <param name="failed">
    /// Told of every sweep that did not come to its end, and why: no quorum answered, as a rule. The next one looks
    /// again. Null for nobody.
    /// </param>
    public async Task EraseInBackgroundAsync(
        TimeSpan tombstoneAge,
        TimeSpan interval,
        Action<ErasureCounts>? swept,
        CancellationToken cancellationToken,
        Action<Exception>? failed = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(tombstoneAge, TimeSpan.Zero);
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(interval, TimeSpan.Zero);
        while (!cancellationToken.IsCancellationRequested)
        {
            try
            {
                swept?.Invoke(await EraseDeletedAsync("", tombstoneAge, cancellationToken));
            }
            catch (Exception) when (cancellationToken.IsCancellationRequested)
            {
                return;
            }
#pragma warning disable CA1031 // Whatever it was, the tombstones stay; the next sweep must come and find them.
            catch (Exception failure)
#pragma warning restore CA1031
            {
                failed?.Invoke(failure);
            }

            await Task.Delay(interval, _time, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>
    /// When a register was deleted; null for a live one, and for one that is damaged or a newer version's: that is not
    /// for this one to erase, nor a reason to erase no other.
    /// </summary>
    private static long? DeletedAt(ScannedRow row)
    {
        try
        {
            return RecordCodec.DecodeHead(row.Value.Span).DeletedAt;
        }
        catch (RecordFormatException)
        {
            return null;
        }
    }

    private static ErasureCounts Count(ErasureCounts counts, ErasureResult result) => result switch
    {
        ErasureResult.Erased => counts with { Erased = counts.Erased + 1 },
        ErasureResult.TooYoung => counts with { TooYoung = counts.TooYoung + 1 },
        ErasureResult.Incomplete => counts with { Incomplete = counts.Incomplete + 1 },
        _ => counts,
    };
}
