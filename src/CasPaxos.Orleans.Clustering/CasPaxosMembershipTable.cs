using System.Globalization;
using System.Text;
using CasPaxos.Registers;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Orleans.Configuration;

namespace CasPaxos.Orleans;

/// <summary>
/// Orleans' membership in registers. The table is one of them, changed by compare-and-swap. When each silo was last
/// alive is in one of its own: such writes come often, and contend neither with the table nor with each other.
/// </summary>
/// <remarks>
/// Cost, whatever the number of silos: a change is one round trip and one commit a database, two of each if this silo
/// did not make the one before, and one more round trip if it has not seen the one before. A sign of life is one and
/// one. Reading all is two round trips and no commit: first the table, then all signs of life together.
/// </remarks>
internal sealed partial class CasPaxosMembershipTable : IMembershipTable, IDisposable, IAsyncDisposable
{
    private readonly string _serviceId;
    private readonly TimeSpan _timeout;
    private readonly MembershipKeys _keys;
    private readonly ILogger _logger;
    private readonly PassiveRegisters _registers;
    private SiloAddress? _self;
    private MembershipRecord _seen = MembershipRecord.Empty;

    public CasPaxosMembershipTable(
        IOptions<CasPaxosClusteringOptions> options,
        IOptions<ClusterOptions> cluster,
        IServiceProvider services,
        ILogger<CasPaxosMembershipTable> logger)
        : this(options.Value, cluster.Value, services, logger)
    {
    }

    /// <summary>The same without a silo.</summary>
    public CasPaxosMembershipTable(
        CasPaxosClusteringOptions options,
        ClusterOptions cluster,
        IServiceProvider services,
        ILogger logger,
        Func<IAcceptor, IAcceptor>? wrap = null)
    {
        _serviceId = cluster.ServiceId;
        _timeout = options.Timeout;
        _keys = new MembershipKeys(cluster);
        _logger = logger;
        _registers = new PassiveRegisters("clustering", options, services, logger, wrap);
        _self = services.GetService<ILocalSiloDetails>()?.SiloAddress;
    }

    /// <summary>Waits for a quorum of the databases. There is nothing to create.</summary>
    public Task InitializeMembershipTableAsync(
        bool tryInitTableVersion, CancellationToken cancellationToken = default) =>
        _registers.StartAsync(cancellationToken);

    public async Task<MembershipTableData> ReadAllAsync(CancellationToken cancellationToken = default)
    {
        var (table, etag) = await ReadTableAsync(cancellationToken);
        var entries = await Task.WhenAll(table.Rows.Select(row => ToEntryAsync(row, cancellationToken)));
        return new MembershipTableData([.. entries], new TableVersion(table.Version, etag.ToString()));
    }

    public async Task<MembershipTableData> ReadRowAsync(SiloAddress key, CancellationToken cancellationToken = default)
    {
        var (table, etag) = await ReadTableAsync(cancellationToken);
        var version = new TableVersion(table.Version, etag.ToString());
        return table.Find(key) is { } row
            ? new MembershipTableData(await ToEntryAsync(row, cancellationToken), version)
            : new MembershipTableData(version);
    }

    public Task<bool> InsertRowAsync(
        MembershipEntry entry, TableVersion tableVersion, CancellationToken cancellationToken = default) =>
        TryChangeAsync(
            tableVersion,
            table => table.Find(entry.SiloAddress) is null ? table.Insert(entry, tableVersion.Version) : null,
            cancellationToken);

    public async Task<bool> UpdateRowAsync(
        MembershipEntry entry,
        string etag,
        TableVersion tableVersion,
        CancellationToken cancellationToken = default)
    {
        // Which heartbeats the row takes in: those that come later count by themselves.
        if (entry.Status == SiloStatus.Dead && entry.SiloAddress.Equals(_self))
        {
            _self = null; // It is about to be dead by its own word, and may be the last one.
        }

        var alive = await _registers.ReadSeenAsync(_keys.AliveOf(entry.SiloAddress), _timeout, cancellationToken);
        return await TryChangeAsync(
            tableVersion,
            table => table.Find(entry.SiloAddress) is { } row && row.ETag == etag
                ? table.Update(row, entry, tableVersion.Version, alive.ETag.Version)
                : null,
            cancellationToken);
    }

    /// <summary>Written blind, and into the table only with the next change of the silo's row.</summary>
    public Task UpdateIAmAliveAsync(MembershipEntry entry, CancellationToken cancellationToken = default) =>
        _registers.DecideAsync(
            _keys.AliveOf(entry.SiloAddress),
            new Change.Put(Encoding.ASCII.GetBytes(entry.IAmAliveTime.ToString("O", CultureInfo.InvariantCulture))),
            _timeout,
            cancellationToken);

    /// <summary>
    /// Removes dead silos that were neither alive nor voted against since. One in any other state stays, however old
    /// its row is: it may be about to join or to leave, and only Orleans declares it dead. As with other providers the
    /// version stays: no silo has to act on it.
    /// </summary>
    public async Task CleanupDefunctSiloEntriesAsync(
        DateTimeOffset beforeDate, CancellationToken cancellationToken = default)
    {
        // Listed before the table is read: a silo is in the table before it says that it is alive, so what is listed
        // and not in the table is nobody's.
        var listed = await ListAliveAsync(_keys, cancellationToken);
        var (table, etag) = await ReadTableAsync(cancellationToken);
        while (true)
        {
            var defunct = await FindDefunctAsync(table, beforeDate, cancellationToken);
            if (defunct.Count == 0)
            {
                break;
            }

            var kept = table with { Rows = table.Rows.RemoveAll(defunct.Contains) };
            var outcome = await _registers.DecideAsync(
                _keys.Table, new Change.CompareAndSwap(etag, kept.Encode()), _timeout, cancellationToken);
            if (outcome is Outcome.Applied)
            {
                LogCleaned(defunct.Count, kept.Rows.Length);
                table = kept;
                break;
            }

            (table, etag) = ReadTable(((Outcome.Refused)outcome).Current, table, _self);
        }

        var silos = table.Rows.Select(row => row.Silo).ToHashSet();
        await RemoveAsync(listed.Where(key => !silos.Contains(_keys.SiloOf(key))), cancellationToken);

        // Not waited for: it needs all databases, and one of them may never come back.
        _ = _registers.EraseDeletedAsync(
            _keys.AlivePrefix, RegisterClient.TombstoneAgeDefault, CancellationToken.None);
    }

    public async Task DeleteMembershipTableEntriesAsync(
        string clusterId, CancellationToken cancellationToken = default)
    {
        var keys = new MembershipKeys(_serviceId, clusterId);
        if (keys.Table == _keys.Table)
        {
            (_self, _seen) = (null, MembershipRecord.Empty);
        }

        await _registers.RemoveAsync(keys.Table, _timeout, cancellationToken);
        await RemoveAsync(await ListAliveAsync(keys, cancellationToken), cancellationToken);
    }

    public Task InitializeMembershipTable(bool tryInitTableVersion) =>
        InitializeMembershipTableAsync(tryInitTableVersion);

    public Task<MembershipTableData> ReadAll() => ReadAllAsync();

    public Task<MembershipTableData> ReadRow(SiloAddress key) => ReadRowAsync(key);

    public Task<bool> InsertRow(MembershipEntry entry, TableVersion tableVersion) =>
        InsertRowAsync(entry, tableVersion);

    public Task<bool> UpdateRow(MembershipEntry entry, string etag, TableVersion tableVersion) =>
        UpdateRowAsync(entry, etag, tableVersion);

    public Task UpdateIAmAlive(MembershipEntry entry) => UpdateIAmAliveAsync(entry);

    public Task CleanupDefunctSiloEntries(DateTimeOffset beforeDate) => CleanupDefunctSiloEntriesAsync(beforeDate);

    public Task DeleteMembershipTableEntries(string clusterId) => DeleteMembershipTableEntriesAsync(clusterId);

    public void Dispose() => _registers.Dispose();

    public ValueTask DisposeAsync() => _registers.DisposeAsync();

    /// <summary>Changes the table if it is as the caller has seen it.</summary>
    /// <param name="next">The version that it gets, and the ETag of the one that was seen.</param>
    /// <param name="change">The table after it; null if it does not fit.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    private async Task<bool> TryChangeAsync(
        TableVersion next, Func<MembershipRecord, MembershipRecord?> change, CancellationToken cancellationToken)
    {
        if (!ETag.TryParse(next.VersionEtag, out var expected)
            || await FindAsync(expected, cancellationToken) is not { } seen
            || change(seen) is not { } changed)
        {
            return false;
        }

        if (next.Version <= seen.Version)
        {
            // A row's ETag is the version that wrote it: it must not come twice.
            throw new ArgumentException($"Version {next.Version} does not follow {seen.Version}.", nameof(next));
        }

        var swap = new Change.CompareAndSwap(expected, changed.Encode());
        return await _registers.DecideAsync(_keys.Table, swap, _timeout, cancellationToken) is Outcome.Applied;
    }

    /// <summary>
    /// The table of an ETag. Mostly what was seen here last: an ETag names one state for ever, and if it is gone the
    /// compare-and-swap says so. Null if it is gone already.
    /// </summary>
    private async Task<MembershipRecord?> FindAsync(ETag expected, CancellationToken cancellationToken)
    {
        var seen = await _registers.ReadPossiblyStaleAsync(_keys.Table, cancellationToken)
                is Outcome.Applied { Current: var last }
            && last.ETag == expected
            ? last
            : await _registers.ReadAsync(_keys.Table, _timeout, cancellationToken);
        return seen.ETag == expected ? MembershipRecord.Decode(_keys.Table, seen) : null;
    }

    private async Task<(MembershipRecord Table, ETag ETag)> ReadTableAsync(CancellationToken cancellationToken)
    {
        var (seen, self) = (_seen, _self); // Before the read begins: what it finds is as new.
        var stored = await _registers.ReadAsync(_keys.Table, _timeout, cancellationToken);
        return ReadTable(stored, seen, self);
    }

    /// <summary>A silo goes on with what it knew where a table makes no sense: better than to die of it.</summary>
    /// <exception cref="InvalidDataException">It makes no sense.</exception>
    private (MembershipRecord Table, ETag ETag) ReadTable(Snapshot stored, MembershipRecord seen, SiloAddress? self)
    {
        try
        {
            var table = MembershipRecord.Decode(_keys.Table, stored);
            _seen = table.FindProblemAfter(seen, self) is { } problem
                ? throw MembershipRecord.Refused(_keys.Table, problem)
                : table;
            return (table, stored.ETag);
        }
        catch (InvalidDataException refused)
        {
            LogRefused(refused.Message);
            throw;
        }
    }

    private async Task<Tuple<MembershipEntry, string>> ToEntryAsync(
        MembershipRow row, CancellationToken cancellationToken)
    {
        // Nobody asks when a dead silo was last alive, and there may be many.
        var alive = row.Status == SiloStatus.Dead
            ? row.AliveTime
            : await ReadAliveTimeAsync(row, cancellationToken);
        return Tuple.Create(row.ToEntry(alive), row.ETag);
    }

    private async Task<DateTime> ReadAliveTimeAsync(MembershipRow row, CancellationToken cancellationToken)
    {
        var alive = await _registers.ReadAsync(_keys.AliveOf(row.Address), _timeout, cancellationToken);
        if (!alive.Exists)
        {
            return row.AliveTime;
        }

        var text = Encoding.ASCII.GetString(alive.Payload.Span);
        if (DateTime.TryParseExact(
            text, "O", CultureInfo.InvariantCulture, DateTimeStyles.RoundtripKind, out var time))
        {
            return row.AliveTimeAfter(alive.ETag.Version, time);
        }

        LogNoTime(row.Silo, alive.Payload.Length);
        return row.AliveTime;
    }

    /// <summary>The dead silos that were not heard of since, by their rows nor by heartbeats after these.</summary>
    private async Task<HashSet<MembershipRow>> FindDefunctAsync(
        MembershipRecord table, DateTimeOffset beforeDate, CancellationToken cancellationToken)
    {
        var dead = table.Rows.Where(row => row.Status == SiloStatus.Dead && IsBefore(row.UpdateTime)).ToList();
        var alive = await Task.WhenAll(dead.Select(row => ReadAliveTimeAsync(row, cancellationToken)));
        return dead.Where((_, i) => IsBefore(alive[i])).ToHashSet();

        bool IsBefore(DateTime time) => DateTime.SpecifyKind(time, DateTimeKind.Utc) < beforeDate.UtcDateTime;
    }

    private async Task<List<RegisterKey>> ListAliveAsync(MembershipKeys keys, CancellationToken cancellationToken)
    {
        var listed = new List<RegisterKey>();
        await foreach (var register in _registers.ListAllAsync(keys.AlivePrefix, cancellationToken))
        {
            listed.Add(register.Key);
        }

        return listed;
    }

    private async Task RemoveAsync(IEnumerable<RegisterKey> keys, CancellationToken cancellationToken) =>
        await Task.WhenAll(keys.Select(key => _registers.RemoveAsync(key, _timeout, cancellationToken)));

    [LoggerMessage(3004, LogLevel.Information, "Removed {Removed} defunct silos from the table; {Kept} are in it.")]
    private partial void LogCleaned(int removed, int kept);

    [LoggerMessage(3008, LogLevel.Error, "{Problem}")]
    private partial void LogRefused(string problem);

    [LoggerMessage(3009, LogLevel.Warning, "What is kept of when {Silo} was last alive is no time ({Bytes} bytes).")]
    private partial void LogNoTime(string silo, int bytes);
}
