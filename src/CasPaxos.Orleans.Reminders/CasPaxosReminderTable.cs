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
internal sealed class CasPaxosReminderTable : IReminderTable, IAsyncDisposable
{
    private static readonly TimeSpan EraseInterval = TimeSpan.FromHours(1);

    private readonly string _prefix;
    private readonly TimeSpan _timeout;
    private readonly IRegisterClient _registers;
    private readonly PassiveRegisters? _passive;
    private readonly CancellationTokenSource _end = new();
    private Task _erasing = Task.CompletedTask;

    public CasPaxosReminderTable(
        IOptions<CasPaxosReminderOptions> options,
        IOptions<ClusterOptions> cluster,
        IServiceProvider services,
        ILogger<CasPaxosReminderTable> logger)
        : this(
            options.Value.Passive
                ? new PassiveRegisters(options.Value, logger)
                : services.GetRequiredService<IRegisterClient>(),
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

    public async Task StopAsync(CancellationToken cancellationToken = default)
    {
        await _end.CancelAsync();
        await _erasing.WaitAsync(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    public async Task<ReminderTableData> ReadRows(GrainId grainId) =>
        new(await ReadGrainAsync(KeyOf(grainId), grainId));

    public async Task<ReminderTableData> ReadRows(uint begin, uint end)
    {
        // Beyond the end of the ring is its beginning; from a place to itself is once around.
        var found = begin < end
            ? await ReadRangeAsync(begin, end)
            : [.. await ReadRangeAsync(begin, uint.MaxValue), .. await ReadRangeAsync(after: null, end)];
        return new ReminderTableData(found);
    }

    public async Task<ReminderEntry> ReadRow(GrainId grainId, string reminderName) =>
        (await ReadGrainAsync(KeyOf(grainId), grainId)).Find(entry => entry.ReminderName == reminderName)!;

    public async Task<string> UpsertRow(ReminderEntry entry)
    {
        var made = Reminder.From(entry);
        var key = KeyOf(entry.GrainId);
        var seen = await SeenAsync(key);
        while (true)
        {
            var change = new Change.CompareAndSwap(seen.ETag, ReminderRecord.Decode(key, seen).With(made).Encode());
            switch (await _registers.DecideAsync(key, change, _timeout))
            {
                case Outcome.Applied:
                    return made.ETag;
                case Outcome.Refused refused:
                    seen = refused.Current;
                    break;
            }
        }
    }

    public async Task<bool> RemoveRow(GrainId grainId, string reminderName, string eTag)
    {
        var key = KeyOf(grainId);
        var seen = await _registers.ReadAsync(key, _timeout);
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
            if (await _registers.DecideAsync(key, change, _timeout) is not Outcome.Refused refused)
            {
                return true;
            }

            seen = refused.Current;
        }
    }

    public async Task TestOnlyClearTable()
    {
        await foreach (var register in _registers.ListAllAsync(_prefix))
        {
            await _registers.RemoveAsync(register.Key, _timeout);
        }
    }

    public async ValueTask DisposeAsync()
    {
        _end.Dispose();
        if (_passive is not null)
        {
            await _passive.DisposeAsync();
        }
    }

    private RegisterKey KeyOf(GrainId grain) =>
        new(string.Create(CultureInfo.InvariantCulture, $"{_prefix}{grain.GetUniformHashCode():x8}/{grain}"));

    /// <summary>The grain of a key: what is behind the eight digits and a slash.</summary>
    private GrainId GrainOf(RegisterKey key) => GrainId.Parse(key.Text.AsSpan(_prefix.Length + 9));

    private uint PlaceOf(RegisterKey key) => uint.Parse(
        key.Text.AsSpan(_prefix.Length, 8), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);

    /// <summary>What was seen of a register here last; the compare-and-swap says whether it is still so.</summary>
    private async Task<Snapshot> SeenAsync(RegisterKey key) =>
        await _registers.ReadPossiblyStaleAsync(key) is Outcome.Applied { Current: var last }
            ? last
            : await _registers.ReadAsync(key, _timeout);

    /// <summary>The reminders of all grains from one place of the ring, exclusive, to another, inclusive.</summary>
    private async Task<List<ReminderEntry>> ReadRangeAsync(uint? after, uint last)
    {
        // The digit follows the slash: above all keys of that place and below those of the next.
        RegisterKey? begin = after is { } place
            ? new RegisterKey(string.Create(CultureInfo.InvariantCulture, $"{_prefix}{place:x8}0"))
            : null;
        var found = new List<ReminderEntry>();
        do
        {
            var page = await _registers.ListAsync(_prefix, begin);
            var keys = page.Registers.Select(register => register.Key).Where(key => PlaceOf(key) <= last).ToList();
            var grains = await Task.WhenAll(keys.Select(key => ReadGrainAsync(key, GrainOf(key))));
            found.AddRange(grains.SelectMany(reminders => reminders));
            begin = page.Next;
        }
        while (begin is { } next && PlaceOf(next) <= last);

        return found;
    }

    private async Task<List<ReminderEntry>> ReadGrainAsync(RegisterKey key, GrainId grain)
    {
        var record = ReminderRecord.Decode(key, await _registers.ReadAsync(key, _timeout));
        return [.. record.Reminders.Select(reminder => reminder.ToEntry(grain))];
    }

    /// <summary>The register service erases what was deleted by itself; these databases have nobody else.</summary>
    private async Task EraseAsync(PassiveRegisters passive)
    {
        while (!_end.IsCancellationRequested)
        {
            await Task.Delay(EraseInterval, _end.Token);
            await passive.EraseDeletedAsync(_prefix, RegisterClient.TombstoneAgeDefault, _end.Token);
        }
    }
}
