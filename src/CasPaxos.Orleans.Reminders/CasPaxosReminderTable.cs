using System.Globalization;
using CasPaxos.Registers;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Orleans.Configuration;

namespace CasPaxos.Orleans;

/// <summary>
/// Orleans' reminders in registers: one for each grain, changed by compare-and-swap. Its key holds the grain's place on
/// the ring as eight hexadecimal digits, so that a range of the ring is a range of keys.
/// </summary>
/// <remarks>
/// Cost: a grain's reminders are one read. A change is one round trip and one commit a database, two of each, and a
/// read, if this silo did not make the one before. A range is, for every 1,000 grains in it, one round trip to list
/// them and one to read them together.
/// </remarks>
internal sealed class CasPaxosReminderTable : IReminderTable, IDisposable, IAsyncDisposable
{
    private static readonly TimeSpan EraseInterval = TimeSpan.FromHours(1);

    private readonly string _prefix;
    private readonly TimeSpan _timeout;
    private readonly IRegisterClient _registers;
    private readonly PassiveRegisters? _passive;
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
            options.Value.Timeout)
    {
    }

    /// <summary>The same without a silo.</summary>
    public CasPaxosReminderTable(IRegisterClient registers, string serviceId, TimeSpan timeout)
    {
        _prefix = $"reminders/{Uri.EscapeDataString(serviceId)}/";
        _timeout = timeout;
        _registers = registers;
        _passive = registers as PassiveRegisters;
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
        async stop => new ReminderTableData(await ReadGrainAsync(KeyOf(grainId), grainId, stop)), cancellationToken);

    public Task<ReminderTableData> ReadRows(uint begin, uint end) => ReadRows(begin, end, CancellationToken.None);

    public Task<ReminderTableData> ReadRows(uint begin, uint end, CancellationToken cancellationToken) =>
        _calls.RunAsync(
            async stop =>
            {
                // Beyond the end of the ring is its beginning; from a place to itself is once around.
                var found = begin < end
                    ? await ReadRangeAsync(begin, end, stop)
                    :
                    [
                        .. await ReadRangeAsync(begin, uint.MaxValue, stop),
                        .. await ReadRangeAsync(after: null, end, stop),
                    ];
                return new ReminderTableData(found);
            },
            cancellationToken);

    public Task<ReminderEntry?> ReadRow(GrainId grainId, string reminderName) =>
        ReadRow(grainId, reminderName, CancellationToken.None);

    public Task<ReminderEntry?> ReadRow(GrainId grainId, string reminderName, CancellationToken cancellationToken) =>
        _calls.RunAsync(
            async stop => (await ReadGrainAsync(KeyOf(grainId), grainId, stop))
                .Find(entry => entry.ReminderName == reminderName),
            cancellationToken);

    public Task<string?> UpsertRow(ReminderEntry entry) => UpsertRow(entry, CancellationToken.None);

    public Task<string?> UpsertRow(ReminderEntry entry, CancellationToken cancellationToken) =>
        _calls.RunAsync(stop => UpsertAsync(entry, stop), cancellationToken);

    public Task<bool> RemoveRow(GrainId grainId, string reminderName, string eTag) =>
        RemoveRow(grainId, reminderName, eTag, CancellationToken.None);

    public Task<bool> RemoveRow(
        GrainId grainId, string reminderName, string eTag, CancellationToken cancellationToken) =>
        _calls.RunAsync(stop => RemoveAsync(KeyOf(grainId), reminderName, eTag, stop), cancellationToken);

    public Task TestOnlyClearTable() => TestOnlyClearTable(CancellationToken.None);

    public Task TestOnlyClearTable(CancellationToken cancellationToken) => _calls.RunAsync(
        async stop =>
        {
            await foreach (var register in _registers.ListAllAsync(_prefix, stop))
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
        var made = Reminder.From(entry);
        var key = KeyOf(entry.GrainId);
        var seen = await _registers.ReadSeenAsync(key, _timeout, cancellationToken);
        while (true)
        {
            var change = new Change.CompareAndSwap(seen.ETag, ReminderRecord.Decode(key, seen).With(made).Encode());
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

    private async Task<bool> RemoveAsync(
        RegisterKey key, string reminderName, string eTag, CancellationToken cancellationToken)
    {
        var seen = await _registers.ReadAsync(key, _timeout, cancellationToken);
        while (true)
        {
            var record = ReminderRecord.Decode(key, seen);
            if (!record.Reminders.Any(reminder => reminder.Name == reminderName && reminder.ETag == eTag))
            {
                return false;
            }

            var left = record.Without(reminderName);
            Change change = left.Reminders.IsEmpty
                ? new Change.Delete(seen.ETag, _registers.Time.GetUtcNow().ToUnixTimeMilliseconds())
                : new Change.CompareAndSwap(seen.ETag, left.Encode());
            if (await _registers.DecideAsync(key, change, _timeout, cancellationToken) is not Outcome.Refused refused)
            {
                return true;
            }

            seen = refused.Current;
        }
    }

    private RegisterKey KeyOf(GrainId grain) =>
        new(string.Create(CultureInfo.InvariantCulture, $"{_prefix}{grain.GetUniformHashCode():x8}/{grain}"));

    /// <summary>The grain of a key: what is behind the eight digits and a slash.</summary>
    private GrainId GrainOf(RegisterKey key) => GrainId.Parse(key.Text.AsSpan(_prefix.Length + 9));

    private uint PlaceOf(RegisterKey key) => uint.Parse(
        key.Text.AsSpan(_prefix.Length, 8), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);

    /// <summary>The reminders of all grains from one place of the ring, exclusive, to another, inclusive.</summary>
    private async Task<List<ReminderEntry>> ReadRangeAsync(
        uint? after, uint last, CancellationToken cancellationToken)
    {
        // The digit follows the slash: above all keys of that place and below those of the next.
        RegisterKey? begin = after is { } place
            ? new RegisterKey(string.Create(CultureInfo.InvariantCulture, $"{_prefix}{place:x8}0"))
            : null;
        var found = new List<ReminderEntry>();
        do
        {
            var page = await _registers.ListAsync(_prefix, begin, cancellationToken: cancellationToken);
            var keys = page.Registers.Select(register => register.Key).Where(key => PlaceOf(key) <= last).ToList();
            var grains = await Task.WhenAll(
                keys.Select(key => ReadGrainAsync(key, GrainOf(key), cancellationToken)));
            found.AddRange(grains.SelectMany(reminders => reminders));
            begin = page.Next;
        }
        while (begin is { } next && PlaceOf(next) <= last);

        return found;
    }

    private async Task<List<ReminderEntry>> ReadGrainAsync(
        RegisterKey key, GrainId grain, CancellationToken cancellationToken)
    {
        var record = ReminderRecord.Decode(key, await _registers.ReadAsync(key, _timeout, cancellationToken));
        return [.. record.Reminders.Select(reminder => reminder.ToEntry(grain))];
    }

    /// <summary>The register service erases what was deleted by itself; these databases have nobody else.</summary>
    private async Task EraseAsync(PassiveRegisters passive)
    {
        while (!_calls.Stopped.IsCancellationRequested)
        {
            await Task.Delay(EraseInterval, _calls.Stopped);
            await passive.EraseDeletedAsync(_prefix, RegisterClient.TombstoneAgeDefault, _calls.Stopped);
        }
    }
}
