using CasPaxos.Testing;
using Xunit.Abstractions;

namespace CasPaxos.Orleans.Clustering.Tests;

/// <summary>Silos that change one table at once, while databases die and answers are lost.</summary>
[Collection(DatabasesCollection.Name)]
public sealed class MembershipRaceTests(RegisterDatabases databases, ITestOutputHelper output)
{
    private const int Writers = 12;

    [SkippableFact]
    public async Task Of_silos_that_insert_one_row_at_one_version_exactly_one_does()
    {
        RegisterDatabases.Need();
        var cluster = Make.Name();
        var tables = Enumerable.Range(0, Writers).Select(_ => Make.Table(databases.Postgres, cluster)).ToList();
        var silo = Make.Silo();
        var seen = await Task.WhenAll(tables.Select(table => table.ReadAll())); // All at once, and all open.
        var next = seen[0].Version.Next();

        var answers = await Task.WhenAll(tables.Select(table => table.InsertRow(silo, next)));
        var all = await tables[0].ReadAll();

        Assert.Single(answers, made => made);
        Assert.Single(all.Members);
        Assert.Equal(1, all.Version.Version);
        await DisposeAsync(tables);
    }

    [SkippableFact]
    public async Task Concurrent_changes_are_each_one_version()
    {
        RegisterDatabases.Need();

        var history = await RaceAsync(databases.Postgres, () => Task.CompletedTask);

        Assert.Equal(Writers * 6, history.Made);
    }

    [SkippableFact]
    public async Task Concurrent_changes_are_each_one_version_while_a_database_dies()
    {
        RegisterDatabases.Need();
        await using var postgres = await RegisterDatabases.StartAsync();

        var history = await RaceAsync(postgres, () => postgres.Servers[1].KillAsync());

        Assert.Equal(Writers * 6, history.Made);
    }

    [SkippableFact]
    public async Task Concurrent_changes_whose_answers_are_lost_are_told_truly()
    {
        RegisterDatabases.Need();
        var losses = new Losses(0.2);

        var history = await RaceAsync(databases.Postgres, () => Task.CompletedTask, losses);

        Assert.Equal(Writers * 6, history.Made);
    }

    [SkippableFact]
    public async Task A_change_whose_answers_are_lost_for_a_while_is_made_once_and_told_as_made()
    {
        RegisterDatabases.Need();
        var losses = new Losses(1);
        await using var table = Make.Table(
            databases.Postgres, Make.Name(), wrap: losses.Wrap, timeout: TimeSpan.FromSeconds(12));
        var next = (await table.ReadAll()).Version.Next();

        // The first try takes half of the time and ends in doubt; one of the next finds what it did.
        var inserting = table.InsertRow(Make.Silo(), next);
        await Task.Delay(TimeSpan.FromSeconds(6.5));
        losses.Share = 0;

        Assert.True(await inserting);
        Assert.Equal(1, (await table.ReadAll()).Version.Version);
    }

    [SkippableFact]
    public async Task A_change_whose_answers_stay_lost_is_told_as_unknown_and_not_as_refused()
    {
        RegisterDatabases.Need();
        var cluster = Make.Name();
        var losses = new Losses(1);
        await using var table = Make.Table(
            databases.Postgres, cluster, wrap: losses.Wrap, timeout: TimeSpan.FromSeconds(0.5));
        await using var another = Make.Table(databases.Postgres, cluster);
        var silo = Make.Silo();
        var next = (await table.ReadAll()).Version.Next();

        await Assert.ThrowsAsync<RegisterGrainOutcomeUnknownException>(() => table.InsertRow(silo, next));
        await Assert.ThrowsAnyAsync<RegisterGrainException>(() => table.UpdateIAmAlive(silo));

        Assert.Single((await another.ReadAll()).Members);
    }

    private async Task<MembershipHistory> RaceAsync(
        PostgresTestCluster postgres, Func<Task> fault, Losses? losses = null)
    {
        var cluster = Make.Name();
        var tables = Enumerable.Range(0, Writers)
            .Select(_ => Make.Table(postgres, cluster, wrap: losses is null ? null : losses.Wrap)).ToList();
        var history = new MembershipHistory();

        var writing = tables.Select(table => history.WriteAsync(table, changes: 6)).ToList();
        while (history.Made < Writers)
        {
            await Task.Delay(5);
        }

        await fault();
        await Task.WhenAll(writing);
        await history.CheckAsync(tables[0]);
        output.WriteLine($"{history.Made} made, {history.Unknown} unknown.");
        await DisposeAsync(tables);
        return history;
    }

    private static async Task DisposeAsync(IEnumerable<CasPaxosMembershipTable> tables)
    {
        foreach (var table in tables)
        {
            await table.DisposeAsync();
        }
    }
}
