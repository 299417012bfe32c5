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
    /// <summary>How long slots that are wanted beyond a quorum may answer after it.</summary>
    private static readonly TimeSpan StragglersMax = TimeSpan.FromSeconds(1);

    /// <inheritdoc/>
    /// <exception cref="AcceptorUnavailableException">No quorum of acceptors answered.</exception>
    /// <exception cref="RegisterException">A register under change could not be read.</exception>
    public async Task<RegisterPage> ListAsync(
        string prefix, RegisterKey? after = null, int limit = 1000, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(prefix);
        ArgumentOutOfRangeException.ThrowIfLessThan(limit, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(limit, RegisterPage.Max);
        var (rows, next) = await ScanAsync(prefix, after, limit, awaited: [], cancellationToken);
        var listed = new List<ListedRegister>();
        foreach (var group in rows)
        {
            var etag = await PresentAsync(group.Key, [.. group.Select(found => found.Row)], cancellationToken);
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

    /// <summary>
    /// What a read quorum of slots has, or more of them, by register; and where the next page begins.
    /// </summary>
    /// <param name="prefix">Empty for all.</param>
    /// <param name="after">Where the page before ended.</param>
    /// <param name="limit">Most rows of one slot.</param>
    /// <param name="awaited">See <see cref="ScanSlotsAsync"/>.</param>
    /// <param name="cancellationToken">Stops.</param>
    private async Task<(IEnumerable<IGrouping<RegisterKey, FoundRow>> Rows, RegisterKey? Next)> ScanAsync(
        string prefix, RegisterKey? after, int limit, HashSet<int> awaited, CancellationToken cancellationToken)
    {
        var pages = await ScanSlotsAsync(
            new ScanRequest(_configuration.Epoch, prefix, after, limit), awaited, cancellationToken);

        // Behind the end of a page that has a next one, that slot has not said what it has.
        RegisterKey? horizon = null;
        foreach (var (_, page) in pages)
        {
            if (!page.Complete && (horizon is null || page.Rows[^1].Key < horizon))
            {
                horizon = page.Rows[^1].Key;
            }
        }

        var rows = pages.SelectMany(page => page.Value.Rows.Select(row => new FoundRow(page.Key, row)))
            .Where(found => horizon is null || found.Row.Key <= horizon)
            .GroupBy(found => found.Row.Key)
            .OrderBy(group => group.Key);
        return (rows, horizon);
    }

    /// <summary>Scans all slots and returns the first pages of a read quorum, by slot.</summary>
    /// <param name="request">Which page.</param>
    /// <param name="awaited">
    /// Slots whose pages are wanted beyond the quorum, and waited for as long as <see cref="StragglersMax"/> after it.
    /// One that does not answer is removed, so that it delays one page and not every page.
    /// </param>
    /// <param name="cancellationToken">Stops.</param>
    private async Task<Dictionary<int, ScanPage>> ScanSlotsAsync(
        ScanRequest request, HashSet<int> awaited, CancellationToken cancellationToken)
    {
        var quorum = _configuration.ReadQuorum;
        using var enough = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        using var deadline = _time.CreateTimer(
            static source => ((CancellationTokenSource)source!).Cancel(),
            enough,
            _options.Timeout,
            Timeout.InfiniteTimeSpan);
        var scans = _shards[0].Slots.Select(slot => slot.Acceptor.ScanAsync(request, enough.Token)).ToArray();
        var pages = new Dictionary<int, ScanPage>();
        var failures = new List<Exception>();
        await foreach (var scan in Task.WhenEach(scans).WithCancellation(CancellationToken.None))
        {
            var slot = Array.IndexOf(scans, scan);
            if (scan.IsCompletedSuccessfully)
            {
                pages.Add(slot, await scan);
            }
            else
            {
                failures.AddRange(scan.Exception?.InnerExceptions ?? []);
                awaited.Remove(slot);
            }

            if (pages.Count >= quorum && awaited.All(pages.ContainsKey))
            {
                await enough.CancelAsync(); // What the others would say is not needed.
                return pages;
            }

            if (pages.Count == quorum)
            {
                deadline.Change(StragglersMax, Timeout.InfiniteTimeSpan);
            }
        }

        cancellationToken.ThrowIfCancellationRequested();
        return pages.Count >= quorum ? pages : throw new AcceptorUnavailableException(
            $"Only {pages.Count} of {quorum} acceptors answered. " +
            string.Join(' ', failures.Select(failure => failure.Message)), // One may be down, another unable to list.
            mayHaveTakenEffect: false,
            failures.FirstOrDefault());
    }

    /// <summary>A row, and the slot that has it.</summary>
    private readonly record struct FoundRow(int Slot, ScannedRow Row);
}
