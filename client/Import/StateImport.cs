using System.Collections.Concurrent;
using CasPaxos.Orleans;
using CasPaxos.Registers;

namespace CasPaxos.Client;

/// <summary>What becomes of a row.</summary>
internal enum RowResult
{
    /// <summary>The register was created.</summary>
    Created,

    /// <summary>The register held the very same state.</summary>
    Same,

    /// <summary>The register held something else, which was overwritten as asked for.</summary>
    Overwritten,

    /// <summary>The state was cleared: there is nothing to import.</summary>
    Cleared,

    /// <summary>Nobody said whose state it is.</summary>
    Unmapped,

    /// <summary>The register holds something else and was left.</summary>
    Conflict,

    /// <summary>Whose state it is cannot be known, or no register can hold it.</summary>
    Refused,
}

/// <summary>How rows become registers.</summary>
/// <param name="KeyPrefix">What the keys of all states begin with.</param>
/// <param name="ValueBytesMax">The largest state as stored, in bytes.</param>
/// <param name="Overwrite">Overwrite what is another state.</param>
/// <param name="DryRun">Change nothing.</param>
internal sealed record ImportSettings(string KeyPrefix, int ValueBytesMax, bool Overwrite, bool DryRun);

/// <summary>Copies rows of Orleans' ADO.NET storage into registers, and counts what becomes of them.</summary>
internal sealed class StateImport(
    IRegisterClient registers,
    StateMappings mappings,
    ImportSettings settings,
    Action<RowResult, string, string?> report)
{
    private const int RowsAtATime = 32;
    private const int TriesMax = 3;

    private readonly long[] _counts = new long[Enum.GetValues<RowResult>().Length];
    private readonly ConcurrentDictionary<string, long> _states = new(StringComparer.Ordinal);
    private long _read;

    /// <summary>How many rows were read.</summary>
    public long Read => Interlocked.Read(ref _read);

    /// <summary>How many rows there are of each state that was not cleared.</summary>
    public IReadOnlyDictionary<string, long> States => _states;

    /// <summary>How many rows there are of a state that nobody said anything of.</summary>
    public IEnumerable<KeyValuePair<string, long>> Unmapped =>
        _states.Where(state => !mappings.Contains(state.Key)).OrderBy(state => state.Key, StringComparer.Ordinal);

    /// <summary>How many rows became that.</summary>
    public long Count(RowResult result) => Interlocked.Read(ref _counts[(int)result]);

    /// <summary>Copies the rows, a number of them at a time.</summary>
    /// <exception cref="CommandFailedException">A register could not be reached; all before it is done.</exception>
    public Task RunAsync(IAsyncEnumerable<StockRow> rows, CancellationToken cancellationToken) =>
        Parallel.ForEachAsync(
            rows,
            new ParallelOptions { MaxDegreeOfParallelism = RowsAtATime, CancellationToken = cancellationToken },
            async (row, token) =>
            {
                Interlocked.Increment(ref _read);
                if (row.Payload is not null)
                {
                    _states.AddOrUpdate(row.State, 1, (_, count) => count + 1);
                }

                var (result, name, reason) = await ImportAsync(row, token);
                Interlocked.Increment(ref _counts[(int)result]);
                report(result, name, reason);
            });

    private async Task<(RowResult Result, string Name, string? Reason)> ImportAsync(
        StockRow row, CancellationToken cancellationToken)
    {
        var name = $"state '{row.State}' of service '{row.ServiceId}', {row.Key}";
        if (row.Payload is null)
        {
            return (RowResult.Cleared, name, null);
        }

        if (!mappings.Contains(row.State))
        {
            return (RowResult.Unmapped, name, null);
        }

        if (row.Repeated)
        {
            return (RowResult.Refused, name, "the table has several rows of this state");
        }

        var (grain, problem) = mappings.Find(row);
        if (grain is null)
        {
            return (RowResult.Refused, name, problem);
        }

        var key = GrainStateKey.Of(settings.KeyPrefix, row.ServiceId, grain.Value, row.State);
        var record = new GrainStateRecord(Cleared: false, key.FullName, row.Payload);
        var bytes = record.Encode();
        var (result, reason) = bytes.Length > settings.ValueBytesMax
            ? (RowResult.Refused, $"it has {bytes.Length} bytes as stored, over the limit of {settings.ValueBytesMax}")
            : await WriteAsync(key, record, bytes, cancellationToken);
        return (result, key.Register.Text, reason);
    }

    private async Task<(RowResult Result, string? Reason)> WriteAsync(
        GrainStateKey key, GrainStateRecord record, byte[] bytes, CancellationToken cancellationToken)
    {
        for (var tries = 1; ; tries++)
        {
            // Begun anew after an unknown outcome: what was written after all is then found, and is the same.
            Change change = settings.DryRun ? new Change.Read() : new Change.Create(bytes);
            var outcome = await registers.ExecuteAsync(key.Register, change, cancellationToken);
            var judged = Judge(key, record, outcome);
            if (judged?.Result == RowResult.Overwritten && outcome is Outcome.Refused { Current.ETag: var seen })
            {
                outcome = await registers.CompareAndSwapAsync(key.Register, seen, bytes, cancellationToken);
                judged = outcome switch
                {
                    Outcome.Applied => judged,
                    Outcome.Refused => (RowResult.Conflict, "it is being changed by others"),
                    _ => null,
                };
            }

            if (judged is { } known)
            {
                return known;
            }

            if (tries == TriesMax)
            {
                throw Failure(key, outcome);
            }
        }
    }

    /// <summary>What an outcome makes of the row; null if nothing is known.</summary>
    private (RowResult Result, string? Reason)? Judge(GrainStateKey key, GrainStateRecord record, Outcome outcome) =>
        outcome switch
        {
            Outcome.Applied { Current.Exists: true } read when settings.DryRun => Compare(key, record, read.Current),
            Outcome.Applied => (RowResult.Created, null),
            Outcome.Refused { Reason: RefusalReason.Exists } refused => Compare(key, record, refused.Current),
            Outcome.Unavailable or Outcome.Unknown => null,
            _ => throw registers.ToException(key.Register, outcome),
        };

    private (RowResult Result, string? Reason) Compare(GrainStateKey key, GrainStateRecord record, Snapshot current)
    {
        GrainStateRecord stored;
        try
        {
            stored = GrainStateRecord.Decode(key, current.Payload);
        }
        catch (InvalidDataException)
        {
            return (RowResult.Conflict, "it holds something else than a grain's state"); // Not even to be overwritten.
        }

        return !stored.Cleared && stored.Payload.Span.SequenceEqual(record.Payload.Span) ? (RowResult.Same, null)
            : settings.Overwrite ? (RowResult.Overwritten, null)
            : stored.Cleared ? (RowResult.Conflict, $"its state was cleared, at ETag {current.ETag}")
            : (RowResult.Conflict, $"it holds another state, at ETag {current.ETag}");
    }

    private static CommandFailedException Failure(GrainStateKey key, Outcome outcome) => outcome switch
    {
        Outcome.Unknown unknown => new CommandFailedException(
            ExitCodes.Unknown, $"Whether register '{key.Register}' was written is not known. {unknown.Reason}"),
        Outcome.Unavailable unavailable => new CommandFailedException(
            ExitCodes.Unavailable, $"Unavailable: register '{key.Register}' was not written. {unavailable.Reason}"),
        _ => throw new System.Diagnostics.UnreachableException(),
    };
}
