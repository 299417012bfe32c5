using System.Diagnostics;
using System.Globalization;
using System.Text;
using CasPaxos.Checker;
using CasPaxos.Registers;
using CasPaxos.Testing;
using CasPaxos.Testing.Load;

namespace CasPaxos.Cluster.Tests;

/// <summary>Registers over three real servers.</summary>
public sealed class ClusterTests(ClusterFixture fixture) : IClassFixture<ClusterFixture>
{
    [SkippableFact] // Case 64, trap T-O2
    public async Task Of_two_first_writers_exactly_one_wins_a_hundred_times()
    {
        await using var clients = await TestClients.OpenAsync(fixture.Cluster, 2);
        for (var race = 0; race < 100; race++)
        {
            var key = new RegisterKey(string.Create(CultureInfo.InvariantCulture, $"race/{race}"));

            var outcomes = await Task.WhenAll(
                clients.Recorded.Select((client, i) => client.CreateAsync(key, Bytes($"{i}"))));

            var winner = Assert.Single(outcomes, outcome => outcome is Outcome.Applied);
            var loser = Assert.IsType<Outcome.Refused>(Assert.Single(outcomes, outcome => outcome != winner));
            Assert.Equal(((Outcome.Applied)winner).ETag, loser.Current.ETag);
        }

        clients.AssertLinearizable();
    }

    [SkippableFact]
    public async Task Values_of_every_size_up_to_the_limit_come_back_as_they_were()
    {
        await using var clients = await TestClients.OpenAsync(fixture.Cluster, 2);
        foreach (var size in (int[])[0, 1, 127, 128, 8000, 9000, 100_000, ChangeCatalog.PayloadBytesDefault])
        {
            var key = new RegisterKey(string.Create(CultureInfo.InvariantCulture, $"size/{size}"));
            var value = new byte[size];
            new Random(size).NextBytes(value);

            await clients.Recorded[0].PutAsync(key, value);
            var read = Assert.IsType<Outcome.Applied>(await clients.Recorded[1].GetAsync(key));

            Assert.True(read.Current.Exists);
            Assert.Equal(value, read.Current.Payload.ToArray());
        }

        clients.AssertLinearizable();
    }

    [SkippableFact]
    public async Task Listing_erasing_and_writing_again_work_on_servers()
    {
        await using var clients = await TestClients.OpenAsync(fixture.Cluster, 1);
        var client = clients.Recorded[0];
        string[] names = ["list/a", "list/\u00e4", "list/\uFFFD", "list/\U0001F600", "list/\0zero", "lisu"];
        foreach (var name in names)
        {
            await client.PutAsync(new RegisterKey(name), Bytes(name));
        }

        await client.DeleteAsync(new RegisterKey("list/a"));

        var counts = await clients.Clients[0].EraseDeletedAsync("list/", TimeSpan.Zero);
        var listed = new List<string>();
        await foreach (var register in client.ListAllAsync("list/"))
        {
            listed.Add(register.Key.Text);
        }

        var again = await client.CreateAsync(new RegisterKey("list/a"), Bytes("again"));
        Assert.Equal(new ErasureCounts(1, 0, 0), counts);
        Assert.Equal(["list/\0zero", "list/\u00e4", "list/\uFFFD", "list/\U0001F600"], listed);
        Assert.Equal(3, Assert.IsType<Outcome.Applied>(again).ETag.Version); // Versions go on after an erase.
        clients.AssertLinearizable();
    }

    [SkippableFact]
    public async Task With_a_majority_down_operations_end_as_unavailable_in_time_and_nothing_is_applied_later()
    {
        Skip.If(PostgresBinaries.SkipReason is not null, PostgresBinaries.SkipReason);
        await using var cluster = await PostgresTestCluster.StartAsync();
        var timeout = TimeSpan.FromSeconds(2);
        var options = new RegisterClientOptions { Timeout = timeout };
        await using var clients = await TestClients.OpenAsync(cluster, 1, options);
        var known = new RegisterKey("known");
        await clients.Recorded[0].PutAsync(known, Bytes("before"));
        await Task.WhenAll(cluster.Servers[0].KillAsync(), cluster.Servers[1].KillAsync());

        await using var stalls = new MachineStalls();
        var clock = Stopwatch.StartNew();
        var outcomes = await Task.WhenAll(
            Enumerable.Range(0, 20).Select(i => clients.Recorded[0].PutAsync(new RegisterKey($"new/{i}"), Bytes("x"))));
        var elapsed = clock.Elapsed;
        var read = await clients.Recorded[0].GetAsync(known);
        await Task.WhenAll(cluster.Servers[0].RestartAsync(), cluster.Servers[1].RestartAsync());
        await Task.Delay(1500);
        await using var later = await TestClients.OpenAsync(cluster, 1, history: clients.History);

        Assert.All(outcomes, outcome => Assert.IsType<Outcome.Unavailable>(outcome));
        Assert.InRange(elapsed, TimeSpan.Zero, timeout + TimeSpan.FromSeconds(1) + stalls.Excess);
        Assert.IsType<Outcome.Unavailable>(read);
        for (var i = 0; i < 20; i++)
        {
            var now = Assert.IsType<Outcome.Applied>(await later.Recorded[0].GetAsync(new RegisterKey($"new/{i}")));
            Assert.False(now.Current.Exists);
        }

        Assert.Equal("before", Text(await later.Recorded[0].GetAsync(known)));
        later.AssertLinearizable();
    }

    [SkippableFact]
    public async Task A_connection_lost_between_statement_and_reply_gives_the_truth_or_unknown()
    {
        await using var proxied = await ProxiedCluster.OpenAsync(fixture.Cluster);
        var history = new RecordedHistory();
        var client = history.Of(proxied.Client, "proxied");
        var key = new RegisterKey("lost replies");
        long least = 0;
        long most = 0;
        for (var i = 0; i < 20; i++)
        {
            // Two of three: the statement arrives and commits, the reply does not come back.
            proxied.Proxies[i % 3].Mode = ProxyMode.CutBeforeReply;
            proxied.Proxies[(i + 1) % 3].Mode = ProxyMode.CutBeforeReply;

            var outcome = await client.IncrementAsync(key);

            Assert.True(outcome is Outcome.Applied or Outcome.Unknown, outcome.ToString());
            least += outcome is Outcome.Applied ? 1 : 0;
            most++;
        }

        await using var clients = await TestClients.OpenAsync(fixture.Cluster, 1, history: history);
        var sum = long.Parse(Text(await clients.Recorded[0].GetAsync(key)), CultureInfo.InvariantCulture);
        Assert.True(proxied.Proxies.Sum(proxy => proxy.Cuts) >= 20, "hardly a reply was lost");
        Assert.InRange(sum, least, most); // Case 62: nothing acknowledged is lost, nothing is applied twice.
        clients.AssertLinearizable();
    }

    [SkippableFact]
    public async Task A_slow_server_slows_nobody()
    {
        await using var proxied = await ProxiedCluster.OpenAsync(fixture.Cluster);
        var history = new RecordedHistory();
        var client = history.Of(proxied.Client, "proxied");
        await client.PutAsync(new RegisterKey("slow/warm"), Bytes("x"));
        proxied.Proxies[0].Delay = TimeSpan.FromMilliseconds(400);

        var clock = Stopwatch.StartNew();
        for (var i = 0; i < 20; i++)
        {
            Assert.IsType<Outcome.Applied>(await client.PutAsync(new RegisterKey($"slow/{i}"), Bytes("x")));
            Assert.IsType<Outcome.Applied>(await client.GetAsync(new RegisterKey($"slow/{i}")));
        }

        // 60 round trips, which would take 24 seconds if they waited for the slow server.
        Assert.InRange(clock.Elapsed, TimeSpan.Zero, TimeSpan.FromSeconds(12));
        var verdict = history.Check();
        Assert.True(verdict is CheckResult.Linearizable, verdict.ToString());
    }

    [SkippableFact]
    public async Task A_wiped_server_does_not_answer_for_the_one_it_was()
    {
        Skip.If(PostgresBinaries.SkipReason is not null, PostgresBinaries.SkipReason);
        await using var cluster = await PostgresTestCluster.StartAsync();
        await using var clients = await TestClients.OpenAsync(cluster, 1);
        await clients.Recorded[0].PutAsync(new RegisterKey("a"), Bytes("x"));

        await cluster.Servers[0].ExecuteAsync("DROP SCHEMA caspaxos CASCADE");
        await cluster.Servers[1].KillAsync();
        var outcome = await clients.Recorded[0].ExecuteAsync(
            new RegisterKey("b"),
            new Operation(new OperationId(Guid.NewGuid()), new Change.Put(Bytes("y"))),
            TimeSpan.FromSeconds(1));

        // One good server and a wiped one are no quorum, although both can be reached.
        Assert.IsType<Outcome.Unavailable>(outcome);
        clients.AssertLinearizable();
    }

    private static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);

    private static string Text(Outcome outcome) =>
        Encoding.UTF8.GetString(Assert.IsType<Outcome.Applied>(outcome).Current.Payload.Span);
}
