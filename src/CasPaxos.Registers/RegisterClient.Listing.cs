using System.Diagnostics;

namespace CasPaxos.Registers;

// Listing by prefix.
public sealed partial class RegisterClient
{
    /// <summary>How long slots that are wanted beyond a quorum may answer after it.</summary>
    private static readonly TimeSpan StragglersMax = TimeSpan.FromSeconds(1);

    /// <inheritdoc/>
    /// <exception cref="AcceptorUnavailableException">No quorum of acceptors answered.</exception>
    /// <exception cref="RegisterException">A register on which they do not agree could not be read.</exception>
    public async Task<RegisterPage> ListAsync(ListQuery query, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(query);
        query.Validate();
        var (rows, next, _) = await ScanAsync(query, awaited: [], cancellationToken);
        var page = new PageInTheMaking(query.WithValues, _configuration.ReadQuorum);
        foreach (var group in rows)
        {
            page.Add(group.Key, [.. group.Select(found => found.Row)]);
        }

        var time = query.PageTime(_options.Timeout);
        var longest = RegisterClientOptions.TimeoutMax;
        await ReadAgainAsync(page, time < longest ? time : longest, cancellationToken);
        return page.ToPage(next);
    }

    /// <summary>
    /// Reads the registers of a page on which the acceptors do not agree, all together. One that is still as it was
    /// found is not being changed: an acceptor lags behind, and is brought up to date, or it would be so for ever.
    /// </summary>
    private async Task ReadAgainAsync(PageInTheMaking page, TimeSpan time, CancellationToken cancellationToken)
    {
        if (page.Disputed.Count == 0)
        {
            return;
        }

        var outcomes = await Task.WhenAll(page.Disputed.Select(
            found => ExecuteAsync(found.Key, NewRead(new Change.Read()), time, cancellationToken)));
        var lagging = new List<RegisterKey>();
        for (var i = 0; i < outcomes.Length; i++)
        {
            var (key, latest) = page.Disputed[i];
            switch (outcomes[i])
            {
                case Outcome.Applied { Current: var current }:
                    page.Add(key, current);
                    if (current.ETag == latest)
                    {
                        lagging.Add(key);
                    }

                    break;
                case Outcome.Unavailable { Unreadable: true } unavailable:
                    page.Add(new UnreadableRegister(key, unavailable.Reason));
                    break;
                case Outcome.Unavailable unavailable:
                    throw new RegisterUnavailableException(key, unavailable);
                default:
                    throw new UnreachableException($"A read ended as {outcomes[i]}.");
            }
        }

        // Whether that succeeds makes no difference to the page.
        await Task.WhenAll(lagging.Select(
            key => ExecuteAsync(key, NewRead(new Change.SealedRead()), time, cancellationToken)));
    }

    private static Operation NewRead(Change change) => new(new OperationId(Guid.NewGuid()), change);

    /// <summary>
    /// What a read quorum of slots has, or more of them, by register; where the next page begins; and how many slots it
    /// is that answered. Only so many scans are under way at a time; others wait.
    /// </summary>
    /// <param name="query">Which page.</param>
    /// <param name="awaited">See <see cref="ScanSlotsAsync"/>.</param>
    /// <param name="cancellationToken">Stops.</param>
    private async Task<(IEnumerable<IGrouping<RegisterKey, FoundRow>> Rows, RegisterKey? Next, int Slots)>
        ScanAsync(ListQuery query, HashSet<int> awaited, CancellationToken cancellationToken)
    {
        var request = new ScanRequest(_configuration.Epoch, query.Prefix, query.After, query.Limit)
        {
            Through = query.Through,
            WithValues = query.WithValues,
        };
        var time = query.PageTime(_options.Timeout);
        if (!await _scans.WaitAsync(time, cancellationToken))
        {
            throw new AcceptorUnavailableException(
                $"{_options.ScansMax} listings were under way all the time. Ask for less at a time.",
                mayHaveTakenEffect: false);
        }

        Dictionary<int, ScanPage> pages;
        try
        {
            pages = await ScanSlotsAsync(request, time, awaited, cancellationToken);
        }
        finally
        {
            _scans.Release();
        }

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
        return (rows, horizon, pages.Count);
    }

    /// <summary>Scans all slots and returns the first pages of a read quorum, by slot.</summary>
    /// <param name="request">Which page.</param>
    /// <param name="time">How long that may take.</param>
    /// <param name="awaited">
    /// Slots whose pages are wanted beyond the quorum, and waited for as long as <see cref="StragglersMax"/> after it.
    /// One that does not answer is removed, so that it delays one page and not every page.
    /// </param>
    /// <param name="cancellationToken">Stops.</param>
    private async Task<Dictionary<int, ScanPage>> ScanSlotsAsync(
        ScanRequest request, TimeSpan time, HashSet<int> awaited, CancellationToken cancellationToken)
    {
        var quorum = _configuration.ReadQuorum;
        using var enough = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        using var deadline = _time.CreateTimer(
            static source => ((CancellationTokenSource)source!).Cancel(), enough, time, Timeout.InfiniteTimeSpan);
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
