using System.Text;
using FsCheck;
using FsCheck.Fluent;
using static CasPaxos.Orleans.Storage.Tests.Storages;

namespace CasPaxos.Orleans.Storage.Tests;

/// <summary><see cref="TestState"/> of a later version of the application.</summary>
[GenerateSerializer]
public sealed record TestStateNow
{
    /// <summary>As before.</summary>
    [Id(0)]
    public string Text { get; set; } = "fresh";

    /// <summary>As before.</summary>
    [Id(1)]
    public byte[] Bytes { get; set; } = [];

    /// <summary>New, with a default for old records.</summary>
    [Id(2)]
    public int Added { get; set; } = 7;
}

/// <summary>Two states never share a register, and people can read which is which.</summary>
public sealed class KeyTests
{
    [Fact]
    public void Plain_ids_stay_readable()
    {
        Assert.Equal("grains/shop/basket/ada/items", KeyOf("shop", "basket", "ada", "items"));
        Assert.Equal("grains/shop/basket/ключ+№1/items", KeyOf("shop", "basket", "ключ+№1", "items"));
        Assert.Equal("grains/my%20shop/b%2Fc/100%25/a.b-c_d", KeyOf("my shop", "b/c", "100%", "a.b-c_d"));
        Assert.Equal("grains/s/t/%00%FF%C2%85%F0%9F/n", KeyOf("s", "t", [0, 0xFF, 0xC2, 0x85, 0xF0, 0x9F], "n"));
    }

    [Fact]
    public void A_stored_key_is_the_same_for_ever() => Assert.Equal(
        "grains/s/#e875a53a57d2e2e1c942dd01bea2979081cea4461e791c7a95a0f8df22e2a67d",
        KeyOf("s", "t", new string('k', 1100), "n"));

    [Fact]
    public void Different_states_have_different_registers() =>
        Prop.ForAll(Names.Two().ToArbitrary(), pair =>
            Same(pair.Left, pair.Right) == (Of(pair.Left) == Of(pair.Right)))
            .Check(Config.QuickThrowOnFailure.WithMaxTest(20_000));

    [Fact]
    public void A_part_that_moves_into_the_next_one_makes_another_register() =>
        Prop.ForAll(Names.Four().ToArbitrary(), parts =>
        {
            byte[][] moved = [parts[0], [.. parts[1], (byte)'/'], parts[2], parts[3]];
            byte[][] other = [parts[0], parts[1], [(byte)'/', .. parts[2]], parts[3]];
            return Of(moved) != Of(other) && Of(moved) != Of(parts);
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(500));

    [Fact]
    public void Names_that_are_too_long_have_a_key_of_their_own_with_the_service_in_front()
    {
        var longest = new string('k', RegisterKey.BytesMax - "grains/s/t//n".Length);

        var fits = GrainStateKey.Of("grains", "s", GrainId.Create("t", longest), "n");
        var one = GrainStateKey.Of("grains", "s", GrainId.Create("t", longest + "1"), "n");
        var two = GrainStateKey.Of("grains", "s", GrainId.Create("t", longest + "2"), "n");
        var service = GrainStateKey.Of("grains", new string('s', 1020), GrainId.Create("t", "k"), "n");

        Assert.Null(fits.FullName);
        Assert.Equal(RegisterKey.BytesMax, Encoding.UTF8.GetByteCount(fits.Register.Text));
        Assert.StartsWith("grains/s/#", one.Register.Text, StringComparison.Ordinal);
        Assert.NotEqual(one.Register, two.Register);
        Assert.Equal($"grains/s/t/{longest}1/n", one.FullName);
        Assert.StartsWith("grains/#", service.Register.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task States_of_grains_with_endless_keys_are_written_read_and_cleared()
    {
        var storage = new MemoryCluster().Storage();
        var grain = GrainId.Create("test", new string('k', 10_000));
        var state = NewState("one");
        await storage.WriteAsync(grain, state);
        Assert.Equal("one", (await storage.ActivateAsync(grain)).State!.Text);
        await storage.ClearAsync(grain, state);
        Assert.False((await storage.ActivateAsync(grain)).RecordExists);
    }

    [Fact]
    public void A_record_comes_back_as_it_was() => Prop.ForAll<bool, byte[]>((cleared, payload) =>
    {
        foreach (var name in (string?[])[null, "полное имя"])
        {
            var key = new GrainStateKey(new RegisterKey("k"), name);
            var read = GrainStateRecord.Decode(key, new GrainStateRecord(cleared, name, payload).Encode());
            if (read.Cleared != cleared || !read.Payload.Span.SequenceEqual(payload))
            {
                return false;
            }
        }

        return true;
    }).QuickCheckThrowOnFailure();

    [Theory]
    [InlineData("")]
    [InlineData("01")]
    [InlineData("0200AA")] // A newer format.
    [InlineData("0104")] // An unknown flag.
    [InlineData("010200")] // Cut off.
    [InlineData("0102FFFFFFFF")]
    [InlineData("010201000000")]
    public void Anything_else_is_refused(string hex) => Assert.Throws<InvalidDataException>(
        () => GrainStateRecord.Decode(new GrainStateKey(new RegisterKey("k"), null), Convert.FromHexString(hex)));

    [Fact]
    public async Task Another_grains_state_under_the_same_key_is_not_given_out()
    {
        var cluster = new MemoryCluster();
        var grain = GrainId.Create("test", new string('k', 2000));
        var key = GrainStateKey.Of("grains", Service, grain, "state");
        var foreign = new GrainStateRecord(Cleared: false, "grains/another", default).Encode();
        await CasPaxos.Registers.RegisterOperations.PutAsync(cluster.Client(), key.Register, foreign);
        var state = NewState("kept");

        var failure = await Assert.ThrowsAsync<InvalidDataException>(
            () => cluster.Storage().ReadAsync(grain, state));

        Assert.Contains("grains/another", failure.Message, StringComparison.Ordinal);
        Assert.Equal("kept", state.State!.Text);
    }

    [Fact]
    public async Task A_register_that_holds_something_else_is_not_taken_for_a_state()
    {
        var cluster = new MemoryCluster();
        var grain = NewGrain();
        var key = GrainStateKey.Of("grains", Service, grain, "state");
        await CasPaxos.Registers.RegisterOperations.PutAsync(cluster.Client(), key.Register, "{}"u8.ToArray());

        var failure = await Assert.ThrowsAsync<InvalidDataException>(
            () => cluster.Storage().ReadAsync(grain, NewState()));

        Assert.Contains(key.Register.Text, failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task States_up_to_the_limit_are_stored_and_larger_ones_change_nothing()
    {
        var cluster = new MemoryCluster();
        var storage = cluster.Storage();
        var grain = NewGrain();
        var state = NewState("large");
        state.State!.Bytes = new byte[ChangeCatalog.PayloadBytesDefault - 1000];
        Random.Shared.NextBytes(state.State!.Bytes);
        await storage.WriteAsync(grain, state);
        var stored = await storage.ActivateAsync(grain);
        Assert.Equal(state.State!.Bytes, stored.State!.Bytes);
        var (etag, before) = (state.ETag, cluster.Acceptors[0].Accepts);

        state.State!.Bytes = new byte[ChangeCatalog.PayloadBytesDefault];
        var failure = await Assert.ThrowsAsync<ArgumentException>(() => storage.WriteAsync(grain, state));

        Assert.Contains("limit of 1048576 bytes", failure.Message, StringComparison.Ordinal);
        Assert.Contains(grain.ToString(), failure.Message, StringComparison.Ordinal);
        Assert.Equal((etag, before), (state.ETag, cluster.Acceptors[0].Accepts));
        await storage.WriteAsync(grain, NewStateLike(stored), "small again");
    }

    [Fact]
    public async Task A_state_that_was_written_before_its_type_gained_a_field_is_read()
    {
        var storage = new MemoryCluster().Storage();
        var grain = NewGrain();
        await storage.WriteAsync(grain, NewState("old"));
        var state = new GrainState<TestStateNow>(new TestStateNow());

        await storage.ReadStateAsync("state", grain, state);
        Assert.Equal(("old", 7), (state.State!.Text, state.State!.Added));
        state.State!.Added = 8;
        await storage.WriteStateAsync("state", grain, state);

        await storage.ReadStateAsync("state", grain, state);
        Assert.Equal(("old", 8), (state.State!.Text, state.State!.Added));
    }

    private static GrainState<TestState> NewStateLike(GrainState<TestState> stored) => NewState("", stored.ETag);

    private static string KeyOf(string service, string type, string key, string state) =>
        KeyOf(service, type, Encoding.UTF8.GetBytes(key), state);

    private static string KeyOf(string service, string type, byte[] key, string state) => GrainStateKey.Of(
        "grains", service, GrainId.Create(GrainType.Create(type), new IdSpan(key)), state).Register.Text;

    private static RegisterKey Of(byte[][] parts) => GrainStateKey.Of(
        "grains",
        Encoding.UTF8.GetString(parts[0]),
        GrainId.Create(new GrainType(parts[1]), new IdSpan(parts[2])),
        Encoding.UTF8.GetString(parts[3])).Register;

    private static bool Same(byte[][] left, byte[][] right) =>
        left.Zip(right).All(pair => pair.First.AsSpan().SequenceEqual(pair.Second));

    /// <summary>Few pieces that are all special somewhere, so that different names look alike often.</summary>
    private static class Names
    {
        private static readonly byte[][] Pieces =
        [
            "a"u8.ToArray(), "/"u8.ToArray(), "%"u8.ToArray(), "%2F"u8.ToArray(), "%25"u8.ToArray(), "#"u8.ToArray(),
            "é"u8.ToArray(), " "u8.ToArray(), "+"u8.ToArray(), "0"u8.ToArray(), "\u0085"u8.ToArray(),
        ];

        private static readonly byte[][] BytePieces = [.. Pieces, [0], [0xC3], [0xA9], [0xFF], [0x85]];

        /// <summary>Service and state are text; the grain's type and key are bytes.</summary>
        public static Gen<byte[][]> Four() =>
            from service in Text(Pieces)
            from type in Text(BytePieces)
            from key in Text(BytePieces)
            from state in Text(Pieces)
            select new[] { service, type, key, state };

        /// <summary>Two names that differ in one part at most: what is only nearly unique is found there.</summary>
        public static Gen<(byte[][] Left, byte[][] Right)> Two() =>
            from left in Four()
            from right in Four()
            from part in Gen.Choose(0, 3)
            select (left, left.Select((own, i) => i == part ? right[i] : own).ToArray());

        private static Gen<byte[]> Text(byte[][] pieces) =>
            from length in Gen.Choose(1, 2)
            from chosen in Gen.Elements(pieces).ArrayOf(length)
            select chosen.SelectMany(piece => piece).ToArray();
    }
}
