using CasPaxos.Registers;
using CasPaxos.Testing;

namespace CasPaxos.Orleans.Clustering.Tests;

/// <summary>The contract with every server up.</summary>
[Collection(DatabasesCollection.Name)]
public sealed class MembershipContractTests(RegisterDatabases databases) : MembershipContract(databases);

/// <summary>The contract with one of three servers gone for good.</summary>
public sealed class MembershipContractWithoutAServerTests(DegradedDatabases databases)
    : MembershipContract(databases), IClassFixture<DegradedDatabases>;

/// <summary>What Orleans asks of a membership table, sentence by sentence.</summary>
public abstract class MembershipContract(RegisterDatabases databases)
{
    private PostgresTestCluster Postgres => databases.Postgres;

    [SkippableFact]
    public async Task A_cluster_that_nobody_has_joined_is_empty_and_has_a_version()
    {
        RegisterDatabases.Need();
        await using var table = Make.Table(Postgres, Make.Name());
        await table.InitializeMembershipTable(true);

        var all = await table.ReadAll();
        var row = await table.ReadRow(Make.Silo().SiloAddress);

        Assert.Empty(all.Members);
        Assert.Empty(row.Members);
        Assert.Equal(0, all.Version.Version);
        Assert.NotNull(all.Version.VersionEtag);
    }

    [SkippableFact]
    public async Task A_silo_is_read_back_as_it_was_inserted_by_another()
    {
        RegisterDatabases.Need();
        var cluster = Make.Name();
        await using var writer = Make.Table(Postgres, cluster);
        await using var reader = Make.Table(Postgres, cluster);
        var silo = Make.Silo(SiloStatus.Active);
        silo.AddSuspector(Make.Silo().SiloAddress, DateTime.UtcNow);
        silo.AddSuspector(Make.Silo().SiloAddress, DateTime.UtcNow.AddSeconds(1));

        var inserted = await writer.InsertRow(silo, (await writer.ReadAll()).Version.Next());
        var all = await reader.ReadAll();
        var row = await reader.ReadRow(silo.SiloAddress);

        Assert.True(inserted);
        Assert.Equal(1, all.Version.Version);
        Assert.All([all, row], read =>
        {
            var (entry, etag) = Assert.Single(read.Members);
            Assert.Equal(silo.ToFullString(), entry.ToFullString());
            Assert.Equal(
                (silo.StartTime, silo.IAmAliveTime, DateTimeKind.Utc),
                (entry.StartTime, entry.IAmAliveTime, entry.StartTime.Kind));
            Assert.Equal(silo.SuspectTimes, entry.SuspectTimes);
            Assert.NotNull(etag);
        });
        Assert.Equal(all.Version, row.Version);
    }

    [SkippableFact]
    public async Task An_insert_is_refused_for_a_known_silo_and_for_a_version_that_is_gone()
    {
        RegisterDatabases.Need();
        await using var table = Make.Table(Postgres, Make.Name());
        var silo = Make.Silo();
        var first = (await table.ReadAll()).Version.Next();
        Assert.True(await table.InsertRow(silo, first));

        var again = await table.InsertRow(silo, first);
        var stale = await table.InsertRow(Make.Silo(), first);
        var known = await table.InsertRow(silo, (await table.ReadAll()).Version.Next());
        var nonsense = await table.InsertRow(Make.Silo(), new TableVersion(2, "nonsense"));
        var all = await table.ReadAll();

        Assert.Equal((false, false, false, false), (again, stale, known, nonsense));
        Assert.Single(all.Members);
        Assert.Equal(1, all.Version.Version);
    }

    [SkippableFact]
    public async Task An_update_needs_the_rows_ETag_and_the_tables()
    {
        RegisterDatabases.Need();
        await using var table = Make.Table(Postgres, Make.Name());
        var (silo, other) = (Make.Silo(), Make.Silo());
        Assert.True(await table.InsertRow(silo, (await table.ReadAll()).Version.Next()));
        var before = await table.ReadAll();
        var etag = before.TryGet(silo.SiloAddress)!.Item2;
        Assert.True(await table.InsertRow(other, before.Version.Next()));
        var now = await table.ReadAll();
        silo.Status = SiloStatus.Active;

        var staleTable = await table.UpdateRow(silo, etag, before.Version.Next());
        var wrongRow = await table.UpdateRow(silo, now.TryGet(other.SiloAddress)!.Item2, now.Version.Next());
        var unknown = await table.UpdateRow(Make.Silo(), etag, now.Version.Next());
        var untouched = await table.ReadAll();
        var right = await table.UpdateRow(silo, etag, now.Version.Next());
        var twice = await table.UpdateRow(silo, etag, now.Version.Next());
        var after = await table.ReadAll();
        var staleRow = await table.UpdateRow(silo, etag, after.Version.Next());

        Assert.Equal((false, false, false), (staleTable, wrongRow, unknown));
        Assert.Equal(now.Version, untouched.Version);
        Assert.Equal((true, false, false), (right, twice, staleRow));
        Assert.Equal((3, 2), (after.Version.Version, after.Members.Count));
        Assert.NotEqual(now.Version.VersionEtag, after.Version.VersionEtag);
        Assert.NotEqual(etag, after.TryGet(silo.SiloAddress)!.Item2);
        Assert.Equal(SiloStatus.Active, after.TryGet(silo.SiloAddress)!.Item1.Status);
        Assert.Equal(now.TryGet(other.SiloAddress)!.Item2, after.TryGet(other.SiloAddress)!.Item2);
    }

    [SkippableFact]
    public async Task A_sign_of_life_is_seen_and_leaves_every_ETag_and_the_version()
    {
        RegisterDatabases.Need();
        var cluster = Make.Name();
        await using var table = Make.Table(Postgres, cluster);
        await using var another = Make.Table(Postgres, cluster);
        var silo = Make.Silo(SiloStatus.Active);
        Assert.True(await table.InsertRow(silo, (await table.ReadAll()).Version.Next()));
        var before = await table.ReadAll();
        var alive = DateTime.UtcNow.AddSeconds(5);

        await another.UpdateIAmAlive(new MembershipEntry { SiloAddress = silo.SiloAddress, IAmAliveTime = alive });
        var all = await table.ReadAll();
        var row = await table.ReadRow(silo.SiloAddress);
        silo.Status = SiloStatus.ShuttingDown;
        var updated = await table.UpdateRow(silo, before.Members[0].Item2, before.Version.Next());
        var after = await table.ReadRow(silo.SiloAddress);

        Assert.Equal(before.Version, all.Version);
        Assert.All([all, row, after], read => Assert.Equal(alive, read.Members[0].Item1.IAmAliveTime));
        Assert.Equal(before.Members[0].Item2, all.Members[0].Item2);
        Assert.True(updated);
    }

    [SkippableFact]
    public async Task Dead_silos_are_removed_by_their_last_sign_and_all_others_never()
    {
        RegisterDatabases.Need();
        await using var table = Make.Table(Postgres, Make.Name());
        var old = TimeSpan.FromDays(10);
        var others = Enum.GetValues<SiloStatus>().Where(status => status != SiloStatus.Dead)
            .Select(status => Make.Silo(status, old)).ToList();
        var (gone, suspected, heard) =
            (Make.Silo(SiloStatus.Dead, old), Make.Silo(SiloStatus.Dead, old), Make.Silo(SiloStatus.Dead, old));
        suspected.AddSuspector(others[0].SiloAddress, DateTime.UtcNow);
        var young = Make.Silo(SiloStatus.Dead);
        MembershipEntry[] kept = [.. others, suspected, heard, young];
        foreach (var silo in (MembershipEntry[])[.. kept, gone])
        {
            Assert.True(await table.InsertRow(silo, (await table.ReadAll()).Version.Next()));
        }

        foreach (var silo in (MembershipEntry[])[heard, gone, Make.Silo()])
        {
            var alive = silo == heard ? DateTime.UtcNow : silo.IAmAliveTime;
            await table.UpdateIAmAlive(
                new MembershipEntry { SiloAddress = silo.SiloAddress, IAmAliveTime = alive });
        }

        var before = await table.ReadAll();
        await table.CleanupDefunctSiloEntries(DateTimeOffset.UtcNow.AddDays(-3));
        var after = await table.ReadAll();

        Assert.Equal(
            kept.Select(silo => silo.SiloAddress).ToHashSet(),
            after.Members.Select(member => member.Item1.SiloAddress).ToHashSet());
        Assert.Equal(before.Version.Version, after.Version.Version);
        Assert.True(await table.InsertRow(Make.Silo(), after.Version.Next()));
        Assert.False(await table.InsertRow(Make.Silo(), before.Version.Next()));
        Assert.Equal(1, await CountAliveAsync(heard.SiloAddress));
        Assert.Equal(0, await CountAliveAsync(gone.SiloAddress));
    }

    [SkippableFact]
    public async Task A_cluster_is_deleted_with_its_signs_of_life_and_others_stay()
    {
        RegisterDatabases.Need();
        var name = Make.Name();
        await using var table = Make.Table(Postgres, name);
        await using var sibling = Make.Table(Postgres, $"{name}/alive");
        await using var elsewhere = Make.Table(Postgres, name, service: "another service");
        var silo = Make.Silo(SiloStatus.Active);
        foreach (var each in (CasPaxosMembershipTable[])[table, sibling, elsewhere])
        {
            Assert.True(await each.InsertRow(silo, (await each.ReadAll()).Version.Next()));
            await each.UpdateIAmAlive(silo);
        }

        var before = await table.ReadAll();
        await table.DeleteMembershipTableEntries(name);

        Assert.Empty((await table.ReadAll()).Members);
        Assert.False(await table.UpdateRow(silo, before.Members[0].Item2, before.Version.Next()));
        Assert.Single((await sibling.ReadAll()).Members);
        Assert.Single((await elsewhere.ReadAll()).Members);
        Assert.Equal(2, await CountAliveAsync(silo.SiloAddress));
    }

    [SkippableFact]
    public async Task A_version_that_does_not_rise_is_a_mistake_of_the_caller()
    {
        RegisterDatabases.Need();
        await using var table = Make.Table(Postgres, Make.Name());
        var version = (await table.ReadAll()).Version;

        await Assert.ThrowsAsync<ArgumentException>(() => table.InsertRow(Make.Silo(), version));
    }

    /// <summary>How many clusters of the databases have a sign of life of a silo.</summary>
    private async Task<int> CountAliveAsync(SiloAddress silo)
    {
        var client = new RegisterClient(Postgres.Cluster.Configuration, Postgres.Cluster.Acceptors);
        var page = await client.ListAsync("membership/", limit: RegisterPage.Max);
        return page.Registers.Count(register =>
            register.Key.Text.EndsWith($"/alive/{silo.ToParsableString()}", StringComparison.Ordinal));
    }
}
