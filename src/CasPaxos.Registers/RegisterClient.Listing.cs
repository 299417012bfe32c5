namespace CasPaxos.Registers;

/// <summary>A register in a listing.</summary>
/// <param name="Key">The register.</param>
/// <param name="ETag">Names its state when it was listed.</param>
public readonly record struct ListedRegister(RegisterKey Key, ETag ETag);

/// <summary>A page of a listing.</summary>
/// <param name="Registers">In the byte order of keys. May be short or empty although more follow.</param>
/// <param name="Next">Where the next page begins; null when there is none.</param>
public sealed record RegisterPage(IReadOnlyList<ListedRegister> Registers, RegisterKey? Next)
{
    /// <summary>The most rows of a page.</summary>
    public const int Max = 10_000;
}

// Listing by prefix.
public sealed partial class RegisterClient
{
    /// <inheritdoc/>
    /// <exception cref="AcceptorUnavailableException">No quorum of acceptors answered.</exception>
    /// <exception cref="RegisterException">A register under change could not be read.</exception>
    public async Task<RegisterPage> ListAsync(
        string prefix, RegisterKey? after = null, int limit = 1000, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(prefix);
        ArgumentOutOfRangeException.ThrowIfLessThan(limit, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(limit, RegisterPage.Max);
        var (rows, next) = await ScanAsync(prefix, after, limit, cancellationToken);
        var listed = new List<ListedRegister>();
        foreach (var group in rows)
        {
            var etag = await PresentAsync(group.Key, [.. group], cancellationToken);
            if (!etag.IsAbsent)
            {
                listed.Add(new ListedRegister(group.Key, etag));
            }
        }

        return new RegisterPage(listed, next);
    }

    /// <summary>
    /// The ETag of a scanned register: from the scan where a read quorum agrees on it, else by a read.
    /// </summary>
    private async Task<ETag> PresentAsync(RegisterKey key, ScannedRow[] rows, CancellationToken cancellationToken)
    {
        if (rows.Length == _configuration.ReadQuorum
            && Array.TrueForAll(rows, row => row.AcceptedBallot == rows[0].AcceptedBallot))
        {
            return rows[0].AcceptedBallot.IsZero ? ETag.Absent : Visible(RecordCodec.DecodeHead(rows[0].Head.Span));
        }

        return await this.GetAsync(key, cancellationToken) switch
        {
            Outcome.Applied applied => applied.ETag,
            Outcome.Unavailable unavailable => throw new RegisterUnavailableException(key, unavailable),
            var other => throw new System.Diagnostics.UnreachableException($"A read ended as {other}."),
        };
    }

    private static ETag Visible(RecordHead head) =>
        head.DeletedAt is null ? new ETag(head.CreationId, head.Version) : ETag.Absent;

    /// <summary>What a read quorum of slots has, by register, and where the next page begins.</summary>
    private async Task<(IEnumerable<IGrouping<RegisterKey, ScannedRow>> Rows, RegisterKey? Next)> ScanAsync(
        string prefix, RegisterKey? after, int limit, CancellationToken cancellationToken)
    {
        var pages = await ScanSlotsAsync(
            new ScanRequest(_configuration.Epoch, prefix, after, limit), cancellationToken);

        // Behind the end of a page that has a next one, that slot has not said what it has.
        RegisterKey? horizon = null;
        foreach (var page in pages)
        {
            if (!page.Complete && (horizon is null || page.Rows[^1].Key < horizon))
            {
                horizon = page.Rows[^1].Key;
            }
        }

        var rows = pages.SelectMany(page => page.Rows)
            .Where(row => horizon is null || row.Key <= horizon)
            .GroupBy(row => row.Key)
            .OrderBy(group => group.Key);
        return (rows, horizon);
    }

    /// <summary>Scans all slots and returns the first pages of a read quorum.</summary>
    private async Task<List<ScanPage>> ScanSlotsAsync(ScanRequest request, CancellationToken cancellationToken)
    {
        var quorum = _configuration.ReadQuorum;
        using var enough = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        using var deadline = _time.CreateTimer(
            static source => ((CancellationTokenSource)source!).Cancel(),
            enough,
            _options.Timeout,
            Timeout.InfiniteTimeSpan);
        var scans = Array.ConvertAll(_shards[0], slot => slot.Acceptor.ScanAsync(request, enough.Token));
        var pages = new List<ScanPage>(quorum);
        var failures = new List<Exception>();
        await foreach (var scan in Task.WhenEach(scans).WithCancellation(CancellationToken.None))
        {
            if (scan.IsCompletedSuccessfully)
            {
                pages.Add(await scan);
            }

            failures.AddRange(scan.Exception?.InnerExceptions ?? []);
            if (pages.Count == quorum)
            {
                await enough.CancelAsync(); // What the others would say is not needed.
                return pages;
            }
        }

        cancellationToken.ThrowIfCancellationRequested();
        throw new AcceptorUnavailableException(
            $"Only {pages.Count} of {quorum} acceptors answered. " +
            string.Join(' ', failures.Select(failure => failure.Message)), // One may be down, another unable to list.
            mayHaveTakenEffect: false,
            failures.FirstOrDefault());
    }
}
