using System.Text;

namespace CasPaxos.Registers.Tests;

public sealed class RegisterClientTests
{
    private static readonly RegisterKey Key = new("a register");

    [Fact]
    public async Task What_was_put_is_read_by_another_client()
    {
        var cluster = new Cluster();

        var put = await cluster.Client().PutAsync(Key, Bytes("one"));
        var get = await cluster.Client().GetAsync(Key);

        var applied = Assert.IsType<Outcome.Applied>(put);
        Assert.Equal(1, applied.ETag.Version);
        Assert.Equal(applied.ETag, Assert.IsType<Outcome.Applied>(get).ETag);
        Assert.Equal("one", Text(get));
    }

    [Fact]
    public async Task A_register_never_written_reads_as_absent()
    {
        var outcome = await new Cluster().Client().GetAsync(Key);

        Assert.False(Assert.IsType<Outcome.Applied>(outcome).Current.Exists);
    }

    [Fact]
    public async Task Conditional_changes_are_refused_with_what_is_there()
    {
        var client = new Cluster().Client();
        var first = Assert.IsType<Outcome.Applied>(await client.CreateAsync(Key, Bytes("one")));
        await client.PutAsync(Key, Bytes("two"));

        var create = await client.CreateAsync(Key, Bytes("three"));
        var swap = await client.CompareAndSwapAsync(Key, first.ETag, Bytes("three"));
        var delete = await client.DeleteAsync(Key, first.ETag);

        Assert.Equal(RefusalReason.Exists, Assert.IsType<Outcome.Refused>(create).Reason);
        Assert.Equal(RefusalReason.ETagMismatch, Assert.IsType<Outcome.Refused>(swap).Reason);
        Assert.Equal(RefusalReason.ETagMismatch, Assert.IsType<Outcome.Refused>(delete).Reason);
        Assert.Equal("two", Text(swap));
    }

    [Fact]
    public async Task Increment_and_append_begin_with_nothing()
    {
        var client = new Cluster().Client();

        await client.IncrementAsync(Key, 5);
        var sum = await client.IncrementAsync(Key, -7);
        await client.AppendAsync(new RegisterKey("log"), Bytes("a"));
        var log = await client.AppendAsync(new RegisterKey("log"), Bytes("b"));

        Assert.Equal("-2", Text(sum));
        Assert.Equal("ab", Text(log));
    }

    [Fact]
    public async Task A_minority_that_is_down_or_hangs_costs_nothing()
    {
        var cluster = new Cluster(5);
        cluster.Acceptors[0].Down = true;
        var release = cluster.Acceptors[1].Hold();

        var outcome = await cluster.Client().PutAsync(Key, Bytes("one"));

        Assert.IsType<Outcome.Applied>(outcome);
        release();
    }

    [Fact]
    public async Task A_majority_down_is_unavailable_within_the_deadline_and_nothing_is_applied_later()
    {
        var cluster = new Cluster();
        var client = cluster.Client(new RegisterClientOptions { Timeout = TimeSpan.FromSeconds(1) });
        cluster.Acceptors[0].Down = cluster.Acceptors[1].Down = true;

        var outcome = await client.PutAsync(Key, Bytes("one"));
        cluster.Acceptors[0].Down = cluster.Acceptors[1].Down = false;
        await Task.Delay(300);
        var later = await cluster.Client().GetAsync(Key);

        var unavailable = Assert.IsType<Outcome.Unavailable>(outcome);
        Assert.Contains("it is down", unavailable.Reason, StringComparison.Ordinal);
        Assert.False(Assert.IsType<Outcome.Applied>(later).Current.Exists);
    }

    [Fact]
    public async Task A_change_whose_replies_are_lost_is_unknown_and_its_retry_finds_it_applied_once()
    {
        var cluster = new Cluster();
        var client = cluster.Client(new RegisterClientOptions { Timeout = TimeSpan.FromSeconds(1) });
        await client.IncrementAsync(Key);
        Array.ForEach(cluster.Acceptors, acceptor => acceptor.LosesReplies = true);

        var outcome = await client.IncrementAsync(Key, 10);
        Array.ForEach(cluster.Acceptors, acceptor => acceptor.LosesReplies = false);
        var retried = await cluster.Client().RetryAsync(
            Key, new Change.Increment(10), Assert.IsType<Outcome.Unknown>(outcome));

        var applied = Assert.IsType<Outcome.Applied>(retried);
        Assert.True(applied.Recovered);
        Assert.Equal("11", Text(retried));
    }

    // As a process finds it that was paused while it computed what is left.
    [Theory]
    [InlineData(-1)]
    [InlineData(-15)]
    [InlineData(0)]
    public async Task A_time_that_is_over_ends_the_wait_and_says_what_is_known(int milliseconds)
    {
        var cluster = new Cluster();
        Array.ForEach(cluster.Acceptors, acceptor => acceptor.Down = true);
        var operation = new Operation(new OperationId(Guid.NewGuid()), new Change.Increment(1));

        var outcome = await cluster.Client().ExecuteAsync(Key, operation, TimeSpan.FromMilliseconds(milliseconds));

        Assert.IsType<Outcome.Unavailable>(outcome);
    }

    [Fact]
    public async Task Cancelling_says_what_is_known()
    {
        var cluster = new Cluster();
        var client = cluster.Client();
        using var first = new CancellationTokenSource();
        using var second = new CancellationTokenSource();
        await client.PutAsync(Key, Bytes("one"));
        var releases = Array.ConvertAll(cluster.Acceptors, acceptor => acceptor.Hold());

        var underWay = client.PutAsync(Key, Bytes("two"), first.Token);
        var behind = client.PutAsync(Key, Bytes("three"), second.Token);
        await first.CancelAsync();
        await second.CancelAsync();

        var sent = await Assert.ThrowsAsync<RegisterCanceledException>(() => underWay);
        var waiting = await Assert.ThrowsAsync<RegisterCanceledException>(() => behind);
        Assert.IsType<Outcome.Unknown>(sent.Outcome);
        Assert.IsType<Outcome.Unavailable>(waiting.Outcome);
        Array.ForEach(releases, release => release());
        var now = await client.GetAsync(Key);
        Assert.Equal("two", Text(now));
    }

    [Fact]
    public async Task A_token_cancelled_before_sends_nothing()
    {
        var cluster = new Cluster();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => cluster.Client().PutAsync(Key, Bytes("one"), new CancellationToken(canceled: true)));

        Assert.Equal(0, cluster.Acceptors.Sum(acceptor => acceptor.Batches));
    }

    [Fact]
    public async Task Bad_input_names_the_value_and_the_limit_and_sends_nothing()
    {
        var cluster = new Cluster();
        var client = cluster.Client(catalog: new ChangeCatalog(payloadBytesMax: 8));

        var tooLarge = await Assert.ThrowsAsync<ArgumentException>(() => client.PutAsync(Key, Bytes("nine bytes")));
        var noName = await Assert.ThrowsAsync<ArgumentException>(
            () => client.ExecuteAsync(Key, new Change.Custom("double", default)));
        await Assert.ThrowsAsync<InvalidOperationException>(() => client.GetAsync(default));

        Assert.Contains("10 bytes is over the limit of 8", tooLarge.Message, StringComparison.Ordinal);
        Assert.Contains("'double'", noName.Message, StringComparison.Ordinal);
        Assert.Equal(0, cluster.Acceptors.Sum(acceptor => acceptor.Batches));
    }

    [Fact]
    public async Task A_custom_change_is_applied_by_name_and_its_exception_reaches_the_caller_once()
    {
        var changes = new Dictionary<string, ChangeFunction>
        {
            ["double"] = (current, _) => current.Exists
                ? new ChangeResult.Write((byte[])[.. current.Payload.Span, .. current.Payload.Span])
                : throw new InvalidOperationException("nothing to double"),
        };
        var client = new Cluster().Client(catalog: new ChangeCatalog(custom: changes));

        var thrown = await client.ExecuteAsync(Key, new Change.Custom("double", default));
        await client.PutAsync(Key, Bytes("ab"));
        var doubled = await client.ExecuteAsync(Key, new Change.Custom("double", default));

        Assert.Equal("nothing to double", Assert.IsType<Outcome.Faulted>(thrown).Exception.Message);
        Assert.Equal("abab", Text(doubled));
    }

    [Fact]
    public async Task More_registers_than_proposers_are_served_all_the_same()
    {
        var cluster = new Cluster();
        var client = cluster.Client(new RegisterClientOptions { ProposersMax = 8 });

        for (var round = 0; round < 3; round++)
        {
            await Parallel.ForAsync(0, 200, async (i, _) => await client.IncrementAsync(new RegisterKey($"r{i}")));
        }

        var sums = await Task.WhenAll(
            Enumerable.Range(0, 200).Select(async i => Text(await client.GetAsync(new RegisterKey($"r{i}")))));
        Assert.All(sums, sum => Assert.Equal("3", sum));
    }

    [Fact]
    public async Task Many_clients_that_contend_for_one_register_lose_nothing()
    {
        var cluster = new Cluster();
        var clients = Enumerable.Range(0, 6).Select(_ => cluster.Client()).ToArray();

        await Parallel.ForAsync(0, 600, async (i, _) =>
            Assert.IsType<Outcome.Applied>(await clients[i % clients.Length].IncrementAsync(Key)));

        Assert.Equal("600", Text(await cluster.Client().GetAsync(Key)));
    }

    // One division's acceptors are silent, of two slots even: the registers of the other must not wait behind them.
    [Fact]
    public async Task A_silent_division_of_the_keys_delays_no_other()
    {
        var (silent, well) = (new Cluster(), new Cluster());
        var client = new RegisterClient(
            well.Configuration,
            [silent.Acceptors, well.Acceptors],
            key => key.Text.StartsWith("silent", StringComparison.Ordinal) ? 0 : 1,
            catalog: null,
            new RegisterClientOptions { Timeout = TimeSpan.FromSeconds(2) });
        var release = Array.ConvertAll(silent.Acceptors[..2], acceptor => acceptor.Hold());

        var waiting = Enumerable.Range(0, 20)
            .Select(i => client.PutAsync(new RegisterKey($"silent/{i}"), Bytes("x")))
            .ToList();
        var answered = await Task.WhenAll(Enumerable.Range(0, 20)
            .Select(i => client.PutAsync(new RegisterKey($"well/{i}"), Bytes("y"))));

        Assert.All(answered, outcome => Assert.IsType<Outcome.Applied>(outcome));
        Assert.DoesNotContain(waiting, task => task.IsCompleted);
        Array.ForEach(release, held => held());
        Assert.All(await Task.WhenAll(waiting), outcome => Assert.IsType<Outcome.Applied>(outcome));
    }

    [Fact]
    public async Task A_wait_that_no_timer_could_end_is_refused_before_anything_is_sent()
    {
        var cluster = new Cluster();
        var client = cluster.Client();
        var operation = new Operation(new OperationId(Guid.NewGuid()), new Change.Put(Bytes("x")));

        var thrown = await Assert.ThrowsAsync<ArgumentOutOfRangeException>(
            () => client.ExecuteAsync(Key, operation, TimeSpan.FromDays(50)));

        Assert.Equal("timeout", thrown.ParamName);
        Assert.Contains("10:00", thrown.Message, StringComparison.Ordinal);
        Assert.All(cluster.Acceptors, acceptor => Assert.Equal(0, acceptor.Calls));
    }

    [Theory]
    [InlineData(nameof(RegisterClientOptions.Timeout))]
    [InlineData(nameof(RegisterClientOptions.ProposerBytesMax))]
    [InlineData(nameof(RegisterClientOptions.ProposerIdleMax))]
    [InlineData(nameof(RegisterClientOptions.AttemptsMax))]
    [InlineData(nameof(RegisterClientOptions.ScansMax))]
    [InlineData(nameof(RegisterClientOptions.QueueMax))]
    [InlineData(nameof(RegisterClientOptions.BatchesUnderWay))]
    public void An_option_out_of_range_is_named(string name)
    {
        var options = name switch
        {
            nameof(RegisterClientOptions.Timeout) => new RegisterClientOptions { Timeout = TimeSpan.Zero },
            nameof(RegisterClientOptions.ProposerBytesMax) => new RegisterClientOptions { ProposerBytesMax = 0 },
            nameof(RegisterClientOptions.ProposerIdleMax) =>
                new RegisterClientOptions { ProposerIdleMax = TimeSpan.Zero },
            nameof(RegisterClientOptions.AttemptsMax) => new RegisterClientOptions { AttemptsMax = 0 },
            nameof(RegisterClientOptions.ScansMax) => new RegisterClientOptions { ScansMax = 0 },
            nameof(RegisterClientOptions.QueueMax) => new RegisterClientOptions { QueueMax = 0 },
            _ => new RegisterClientOptions { BatchesUnderWay = 17 },
        };

        var exception = Assert.Throws<ArgumentOutOfRangeException>(() => new Cluster().Client(options));

        Assert.Equal(name, exception.ParamName);
    }

    internal static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);

    internal static string Text(Outcome outcome) => outcome switch
    {
        Outcome.Applied applied => Encoding.UTF8.GetString(applied.Current.Payload.Span),
        Outcome.Refused refused => Encoding.UTF8.GetString(refused.Current.Payload.Span),
        _ => throw new InvalidOperationException(outcome.ToString()),
    };
}
