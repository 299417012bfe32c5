namespace CasPaxos.Registers.Tests;

public sealed class TypedRegisterTests
{
    private sealed record Basket(string Owner, int Items);

    [Fact]
    public async Task A_typed_register_reads_what_it_wrote()
    {
        var register = new Cluster().Client().Register<Basket>(new RegisterKey("basket/1"));

        var before = await register.ReadAsync();
        var etag = await register.WriteAsync(new Basket("ada", 1));
        var after = await register.ReadAsync();

        Assert.False(before.Exists);
        Assert.Equal(new Held<Basket>(new Basket("ada", 1), etag), after);
    }

    [Fact]
    public async Task A_stale_writer_is_told_what_is_there()
    {
        var register = new Cluster().Client().Register<Basket>(new RegisterKey("basket/1"));
        var created = await register.TryCreateAsync(new Basket("ada", 1));
        await register.WriteAsync(new Basket("ada", 2));

        var stale = await register.TryWriteAsync(new Basket("ada", 9), created.Current.ETag);
        var deleted = await register.TryDeleteAsync(stale.Current.ETag);

        Assert.False(stale.Applied);
        Assert.Equal(2, stale.Current.Value!.Items);
        Assert.True(deleted.Applied);
        Assert.False((await register.ReadAsync()).Exists);
    }

    [Fact]
    public async Task Updates_of_many_callers_all_count()
    {
        var cluster = new Cluster();
        var registers = Enumerable.Range(0, 4)
            .Select(_ => cluster.Client().Register<Basket>(new RegisterKey("basket/1"))).ToArray();

        await Parallel.ForAsync(0, 100, async (i, _) => await registers[i % 4].UpdateAsync(
            held => held.Exists ? held.Value! with { Items = held.Value.Items + 1 } : new Basket("ada", 1)));

        Assert.Equal(100, (await registers[0].ReadAsync()).Value!.Items);
    }

    [Fact]
    public async Task Unavailable_is_an_exception_that_says_that_nothing_changed()
    {
        var cluster = new Cluster();
        cluster.Acceptors[0].Down = cluster.Acceptors[1].Down = true;
        var register = cluster.Client(new RegisterClientOptions { Timeout = TimeSpan.FromMilliseconds(100) })
            .Register<Basket>(new RegisterKey("basket/1"));

        var exception = await Assert.ThrowsAsync<RegisterUnavailableException>(() => register.ReadAsync());

        Assert.Contains("basket/1", exception.Message, StringComparison.Ordinal);
        Assert.Contains("nothing was changed", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Unknown_is_an_exception_of_its_own_with_the_operation_id()
    {
        var cluster = new Cluster();
        var register = cluster.Client(new RegisterClientOptions { Timeout = TimeSpan.FromMilliseconds(100) })
            .Register<Basket>(new RegisterKey("basket/1"));
        await register.WriteAsync(new Basket("ada", 1));
        Array.ForEach(cluster.Acceptors, acceptor => acceptor.LosesReplies = true);

        var exception = await Assert.ThrowsAsync<RegisterOutcomeUnknownException>(
            () => register.WriteAsync(new Basket("ada", 2)));

        var unknown = Assert.IsType<Outcome.Unknown>(exception.Outcome);
        Assert.Contains(unknown.Id.ToString(), exception.Message, StringComparison.Ordinal);
    }
}
