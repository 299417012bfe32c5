using System.Diagnostics;
using System.IO.Compression;
using System.Text;
using System.Text.Json.Nodes;
using CasPaxos.Orleans.Testing;
using CasPaxos.Registers;
using Orleans.Configuration;

namespace CasPaxos.Orleans.Clustering.Tests;

/// <summary>A table that no silo has written is refused and left, and no silo dies of it (rule 25).</summary>
public sealed class MembershipSenseTests
{
    private const string A = "10.0.0.1:11111@1";
    private const string B = "10.0.0.2:11111@1";

    private static readonly RegisterKey Key = new("membership/s/c");

    [Theory]
    [InlineData("""{"format":1,"version":1}""", "no rows")]
    [InlineData("""{"format":1,"version":1,"rows":null}""", "no membership table")]
    [InlineData("""{"format":1,"version":-1,"rows":[]}""", "version -1")]
    [InlineData("""{"format":1,"version":1,"rows":[{"silo":"me","writtenAt":1}]}""", "'me': this is no address")]
    [InlineData("""{"format":1,"version":1,"rows":[{"silo":null,"writtenAt":1}]}""", "no address")]
    [InlineData("""{"format":1,"version":1,"rows":[{"silo":"10.0.0.1:99999@1","writtenAt":1}]}""", "no address")]
    [InlineData("""{"format":1,"version":1,"rows":[{"silo":"10.0.0.1:11111@x","writtenAt":1}]}""", "no address")]
    [InlineData("""{"format":1,"version":1,"rows":[{"silo":"@","writtenAt":1}]}""", "no address")]
    [InlineData("""{"format":1,"version":1,"rows":[null]}""", "no row")]
    [InlineData("""{"format":1,"version":1,"rows":[{"silo":"10.0.0.1:11111@1","writtenAt":2}]}""", "version 2, and")]
    [InlineData("""{"format":1,"version":1,"rows":[{"silo":"10.0.0.1:11111@1","writtenAt":-2}]}""", "version -2")]
    [InlineData(
        """{"format":1,"version":1,"rows":[{"silo":"10.0.0.1:11111@1","writtenAt":1,"proxyPort":65536}]}""", "no port")]
    [InlineData(
        """{"format":1,"version":1,"rows":[{"silo":"10.0.0.1:11111@1","writtenAt":1,"status":77}]}""", "status")]
    [InlineData(
        """
        {"format":1,"version":2,
          "rows":[{"silo":"10.0.0.1:11111@1","writtenAt":1},{"silo":"10.0.0.1:11111@1","writtenAt":2}]}
        """,
        "two rows")]
    [InlineData(
        """{"format":1,"version":1,"rows":[{"silo":"10.0.0.1:11111@1","writtenAt":1,"suspicions":[{"by":"?"}]}]}""",
        "suspects it")]
    [InlineData(
        """{"format":1,"version":1,"rows":[{"silo":"10.0.0.1:11111@1","writtenAt":1,"suspicions":[null]}]}""",
        "suspects it")]
    public void A_table_that_makes_no_sense_in_itself_is_refused_with_what_is_wrong(string json, string problem)
    {
        var refused = Assert.Throws<InvalidDataException>(() => Decode(Encoding.UTF8.GetBytes(json)));

        Assert.Contains(Key.Text, refused.Message, StringComparison.Ordinal);
        Assert.Contains(problem, refused.Message, StringComparison.Ordinal);
    }

    /// <summary>A kilobyte that unpacks to a gigabyte: no more of it is unpacked than a table may have.</summary>
    [Fact]
    public void A_packed_bomb_is_refused_before_it_is_unpacked()
    {
        var bomb = Bomb();
        Assert.True(bomb.Length < 16 * 1024, $"{bomb.Length}");
        var before = GC.GetAllocatedBytesForCurrentThread();

        var refused = Assert.Throws<InvalidDataException>(() => Decode(bomb));

        Assert.Contains($"{MembershipRecord.JsonBytesMax}", refused.Message, StringComparison.Ordinal);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 8L * MembershipRecord.JsonBytesMax);
    }

    [Fact]
    public void What_is_packed_and_no_packed_table_is_refused() => Assert.Throws<InvalidDataException>(
        () => Decode([1, 255, 255, 255, 255]));

    [Fact]
    public void A_table_too_large_to_be_read_is_not_written()
    {
        var name = new string('n', 1024);
        var rows = Enumerable.Range(1, 20_000).Select(generation => new MembershipRow
        {
            Silo = $"10.0.0.1:11111@{generation}",
            WrittenAt = 1,
            SiloName = name,
        });
        var table = new MembershipRecord(MembershipRecord.FormatNow, 1, [.. rows]);

        var refused = Assert.Throws<OrleansException>(table.Encode);

        Assert.Contains(nameof(ClusterMembershipOptions.DefunctSiloExpiration), refused.Message);
    }

    [Fact]
    public void A_version_that_is_lower_than_before_is_refused()
    {
        var seen = Table(5, (A, SiloStatus.Active));

        Assert.NotNull(Table(4, (A, SiloStatus.Active)).FindProblemAfter(seen, self: null));
        Assert.NotNull(MembershipRecord.Empty.FindProblemAfter(seen, self: null));
        Assert.Null(seen.FindProblemAfter(seen, self: null));
    }

    [Fact]
    public void A_dead_silo_stays_dead()
    {
        var seen = Table(5, (A, SiloStatus.Dead), (B, SiloStatus.Active));

        Assert.NotNull(Table(6, (A, SiloStatus.Active), (B, SiloStatus.Active)).FindProblemAfter(seen, self: null));
        Assert.Null(Table(6, (B, SiloStatus.Dead)).FindProblemAfter(seen, self: null));
    }

    [Fact]
    public void Who_lives_does_not_believe_that_all_are_dead_unless_it_has_written_that()
    {
        var seen = Table(5, (A, SiloStatus.Active), (B, SiloStatus.Active));
        var (self, allDead) = (SiloAddress.FromParsableString(A), Table(6, (A, SiloStatus.Dead), (B, SiloStatus.Dead)));

        Assert.NotNull(allDead.FindProblemAfter(seen, self));
        Assert.NotNull(Table(6).FindProblemAfter(seen, self));
        Assert.Null(allDead.FindProblemAfter(seen, self: null));
        Assert.Null(Table(6, (A, SiloStatus.Dead), (B, SiloStatus.Active)).FindProblemAfter(seen, self));
        Assert.Null(allDead.FindProblemAfter(MembershipRecord.Empty, self)); // It only joins.
    }

    [SkippableFact]
    public async Task A_sign_of_life_that_is_no_time_does_not_hide_the_table()
    {
        RegisterDatabases.Need();
        await using var postgres = await RegisterDatabases.StartAsync();
        var name = Make.Name();
        await using var table = Make.Table(postgres, name);
        var silo = Make.Silo(SiloStatus.Active);
        Assert.True(await table.InsertRow(silo, (await table.ReadAll()).Version.Next()));
        var client = new RegisterClient(postgres.Cluster.Configuration, postgres.Cluster.Acceptors);
        await client.PutAsync(new MembershipKeys("a service", name).AliveOf(silo.SiloAddress), "soon"u8.ToArray());

        var (read, _) = Assert.Single((await table.ReadAll()).Members);

        Assert.Equal(silo.IAmAliveTime, read.IAmAliveTime);
    }

    [SkippableFact]
    public async Task Silos_outlive_tables_that_make_no_sense_and_go_on_with_the_next_one_that_does()
    {
        RegisterDatabases.Need();
        await using var postgres = await RegisterDatabases.StartAsync();
        await using var silos = await RegisterDatabases.StartSilosAsync(postgres);
        var databases = new RegisterClient(postgres.Cluster.Configuration, postgres.Cluster.Acceptors);
        var key = new MembershipKeys(SiloProcessCluster.ClusterId, SiloProcessCluster.ClusterId).Table;
        var good = Assert.IsType<Outcome.Applied>(await databases.GetAsync(key)).Current.Payload.ToArray();

        await databases.PutAsync(key, Next(good, allDead: true));
        await silos.Silos[2].KillAsync(); // The others want to say so in the table, and read it.
        await LoggedAsync("all silos are dead in it");
        await databases.PutAsync(key, Bomb());
        await LoggedAsync($"over {MembershipRecord.JsonBytesMax} bytes");
        var largest = silos.Silos.Take(2)
            .Max(silo => Process.GetProcessById(silo.Id!.Value).PeakWorkingSet64);

        await databases.PutAsync(key, Next(good, allDead: false));
        silos.Silos[2].Start();
        await silos.Silos[2].WaitUntilReadyAsync();

        Assert.All(silos.Silos, silo => Assert.NotNull(silo.Id));
        Assert.InRange(largest, 0, 1L << 30); // Each bomb is a gigabyte, and they have read more than one.

        async Task LoggedAsync(string text)
        {
            using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(3));
            while (!silos.Silos.Take(2).All(silo => silo.ReadLog().Contains(text, StringComparison.Ordinal)))
            {
                Assert.All(silos.Silos.Take(2), silo => Assert.True(silo.Id is not null, silo.ReadLog()));
                await Task.Delay(200, limit.Token);
            }
        }
    }

    /// <summary>The table of a later version; where all are dead, as an attacker would have them.</summary>
    private static byte[] Next(byte[] table, bool allDead)
    {
        var json = JsonNode.Parse(table)!;
        json["version"] = json["version"]!.GetValue<int>() + 10;
        foreach (var row in allDead ? json["rows"]!.AsArray() : [])
        {
            row!["status"] = nameof(SiloStatus.Dead);
        }

        return Encoding.UTF8.GetBytes(json.ToJsonString());
    }

    private static byte[] Bomb()
    {
        using var bytes = new MemoryStream();
        bytes.WriteByte(1);
        using (var brotli = new BrotliStream(bytes, CompressionLevel.Optimal, leaveOpen: true))
        {
            var piece = new byte[1 << 20];
            for (var i = 0; i < 1024; i++)
            {
                brotli.Write(piece);
            }
        }

        return bytes.ToArray();
    }

    private static MembershipRecord Decode(byte[] payload) =>
        MembershipRecord.Decode(Key, new Snapshot(new ETag(Guid.NewGuid(), 1), payload));

    private static MembershipRecord Table(int version, params (string Silo, SiloStatus Status)[] rows) => new(
        MembershipRecord.FormatNow,
        version,
        [.. rows.Select(row => new MembershipRow { Silo = row.Silo, Status = row.Status, WrittenAt = 1 })]);
}
