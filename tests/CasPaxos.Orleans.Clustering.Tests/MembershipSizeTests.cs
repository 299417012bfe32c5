using System.Diagnostics;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using CasPaxos.Registers;
using CasPaxos.Testing;
using Orleans.Configuration;
using Xunit.Abstractions;

namespace CasPaxos.Orleans.Clustering.Tests;

/// <summary>What a table costs, and what is done about one that cannot be.</summary>
[Collection(DatabasesCollection.Name)]
public sealed class MembershipSizeTests(RegisterDatabases databases, ITestOutputHelper output)
{
    private PostgresTestCluster Postgres => databases.Postgres;

    [SkippableFact]
    public async Task A_table_of_500_silos_stays_far_below_the_limit_of_a_value()
    {
        RegisterDatabases.Need();
        const int Silos = 500;
        var name = Make.Name();
        var statements = new Statements();
        await using var table = Make.Table(Postgres, name, wrap: statements.Wrap);
        var version = (await table.ReadAll()).Version;
        var clock = Stopwatch.StartNew();
        for (var i = 0; i < Silos; i++)
        {
            var silo = Make.Silo(SiloStatus.Active);
            silo.SiloAddress = SiloAddress.New(
                new IPAddress([10, 1, (byte)(i / 250), (byte)(i % 250)]), 11_111, Random.Shared.Next());
            silo.HostName = $"node-{RandomNumberGenerator.GetHexString(10)}.pool.example";
            silo.SiloName = $"Silo_{RandomNumberGenerator.GetHexString(5)}";
            Assert.True(await table.InsertRow(silo, version.Next()));
            version = (await table.ReadRow(silo.SiloAddress)).Version;
        }

        var inserted = clock.Elapsed / Silos;
        var all = await table.ReadAll();
        await Task.WhenAll(all.Members.Select(member => table.UpdateIAmAlive(member.Item1)));
        var read = await TimeAsync(10, table.ReadAll);
        var update = await TimeAsync(20, async () =>
        {
            var now = await table.ReadRow(all.Members[7].Item1.SiloAddress);
            Assert.True(await table.UpdateRow(now.Members[0].Item1, now.Members[0].Item2, now.Version.Next()));
        });
        var alive = await TimeAsync(20, () => table.UpdateIAmAlive(all.Members[7].Item1));
        var stored = await ReadAsync(name);
        var last = await table.ReadAll();
        var (entry, etag) = last.Members[9];
        output.WriteLine(
            $"Statements to three databases: all {await statements.CountAsync(table.ReadAll)}, update " +
            $"{await statements.CountAsync(() => table.UpdateRow(entry, etag, last.Version.Next()))}, sign of life " +
            $"{await statements.CountAsync(() => table.UpdateIAmAlive(entry))}.");
        output.WriteLine(
            $"insert and read of the row {inserted.TotalMilliseconds:N1} ms, all {read.TotalMilliseconds:N1} ms, " +
            $"update and read of the row {update.TotalMilliseconds:N1} ms, sign of life " +
            $"{alive.TotalMilliseconds:N1} ms, {stored.Length} bytes.");

        Assert.Equal(Silos, all.Members.Count);
        Assert.InRange(stored.Length, 1, 96 * 1024);
    }

    [SkippableFact]
    public async Task A_change_is_one_commit_a_database_a_sign_of_life_too_and_reading_all_is_two_round_trips()
    {
        RegisterDatabases.Need();
        var statements = new Statements();
        await using var table = Make.Table(Postgres, Make.Name(), wrap: statements.Wrap);
        var silos = new[] { Make.Silo(SiloStatus.Active), Make.Silo(SiloStatus.Dead) };
        foreach (var each in silos)
        {
            Assert.True(await table.InsertRow(each, (await table.ReadAll()).Version.Next()));
            await table.UpdateIAmAlive(each);
        }

        var seen = await table.ReadAll();
        var (silo, etag) = seen.TryGet(silos[0].SiloAddress)!;

        Statements.AssertRounds(await statements.CountAsync(table.ReadAll), reads: 2, writes: 0, registers: 2);
        Statements.AssertRounds(
            await statements.CountAsync(() => table.UpdateRow(silo, etag, seen.Version.Next())),
            reads: 0,
            writes: 1,
            registers: 1);
        Statements.AssertRounds(
            await statements.CountAsync(() => table.UpdateIAmAlive(silo)), reads: 0, writes: 1, registers: 1);
    }

    [SkippableFact]
    public async Task A_small_table_can_be_read_by_people()
    {
        RegisterDatabases.Need();
        var name = Make.Name();
        await using var table = Make.Table(Postgres, name);
        Assert.True(await table.InsertRow(Make.Silo(SiloStatus.Active), (await table.ReadAll()).Version.Next()));

        var text = Encoding.UTF8.GetString((await ReadAsync(name)).Span);

        Assert.StartsWith("{\"format\":1,\"version\":1,\"rows\":[{\"silo\":\"10.1.2.3:11111@", text);
        Assert.Contains("\"status\":\"Active\"", text);
    }

    [SkippableTheory]
    [InlineData("{\"format\":2,\"rows\":{}}", "format 2")]
    [InlineData("{}", "no membership table")]
    [InlineData("hello", "no membership table")]
    public async Task A_table_of_another_format_is_neither_read_nor_changed(string text, string reason)
    {
        RegisterDatabases.Need();
        var name = Make.Name();
        await using var table = Make.Table(Postgres, name);
        var client = new RegisterClient(Postgres.Cluster.Configuration, Postgres.Cluster.Acceptors);
        var key = Keys(name).Table;
        var put = (Outcome.Applied)await client.PutAsync(key, Encoding.UTF8.GetBytes(text));

        var read = await Assert.ThrowsAsync<InvalidDataException>(table.ReadAll);
        await Assert.ThrowsAsync<InvalidDataException>(
            () => table.InsertRow(Make.Silo(), new TableVersion(1, put.ETag.ToString())));

        Assert.Contains(reason, read.Message, StringComparison.Ordinal);
        Assert.Equal(text, Encoding.UTF8.GetString((await ReadAsync(name)).Span));
    }

    [SkippableFact]
    public async Task A_table_that_no_value_holds_is_refused_with_what_helps()
    {
        RegisterDatabases.Need();
        await using var table = Make.Table(Postgres, Make.Name());
        var silo = Make.Silo();
        silo.HostName = RandomNumberGenerator.GetHexString(3_000_000);
        var version = (await table.ReadAll()).Version;

        var failure = await Assert.ThrowsAsync<OrleansException>(() => table.InsertRow(silo, version.Next()));

        Assert.Contains(nameof(ClusterMembershipOptions.DefunctSiloExpiration), failure.Message);
        Assert.Empty((await table.ReadAll()).Members);
    }

    private static MembershipKeys Keys(string cluster) => new("a service", cluster);

    private async Task<ReadOnlyMemory<byte>> ReadAsync(string cluster)
    {
        var client = new RegisterClient(Postgres.Cluster.Configuration, Postgres.Cluster.Acceptors);
        return ((Outcome.Applied)await client.GetAsync(Keys(cluster).Table)).Current.Payload;
    }

    private static async Task<TimeSpan> TimeAsync(int times, Func<Task> work)
    {
        var clock = Stopwatch.StartNew();
        for (var i = 0; i < times; i++)
        {
            await work();
        }

        return clock.Elapsed / times;
    }
}
