using static CasPaxos.Registers.Tests.RegisterClientTests;

namespace CasPaxos.Registers.Tests;

/// <summary>The cost model of the design (§7), in requests and batches; a batch of writes is one commit.</summary>
public sealed class CostTests
{
    private static readonly RegisterKey Key = new("a register");

    [Fact]
    public async Task The_first_change_of_a_proposer_takes_two_rounds_and_the_next_one()
    {
        var cluster = new Cluster();
        var client = cluster.Client();

        await client.PutAsync(Key, Bytes("one"));
        var cold = await SettledAsync(cluster, 6);
        await client.PutAsync(Key, Bytes("two"));
        var warm = await SettledAsync(cluster, 3);

        Assert.Equal(6, cold.Requests);
        Assert.InRange(cold.Writes, 4, 6); // Fewer than 6 where the slowest acceptor got prepare and accept together.
        Assert.Equal((3, 3, 3), warm);
    }

    [Fact]
    public async Task A_second_proposer_outbids_the_first_at_once()
    {
        var cluster = new Cluster();
        await cluster.Client().PutAsync(Key, Bytes("one"));
        await SettledAsync(cluster, 6);

        await cluster.Client().PutAsync(Key, Bytes("two"));

        Assert.Equal(6, (await SettledAsync(cluster, 6)).Requests);
    }

    [Fact]
    public async Task An_agreed_read_takes_one_round_and_no_write()
    {
        var cluster = new Cluster();
        await cluster.Client().PutAsync(Key, Bytes("one"));
        await SettledAsync(cluster, 6);

        await cluster.Client().GetAsync(Key);

        Assert.Equal((3, 3, 0), await SettledAsync(cluster, 3));
    }

    [Fact]
    public async Task Changes_that_wait_at_one_register_share_one_round()
    {
        var cluster = new Cluster();
        var client = cluster.Client();
        await client.IncrementAsync(Key);
        await SettledAsync(cluster, 6);
        var releases = Array.ConvertAll(cluster.Acceptors, acceptor => acceptor.Hold());

        var first = client.IncrementAsync(Key);
        var others = Enumerable.Range(0, 64).Select(_ => client.IncrementAsync(Key)).ToArray();
        Array.ForEach(releases, release => release());
        await Task.WhenAll([first, .. others]);

        Assert.Equal(6, (await SettledAsync(cluster, 6)).Requests); // One round for the first, one for all the others.
        Assert.Equal("66", Text(await client.GetAsync(Key)));
    }

    [Fact]
    public async Task Changes_of_many_registers_share_batches()
    {
        var cluster = new Cluster();
        var client = cluster.Client();
        var keys = Enumerable.Range(0, 65).Select(i => new RegisterKey($"r{i}")).ToArray();
        await Task.WhenAll(keys.Select(key => client.IncrementAsync(key)));
        await SettledAsync(cluster, 6 * 65);
        var releases = Array.ConvertAll(cluster.Acceptors, acceptor => acceptor.Hold());

        var first = client.IncrementAsync(keys[0]);
        while (cluster.Acceptors.Any(acceptor => acceptor.Batches == 0))
        {
            await Task.Yield(); // Until the batch of the first is under way at each acceptor.
        }

        var others = keys[1..].Select(key => client.IncrementAsync(key)).ToArray();
        Array.ForEach(releases, release => release());
        await Task.WhenAll([first, .. others]);

        // Beside the first change's batch, one batch an acceptor for the 64 changes of 64 registers.
        Assert.Equal((65 * 3, 6, 6), await SettledAsync(cluster, 3 * 65));
    }

    /// <summary>
    /// Requests, batches and batches that write, since the last time; once so many requests have arrived.
    /// </summary>
    private static async Task<(int Requests, int Batches, int Writes)> SettledAsync(Cluster cluster, int requests)
    {
        await cluster.CalledAsync(requests);
        var sum = (
            cluster.Acceptors.Sum(acceptor => acceptor.Calls),
            cluster.Acceptors.Sum(acceptor => acceptor.Batches),
            cluster.Acceptors.Sum(acceptor => acceptor.WriteBatches));
        Array.ForEach(cluster.Acceptors, acceptor => acceptor.Reset());
        return sum;
    }
}
