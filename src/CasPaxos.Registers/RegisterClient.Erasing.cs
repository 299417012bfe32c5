namespace CasPaxos.Registers;

/// <summary>What a sweep for deleted registers found.</summary>
/// <param name="Erased">Registers that no acceptor holds any more.</param>
/// <param name="TooYoung">Deleted too recently to be erased.</param>
/// <param name="Incomplete">To be tried again: an acceptor was down or behind.</param>
/// <param name="Promises">Rows of single acceptors that held a promise and nothing else, and are gone.</param>
public readonly record struct ErasureCounts(long Erased, long TooYoung, long Incomplete, long Promises = 0);

// Erasing deleted registers, and sweeping rows that hold only a promise (rules 15, 16 and 20).
public sealed partial class RegisterClient
{
    private PromiseSweep _lastSweep = new();

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
    /// Looks through all registers of a prefix once. Erases those that were deleted long enough ago, and sweeps rows
    /// that hold only a promise, the same as when this client looked the last time.
    /// </summary>
    /// <param name="prefix">Empty for all.</param>
    /// <param name="tombstoneAge">The least age; see <see cref="TombstoneAgeDefault"/>.</param>
    /// <param name="cancellationToken">Stops.</param>
    /// <remarks>
    /// Needs every acceptor to erase; while one is down, deletes are acknowledged and erasing waits. Promises are swept
    /// one acceptor at a time, whether or not the others answer.
    /// </remarks>
    /// <exception cref="AcceptorUnavailableException">No quorum of acceptors answered.</exception>
    public async Task<ErasureCounts> EraseDeletedAsync(
        string prefix, TimeSpan tombstoneAge, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(prefix);
        var counts = default(ErasureCounts);
        var sweep = new PromiseSweep(_lastSweep);
        var awaited = Enumerable.Range(0, _configuration.Slots).ToHashSet();
        RegisterKey? after = null;
        do
        {
            (var rows, after) = await ScanAsync(prefix, after, limit: 1000, awaited, cancellationToken);
            foreach (var group in rows)
            {
                // One slot's word is enough to suspect a tombstone, unless another has accepted something since; the
                // eraser asks them all.
                var latest = group.MaxBy(found => found.Row.AcceptedBallot).Row;
                if (latest.AcceptedBallot.IsZero)
                {
                    sweep.Add(group.Select(found => (found.Slot, found.Row)));
                }
                else if (IsTombstone(latest))
                {
                    counts = Count(counts, await EraseAsync(group.Key, tombstoneAge, cancellationToken));
                }
            }

            var promises = await sweep.SendAsync(
                _configuration.Epoch,
                (slot, key) => _shards[_shardOf(key)].Slots[slot],
                _options.Timeout,
                _time,
                cancellationToken);
            counts = counts with { Promises = counts.Promises + promises };
        }
        while (after is not null);

        _lastSweep = sweep;
        return counts;
    }

    /// <summary>Erases deleted registers again and again, until cancelled. Storage trouble is waited out.</summary>
    /// <param name="tombstoneAge">The least age; see <see cref="TombstoneAgeDefault"/>.</param>
    /// <param name="interval">From the end of one sweep to the next; above 0.</param>
    /// <param name="swept">Told of every sweep; null for nobody.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public async Task EraseInBackgroundAsync(
        TimeSpan tombstoneAge, TimeSpan interval, Action<ErasureCounts>? swept, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(interval, TimeSpan.Zero);
        while (!cancellationToken.IsCancellationRequested)
        {
            try
            {
                swept?.Invoke(await EraseDeletedAsync("", tombstoneAge, cancellationToken));
            }
            catch (AcceptorUnavailableException)
            {
                // No quorum now; the tombstones stay, and the next sweep finds them.
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                return;
            }

            await Task.Delay(interval, _time, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private static bool IsTombstone(ScannedRow row)
    {
        try
        {
            return RecordCodec.DecodeHead(row.Head.Span).DeletedAt is not null;
        }
        catch (RecordFormatException)
        {
            return false; // Damaged, or a newer version's: not for this one to erase, nor a reason to erase no other.
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
