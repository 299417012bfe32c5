using CasPaxos.Registers;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Orleans.Configuration;

namespace CasPaxos.Orleans;

/// <summary>
/// Orleans' reminders in registers, one for each reminder, changed by compare-and-swap. See <see cref="ReminderKeys"/>.
/// </summary>
/// <remarks>
/// Cost: a reminder is one read. A change is one round trip and one commit a database, two of each, and a read, if this
/// silo did not make the one before. All reminders of a grain, and a range of the ring, are one scan of the databases
/// for every 1,000 of them, without a commit.
/// </remarks>
internal sealed partial class CasPaxosReminderTable : IReminderTable, IDisposable, IAsyncDisposable
{
    private static readonly TimeSpan EraseInterval = TimeSpan.FromHours(1);

    private readonly ReminderKeys _keys;
    private readonly TimeSpan _timeout;
    private readonly IRegisterClient _registers;
    private readonly PassiveRegisters? _passive;
    private readonly ILogger _logger;
    private readonly SiloCalls _calls = new("The reminder table");
    private Task _erasing = Task.CompletedTask;

    public CasPaxosReminderTable(
        IOptions<CasPaxosReminderOptions> options,
        IOptions<ClusterOptions> cluster,
        IServiceProvider services,
        ILogger<CasPaxosReminderTable> logger)
        : this(
            options.Value.HasDatabases
                ? new PassiveRegisters("reminders", options.Value, services, logger)
                : services.GetService<IRegisterClient>()!, // Missing only where the check of the options says so.
            cluster.Value.ServiceId,
            options.Value.Timeout,
            logger)
    {
    }

    /// <summary>The same without a silo.</summary>
    public CasPaxosReminderTable(IRegisterClient registers, string serviceId, TimeSpan timeout, ILogger logger)
    {
        _keys = new ReminderKeys(serviceId);
        _timeout = timeout;
        _registers = registers;
        _passive = registers as PassiveRegisters;
        _logger = logger;
    }

    public async Task StartAsync(CancellationToken cancellationToken = default)
    {
        if (_passive is not null)
        {
            await _passive.StartAsync(cancellationToken);
            _erasing = EraseAsync(_passive);
        }
    }

    /// <summary>Ends the calls that are under way, and all that come later.</summary>
    public async Task StopAsync(CancellationToken cancellationToken = default)
    {
        await _calls.EndAsync();
        await _erasing.WaitAsync(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    public Task<ReminderTableData> ReadRows(GrainId grainId) => ReadRows(grainId, CancellationToken.None);

    public Task<ReminderTableData> ReadRows(GrainId grainId, CancellationToken cancellationToken) => _calls.RunAsync(
        async stop =>
        {
            var found = new List<ReminderEntry>();
            var query = new ListQuery(_keys.PrefixOf(grainId)) { WithValues = true };
            await foreach (var register in _registers.ListAllAsync(query, stop))
            {
                found.Add(ReminderRecord.Decode(register.Key, register.Value));
            }

            return new ReminderTableData(found);
        },
        cancellationToken);

    public Task<ReminderTableData> ReadRows(uint begin, uint end) => ReadRows(begin, end, CancellationToken.None);

    public Task<ReminderTableData> ReadRows(uint begin, uint end, CancellationToken cancellationToken) =>
        _calls.RunAsync(
            async stop =>
            {
                var found = new List<ReminderEntry>();

                // Beyond the end of the ring is its beginning; from a place to itself is once around.
                if (begin < end)
                {
                    await ReadRangeAsync(_keys.Behind(begin), _keys.Behind(end), found, stop);
                }
                else
                {
                    await ReadRangeAsync(_keys.Behind(begin), through: null, found, stop);
                    await ReadRangeAsync(after: null, _keys.Behind(end), found, stop);
                }

                return new ReminderTableData(found);
            },
            cancellationToken);

    public Task<ReminderEntry?> ReadRow(GrainId grainId, string reminderName) =>
        ReadRow(grainId, reminderName, CancellationToken.None);

    public Task<ReminderEntry?> ReadRow(GrainId grainId, string reminderName, CancellationToken cancellationToken) =>
        _calls.RunAsync(
            async stop =>
            {
                var key = _keys.Of(grainId, reminderName);
                var seen = await _registers.ReadAsync(key, _timeout, stop);
                return seen.Exists ? ReminderRecord.Decode(key, seen.Payload) : null;
            },
            cancellationToken);

    public Task<string?> UpsertRow(ReminderEntry entry) => UpsertRow(entry, CancellationToken.None);

    public Task<string?> UpsertRow(ReminderEntry entry, CancellationToken cancellationToken) =>
        _calls.RunAsync(stop => UpsertAsync(entry, stop), cancellationToken);

    public Task<bool> RemoveRow(GrainId grainId, string reminderName, string eTag) =>
        RemoveRow(grainId, reminderName, eTag, CancellationToken.None);

    public Task<bool> RemoveRow(
        GrainId grainId, string reminderName, string eTag, CancellationToken cancellationToken) =>
        _calls.RunAsync(stop => RemoveAsync(_keys.Of(grainId, reminderName), eTag, stop), cancellationToken);

    public Task TestOnlyClearTable() => TestOnlyClearTable(CancellationToken.None);

    public Task TestOnlyClearTable(CancellationToken cancellationToken) => _calls.RunAsync(
        async stop =>
        {
            await foreach (var register in _registers.ListAllAsync(_keys.Prefix, stop))
            {
                await _registers.RemoveAsync(register.Key, _timeout, stop);
            }

            return true;
        },
        cancellationToken);

    /// <summary>Ends the calls that are under way, and all that come later. Twice is once.</summary>
    public void Dispose()
    {
        _calls.Dispose();
        _passive?.Dispose();
    }

    public ValueTask DisposeAsync()
    {
        Dispose();
        return ValueTask.CompletedTask;
    }

    private async Task<string?> UpsertAsync(ReminderEntry entry, CancellationToken cancellationToken)
    {
        var made = ReminderRecord.From(entry);
        var key = _keys.Of(entry.GrainId, entry.ReminderName);
        var seen = await _registers.ReadSeenAsync(key, _timeout, cancellationToken);
        while (true)
        {
            if (seen.Exists)
            {
                _ = ReminderRecord.Decode(key, seen.Payload); // What a newer version has written is left alone.
            }

            var change = new Change.CompareAndSwap(seen.ETag, made.Encode());
            switch (await _registers.DecideAsync(key, change, _timeout, cancellationToken))
            {
                case Outcome.Applied:
                    return made.ETag;
                case Outcome.Refused refused:
                    seen = refused.Current;
                    break;
            }
        }
    }

    private async Task<bool> RemoveAsync(RegisterKey key, string eTag, CancellationToken cancellationToken)
    {
        var seen = await _registers.ReadAsync(key, _timeout, cancellationToken);
        while (seen.Exists && ReminderRecord.Decode(key, seen.Payload).ETag == eTag)
        {
            var change = new Change.Delete(seen.ETag, _registers.Time.GetUtcNow().ToUnixTimeMilliseconds());
            if (await _registers.DecideAsync(key, change, _timeout, cancellationToken) is not Outcome.Refused refused)
            {
                return true;
            }

            seen = refused.Current;
        }

        return false;
    }

    /// <summary>
    /// The reminders of a range of keys. One that cannot be read stops only itself: the others of the silo must go on.
    /// </summary>
    private async Task ReadRangeAsync(
        RegisterKey? after, RegisterKey? through, List<ReminderEntry> found, CancellationToken cancellationToken)
    {
        var query = new ListQuery(_keys.Prefix) { After = after, Through = through, WithValues = true };
        do
        {
            var page = await _registers.ListAsync(query, cancellationToken);
            foreach (var register in page.Registers)
            {
                try
                {
                    found.Add(ReminderRecord.Decode(register.Key, register.Value));
                }
                catch (InvalidDataException failure)
                {
                    LogUnreadable(failure.Message);
                }
            }

            foreach (var (key, problem) in page.Unreadable)
            {
                LogUnreadable($"Register '{key}': {problem}");
            }

            query = query with { After = page.Next };
        }
        while (query.After is not null);
    }

    /// <summary>The register service erases what was deleted by itself; these databases have nobody else.</summary>
    private async Task EraseAsync(PassiveRegisters passive)
    {
        while (!_calls.Stopped.IsCancellationRequested)
        {
            await Task.Delay(EraseInterval, _calls.Stopped);
            await passive.EraseDeletedAsync(_keys.Prefix, RegisterClient.TombstoneAgeDefault, _calls.Stopped);
        }
    }

    [LoggerMessage(3007, LogLevel.Error, "A reminder cannot be read, and is not due until it can. {Problem}")]
    private partial void LogUnreadable(string problem);
}
