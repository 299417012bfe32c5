using CasPaxos.Testing;
using Orleans.Storage;
using Orleans.TestingHost;

namespace CasPaxos.Client.Tests;

/// <summary>States move from Orleans' ADO.NET storage into registers.</summary>
[Collection(PostgresFixture.Collection)]
public sealed class ImportTests(PostgresFixture postgres, AdoNetSource source) : IClassFixture<AdoNetSource>
{
    private static readonly string[] Mappings =
    [
        "--state", "text=textnote:string",
        "--state", "note=integernote:integer", "--state", "note=integercompoundnote:integer+string",
        "--state", "note=guidnote:guid", "--state", "note=guidcompoundnote:guid+string",
    ];

    private static int NotesCount => AdoNetSource.Texts.Length + (2 * 6) + (2 * 3);

    private static int LossyRows => AdoNetSource.Lossy.Length - 1; // 0+x and 00+x are one row.

    [SkippableFact]
    public async Task Grains_find_the_states_that_they_had()
    {
        Need();

        var imported = await ImportAsync("moved", Mappings);

        Assert.True(imported.ExitCode == 2, imported.ToString()); // For the keys that the table has not kept.
        Assert.Equal((NotesCount, LossyRows), (Count(imported, "created"), Count(imported, "refused")));
        Assert.Equal((1, 0), (Count(imported, "cleared"), Count(imported, "conflict")));
        await using var silo = await StartSiloAsync("moved");
        foreach (var note in AdoNetSource.Notes(silo.Client))
        {
            Assert.Equal((AdoNetSource.TextOf(note), true), await note.GetAsync());
            await note.SetAsync("goes on");
        }

        Assert.Equal(("fresh", false), await AdoNetSource.Cleared(silo.Client).GetAsync());
        foreach (var key in AdoNetSource.Lossy)
        {
            Assert.Equal(("fresh", false), await silo.Client.GetGrain<ITextNoteGrain>(key).GetAsync());
        }
    }

    [SkippableFact]
    public async Task Run_again_it_changes_nothing()
    {
        Need();
        var first = await ImportAsync("again", Mappings);
        var before = await postgres.RunAsync("list", "--prefix", "again/");

        var second = await ImportAsync("again", [.. Mappings, "--overwrite"]);
        var after = await postgres.RunAsync("list", "--prefix", "again/");

        Assert.Equal((NotesCount, 0), (Count(first, "created"), Count(first, "same")));
        Assert.Equal((0, NotesCount), (Count(second, "created"), Count(second, "same")));
        Assert.Equal(0, Count(second, "overwritten"));
        Assert.Equal(NotesCount, before.Text.Count(letter => letter == '\n'));
        Assert.Equal(before.Text, after.Text); // With every ETag.
    }

    [SkippableFact]
    public async Task What_grains_have_written_since_is_reported_and_left_unless_it_is_to_be_overwritten()
    {
        Need();
        string[] mappings = ["--state", "note=guidnote:guid"];
        await ImportAsync("conflict", mappings);
        await using var silo = await StartSiloAsync("conflict");
        var written = silo.Client.GetGrain<IGuidNoteGrain>(Guid.Empty);
        var cleared = silo.Client.GetGrain<IGuidNoteGrain>(new Guid("00000000-0000-0000-0000-000000000005"));
        await written.SetAsync("newer");
        await cleared.ClearAsync();
        await postgres.RunAsync(
            "put", "conflict/notes%20of%20ours/guidnote/0f8b6d2c1a5e4f0b9c3d77aa10e0b1ff/note", "no state");

        var again = await ImportAsync("conflict", mappings);
        var kept = await written.GetAsync();
        var overwritten = await ImportAsync("conflict", [.. mappings, "--overwrite"]);

        Assert.Equal((2, 3, 0), (again.ExitCode, Count(again, "conflict"), Count(again, "overwritten")));
        Assert.Contains(Rows(again, "conflict"), row => row.Contains("it holds another state"));
        Assert.Contains(Rows(again, "conflict"), row => row.Contains("its state was cleared"));
        Assert.Contains(Rows(again, "conflict"), row => row.Contains("something else than a grain's state"));
        Assert.Equal(("newer", true), kept);
        Assert.Equal((2, 1), (Count(overwritten, "overwritten"), Count(overwritten, "conflict")));
        foreach (var note in new[] { written, cleared })
        {
            // An activation that was there all the while has lost, and the next one finds what was imported.
            await Assert.ThrowsAsync<InconsistentStateException>(() => note.SetAsync("too late"));
            Assert.Equal((AdoNetSource.TextOf(note), true), await note.GetAsync());
        }
    }

    [SkippableFact]
    public async Task Keys_that_the_table_has_not_kept_are_refused_and_so_are_those_of_another_kind()
    {
        Need();

        var texts = await ImportAsync("refused", ["--state", "text=textnote:string", "--skip-unmapped"]);
        var lower = await ImportAsync("refused", ["--state", "text=textnote:string-lower", "--skip-unmapped"]);
        var guids = await ImportAsync("refused", ["--state", "text=guidnote:guid", "--state", "note=n:integer+string"]);

        var refused = Rows(texts, "refused").ToList();
        Assert.Equal((2, LossyRows), (texts.ExitCode, refused.Count));
        Assert.Contains(refused, row => row.Contains("'12' looks like a number"));
        Assert.Contains(refused, row => row.Contains("'0+x' looks like a number"));
        Assert.Contains(refused, row => row.Contains("'abcdef00000000000000000000000001' looks like a Guid"));
        Assert.Equal((0, LossyRows), (lower.ExitCode, Count(lower, "created")));
        Assert.Contains(Rows(guids, "refused"), row => row.Contains("it is no Guid by its hash"));
        Assert.Contains(Rows(guids, "refused"), row => row.Contains("it has an extension"));
        Assert.Equal(6 + 2, Count(guids, "created")); // The compound integers; two texts that look like Guids.
    }

    [SkippableFact]
    public async Task A_dry_run_says_what_it_would_do_and_writes_nothing()
    {
        Need();
        await ImportAsync("dry", ["--state", "note=guidnote:guid"]);
        var before = await postgres.RunAsync("list", "--prefix", "dry/");

        var json = await ImportAsync("dry", [.. Mappings, "--dry-run"]);
        var text = await postgres.RunAsync([
            "import-adonet", "--from", source.Database, "--key-prefix", "dry", "--dry-run", .. Mappings]);
        var after = await postgres.RunAsync("list", "--prefix", "dry/");

        Assert.Equal((2, 2), (json.ExitCode, text.ExitCode));
        Assert.Equal((NotesCount - 3, 3), (Count(json, "created"), Count(json, "same")));
        Assert.Contains("created\tdry/notes%20of%20ours/textnote/adam/text\n", text.Text);
        Assert.Contains("same\tdry/notes%20of%20ours/guidnote/00000000000000000000000000000000/note\n", text.Text);
        Assert.Contains($"Nothing was changed. Would be: {NotesCount + LossyRows + 1} rows", text.Text);
        Assert.Equal(before.Text, after.Text);
    }

    [SkippableFact]
    public async Task States_that_nobody_named_are_counted_and_a_failure_unless_they_are_to_be_skipped()
    {
        Need();
        string[] mappings = ["--state", "note=n:integer", "--state", "note=m:integer+string", "--state", "note=o:guid",
            "--state", "note=p:guid+string", "--state", "nothing=n:guid"];

        var failed = await ImportAsync("unmapped", mappings);
        var skipped = await ImportAsync("unmapped", [.. mappings, "--skip-unmapped"]);
        var other = await ImportAsync("unmapped", [.. mappings, "--service-id", "another"]);

        var texts = AdoNetSource.Texts.Length + LossyRows;
        Assert.Equal((2, texts), (failed.ExitCode, Count(failed, "unmapped")));
        Assert.Equal(texts, failed.Json.GetProperty("unmappedStates").GetProperty("text").GetInt32());
        Assert.Contains("There is no row of state 'nothing'.", failed.Errors);
        Assert.Equal((0, texts, 18), (skipped.ExitCode, Count(skipped, "unmapped"), Count(skipped, "same")));
        Assert.Equal((0, 0), (other.ExitCode, Count(other, "read")));
    }

    [SkippableFact]
    public async Task Every_page_is_read_and_rows_that_are_there_twice_are_refused()
    {
        Need();
        var database = await source.NewDatabaseAsync("pages");
        var keys = Enumerable.Range(0, 1200).Select(i => StockKey.Of(GrainIdKeyExtensions.CreateIntegerKey(i)));
        var rows = keys.Select(key => $"({key.Hash}, 0, {key.N1}, 7, 'note', NULL, 's', '\\x01', now(), 1)").ToList();
        var twice = string.Join(", ", [.. rows, .. rows[..600], .. rows[600..601], .. rows[600..601]]);
        await AdoNetSource.RunAsync(
            database, $"DROP INDEX orleansstorage_record; INSERT INTO orleansstorage VALUES {twice}");

        var result = await ImportAsync("pages", ["--state", "note=n:integer", "--dry-run"], database);

        Assert.Equal((1802, 599, 1203), (Count(result, "read"), Count(result, "created"), Count(result, "refused")));
        Assert.Equal(599, Rows(result, "created").Distinct().Count());
        Assert.Contains("several rows", Rows(result, "refused").First());
    }

    [SkippableFact]
    public async Task A_source_that_cannot_be_read_and_a_state_over_the_limit_are_told()
    {
        Need();
        var empty = postgres.Cluster.Servers[0].ConnectionString();
        var database = await source.NewDatabaseAsync("large");
        var key = StockKey.Of(GrainIdKeyExtensions.CreateIntegerKey(1));
        await AdoNetSource.RunAsync(
            database,
            $"INSERT INTO orleansstorage VALUES ({key.Hash}, 0, 1, 7, 'note', NULL, 's', " +
            "convert_to(repeat('x', 2000), 'UTF8'), now(), 1)");

        var none = await ImportAsync("none", Mappings, empty);
        var large = await ImportAsync("large", ["--state", "note=n:integer", "--value-bytes-max", "1024"], database);

        Assert.Equal((6, "failed"), (none.ExitCode, none.Field("outcome")));
        Assert.Contains("orleansstorage", none.Errors);
        Assert.Equal((2, 1), (large.ExitCode, Count(large, "refused")));
        Assert.Contains("over the limit of 1024", Rows(large, "refused").Single());
    }

    private static void Need() => Skip.If(PostgresBinaries.SkipReason is not null, PostgresBinaries.SkipReason);

    private static int Count(CliResult result, string name) => result.Json.GetProperty(name).GetInt32();

    private static IEnumerable<string> Rows(CliResult result, string kind) =>
        from row in result.Json.GetProperty("rows").EnumerateArray()
        where row.GetProperty("result").GetString() == kind
        select $"{row.GetProperty("key")}: {row.GetProperty("reason")}";

    private Task<CliResult> ImportAsync(string prefix, string[] arguments, string? database = null) =>
        postgres.RunAsync([
            "import-adonet", "--json", "--from", database ?? source.Database, "--key-prefix", prefix, .. arguments]);

    private Task<InProcessTestCluster> StartSiloAsync(string prefix) => AdoNetSource.StartSiloAsync(silo =>
        silo.AddCasPaxosGrainStorageAsDefault(options =>
        {
            options.KeyPrefix = prefix;
            foreach (var database in postgres.Cluster.ConnectionStrings)
            {
                options.ConnectionStrings.Add(database);
            }
        }));
}
