using System.Collections.Concurrent;
using System.Text;
using CasPaxos.Registers;
using CasPaxos.Testing;
using Microsoft.Extensions.Logging.Abstractions;

namespace CasPaxos.Orleans.Clustering.Tests;

/// <summary>What Orleans asks of a reminder table, sentence by sentence.</summary>
[Collection(DatabasesCollection.Name)]
public sealed class ReminderContractTests(RegisterDatabases databases)
{
    private PostgresTestCluster Postgres => databases.Postgres;

    [SkippableFact]
    public async Task A_reminder_is_read_back_as_it_was_written()
    {
        RegisterDatabases.Need();
        await using var table = await TableAsync();
        var (grain, neighbour) = (Grain("a/b\\c#d?é"), Grain("other"));
        var reminder = Reminder(grain, "na/me\\#?ü");

        var etag = await table.UpsertRow(reminder);
        await table.UpsertRow(Reminder(grain, "another"));
        await table.UpsertRow(Reminder(neighbour, "another"));
        var row = await table.ReadRow(grain, reminder.ReminderName);
        var rows = await table.ReadRows(grain);

        Assert.Equal((grain, reminder.ReminderName, etag), (row!.GrainId, row.ReminderName, row.ETag));
        Assert.Equal(
            (reminder.StartAt, reminder.StartAt.Kind, reminder.Period), (row.StartAt, row.StartAt.Kind, row.Period));
        Assert.Equal(2, rows.Reminders.Count);
        Assert.Null(await table.ReadRow(grain, "missing"));
        Assert.Empty((await table.ReadRows(Grain("missing"))).Reminders);
    }

    [SkippableFact]
    public async Task A_reminder_is_removed_by_its_latest_ETag_alone_and_no_ETag_comes_again()
    {
        RegisterDatabases.Need();
        await using var table = await TableAsync();
        var (grain, name) = (Grain("g"), "r");
        var first = await table.UpsertRow(Reminder(grain, name));
        var second = await table.UpsertRow(Reminder(grain, name));

        var stale = await table.RemoveRow(grain, name, first!);
        var wrongName = await table.RemoveRow(grain, "s", second!);
        var wrongGrain = await table.RemoveRow(Grain("h"), name, second!);
        var right = await table.RemoveRow(grain, name, second!);
        var twice = await table.RemoveRow(grain, name, second!);
        var third = await table.UpsertRow(Reminder(grain, name));
        var late = await table.RemoveRow(grain, name, second!);

        Assert.Equal((false, false, false), (stale, wrongName, wrongGrain));
        Assert.Equal((true, false, false), (right, twice, late));
        Assert.Equal(3, new[] { first, second, third }.Distinct().Count());
        Assert.Equal(third, (await table.ReadRow(grain, name))!.ETag);
    }

    [SkippableFact]
    public async Task Concurrent_writes_of_several_silos_lose_no_reminder_and_share_no_ETag()
    {
        RegisterDatabases.Need();
        var service = Make.Name();
        await using var left = await TableAsync(service);
        await using var right = await TableAsync(service);
        var grain = Grain("busy");

        var etags = await Task.WhenAll(Enumerable.Range(0, 20).Select(i =>
            (i % 2 == 0 ? left : right).UpsertRow(Reminder(grain, $"r{i / 2}"))));
        var rows = (await left.ReadRows(grain)).Reminders;
        var removed = await Task.WhenAll(rows.SelectMany(row => new[]
        {
            left.RemoveRow(grain, row.ReminderName, row.ETag!), right.RemoveRow(grain, row.ReminderName, row.ETag!),
        }));

        Assert.Equal(20, etags.Distinct().Count());
        Assert.Equal(10, rows.Count);
        Assert.All(rows, row => Assert.Contains(row.ETag, etags));
        Assert.Equal(10, removed.Count(each => each));
        Assert.Empty((await right.ReadRows(grain)).Reminders);
    }

    [SkippableFact]
    public async Task A_range_of_the_ring_begins_behind_its_first_place_and_may_go_round()
    {
        RegisterDatabases.Need();
        var service = Make.Name();
        await using var table = await TableAsync(service);
        await using var elsewhere = await TableAsync($"{service}/x");
        var grains = Enumerable.Range(0, 150).Select(_ => Grain(Guid.NewGuid().ToString())).ToList();
        await Task.WhenAll(grains.Select(grain => table.UpsertRow(Reminder(grain, "r"))));
        await elsewhere.UpsertRow(Reminder(Grain("x"), "r"));
        var places = grains.Select(grain => grain.GetUniformHashCode()).Order().ToList();
        List<(uint Begin, uint End)> ranges =
        [
            (0, 0), (0, uint.MaxValue), (uint.MaxValue, 0), (uint.MaxValue, uint.MaxValue), (5, 5), (7, 6),
            (places[3], places[9]), (places[3] - 1, places[9]), (places[3], places[9] - 1), (places[9], places[3]),
            (places[3], places[3]), (places[0], places[^1]), (places[^1], places[0]), (places[7] - 1, places[7]),
        ];

        foreach (var (begin, end) in ranges)
        {
            var found = (await table.ReadRows(begin, end)).Reminders.Select(row => row.GrainId);

            var expected = grains.Where(grain => grain.GetUniformHashCode() is var place
                && (begin < end ? place > begin && place <= end : place > begin || place <= end));
            Assert.True(expected.ToHashSet().SetEquals(found), $"{begin:x8} to {end:x8}");
            Assert.Equal(expected.Count(), found.Count());
        }
    }

    [SkippableFact]
    public async Task A_table_is_cleared_for_its_service_alone()
    {
        RegisterDatabases.Need();
        await using var table = await TableAsync();
        await using var other = await TableAsync();
        foreach (var each in (CasPaxosReminderTable[])[table, other])
        {
            await each.UpsertRow(Reminder(Grain("g"), "r"));
        }

        await table.TestOnlyClearTable();

        Assert.Empty((await table.ReadRows(0, 0)).Reminders);
        Assert.Single((await other.ReadRows(0, 0)).Reminders);
    }

    [SkippableFact]
    public async Task Writes_whose_answers_are_lost_are_made_once()
    {
        RegisterDatabases.Need();
        await using var table = await TableAsync(losses: new Losses(0.2));
        var made = new ConcurrentDictionary<GrainId, string>();

        await Task.WhenAll(Enumerable.Range(0, 30).Select(async i =>
        {
            var grain = Grain($"{i % 5}");
            made[Grain($"{i}")] = (await table.UpsertRow(Reminder(grain, $"r{i}")))!;
        }));
        var rows = (await table.ReadRows(0, 0)).Reminders;
        var removed = await Task.WhenAll(rows.Select(row => table.RemoveRow(row.GrainId, row.ReminderName, row.ETag!)));

        Assert.Equal(made.Values.Order(), rows.Select(row => row.ETag).Order());
        Assert.All(removed, Assert.True);
        Assert.Empty((await table.ReadRows(0, 0)).Reminders);
    }

    [SkippableFact]
    public async Task A_reminder_of_another_format_is_neither_read_nor_changed_and_stops_no_other()
    {
        RegisterDatabases.Need();
        await using var table = await TableAsync("formats");
        var (grain, neighbour) = (Grain("g"), Grain("h"));
        await table.UpsertRow(Reminder(neighbour, "r"));
        var client = new RegisterClient(Postgres.Cluster.Configuration, Postgres.Cluster.Acceptors);
        var key = new RegisterKey($"reminders/formats/{grain.GetUniformHashCode():x8}/kind%2Fg/r");
        var put = (Outcome.Applied)await client.PutAsync(key, Encoding.UTF8.GetBytes("{\"format\":3}"));

        var read = await Assert.ThrowsAsync<InvalidDataException>(() => table.ReadRows(grain));
        await Assert.ThrowsAsync<InvalidDataException>(() => table.ReadRow(grain, "r"));
        await Assert.ThrowsAsync<InvalidDataException>(() => table.UpsertRow(Reminder(grain, "r")));
        await Assert.ThrowsAsync<InvalidDataException>(() => table.RemoveRow(grain, "r", "any"));
        await client.PutAsync(
            new RegisterKey($"{key}2"), Encoding.UTF8.GetBytes("{\"format\":2,\"name\":\"r2\",\"eTag\":\"a\"}"));
        var range = await table.ReadRows(0, 0);

        Assert.Contains("format 3", read.Message, StringComparison.Ordinal);
        Assert.Equal(put.ETag, ((Outcome.Applied)await client.GetAsync(key)).ETag);
        Assert.Equal(neighbour, Assert.Single(range.Reminders).GrainId);
    }

    // Each is a register of its own: neither their number nor their weight is limited by what one may hold.
    [SkippableFact]
    public async Task A_grain_may_have_thousands_of_reminders_and_long_names()
    {
        RegisterDatabases.Need();
        await using var table = await TableAsync();
        var grain = Grain(new string('k', 700));
        var names = Enumerable.Range(0, 3_000).Select(i => $"r{i}").Append(new string('é', 700)).ToList();

        var etags = await Task.WhenAll(names.Select(name => table.UpsertRow(Reminder(grain, name))));
        var rows = (await table.ReadRows(grain)).Reminders;
        var last = await table.ReadRow(grain, names[^1]);

        Assert.True(names.ToHashSet().SetEquals(rows.Select(row => row.ReminderName)));
        Assert.Equal((grain, etags[^1]), (last!.GrainId, last.ETag));
        Assert.True(await table.RemoveRow(grain, names[^1], etags[^1]!));
    }

    // Silos load their reminders so, and again whenever the cluster changes.
    [SkippableFact]
    public async Task Ranges_are_scanned_and_not_read_row_by_row_however_many_are_asked_for_at_once()
    {
        RegisterDatabases.Need();
        var counts = new Statements();
        await using var table = await TableAsync(wrap: counts.Wrap);
        await Task.WhenAll(
            Enumerable.Range(0, 2_500).Select(i => table.UpsertRow(Reminder(Grain($"g{i}"), "r"))));

        ReminderTableData? all = null;
        var read = await counts.CountAsync(async () => all = await table.ReadRows(0, 0));
        var many = await Task.WhenAll(Enumerable.Range(0, 1_000).Select(i => table.ReadRows((uint)i, (uint)i + 1)));

        Assert.Equal(2_500, all!.Reminders.Count);
        Assert.Equal((0, 0, 0), read); // But for the scans.
        Assert.Equal(1_000, many.Length);
    }

    private static GrainId Grain(string key) => GrainId.Create("kind", key);

    private static ReminderEntry Reminder(GrainId grain, string name) => new()
    {
        GrainId = grain,
        ReminderName = name,
        StartAt = DateTime.UtcNow,
        Period = TimeSpan.FromMinutes(7),
    };

    private async Task<CasPaxosReminderTable> TableAsync(
        string? service = null, Losses? losses = null, Func<IAcceptor, IAcceptor>? wrap = null)
    {
        var options = Make.Databases(new CasPaxosReminderOptions(), Postgres.ConnectionStrings);
        var registers = new PassiveRegisters(
            "test", options, Make.NoServices, NullLogger.Instance, losses is null ? wrap : losses.Wrap);
        var table = new CasPaxosReminderTable(
            registers, service ?? Make.Name(), TimeSpan.FromSeconds(5), NullLogger.Instance);
        await table.StartAsync();
        return table;
    }
}
