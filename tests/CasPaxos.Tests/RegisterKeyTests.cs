using FsCheck;
using FsCheck.Fluent;

namespace CasPaxos.Tests;

public sealed class RegisterKeyTests
{
    private static readonly Arbitrary<(string Left, string Right)> Pairs = Gen
        .Elements("", "a", "b", "\0", "~", "é", "\uFFFD", "\uE000", "😀", "\U0010FFFF", "z/")
        .ListOf()
        .Select(parts => "k" + string.Concat(parts.Take(4)))
        .Two()
        .Select(pair => (pair.Item1, pair.Item2))
        .ToArbitrary();

    // T-A10
    [Fact]
    public void A_key_survives_being_stored() =>
        Prop.ForAll(Pairs, pair =>
        {
            var key = new RegisterKey(pair.Left);
            return RegisterKey.FromUtf8(key.ToUtf8()) == key && key.Text == pair.Left;
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void Keys_are_ordered_as_their_bytes_are() =>
        Prop.ForAll(Pairs, pair =>
        {
            var (left, right) = (new RegisterKey(pair.Left), new RegisterKey(pair.Right));
            var order = Math.Sign(left.ToUtf8().AsSpan().SequenceCompareTo(right.ToUtf8()));
            return Math.Sign(left.CompareTo(right)) == order
                && left < right == order < 0
                && left > right == order > 0
                && left <= right == order <= 0
                && left >= right == order >= 0;
        }).QuickCheckThrowOnFailure();

    [Theory]
    [InlineData(1)]
    [InlineData(1024)]
    public void Keys_of_1_to_1024_bytes_are_taken(int length) =>
        Assert.Equal(length, new RegisterKey(new string('k', length)).ToUtf8().Length);

    [Fact]
    public void An_empty_or_too_long_key_is_refused()
    {
        Assert.Throws<ArgumentException>(() => new RegisterKey(""));
        Assert.Throws<ArgumentException>(() => new RegisterKey(new string('k', 1025)));
        Assert.Throws<ArgumentException>(() => new RegisterKey(new string('é', 513))); // 1,026 bytes.
    }

    // Replaced by U+FFFD, two names would become one register.
    [Fact]
    public void Half_of_a_surrogate_pair_is_refused()
    {
        Assert.Throws<ArgumentException>(() => new RegisterKey("a\uD800"));
        Assert.Throws<ArgumentException>(() => new RegisterKey("\uDC00b"));
    }

    [Fact]
    public void Bytes_that_are_no_text_are_refused() =>
        Assert.ThrowsAny<ArgumentException>(() => RegisterKey.FromUtf8([0x61, 0xff]));

    [Fact]
    public void The_default_key_names_no_register()
    {
        var key = default(RegisterKey);

        Assert.Throws<InvalidOperationException>(() => key.Text);
        Assert.Equal("(none)", key.ToString());
    }

    [Fact]
    public void Texts_that_look_alike_are_different_keys()
    {
        var composed = new RegisterKey("\u00e9");
        var decomposed = new RegisterKey("e\u0301");

        Assert.NotEqual(composed, decomposed);
        Assert.NotEqual(new RegisterKey("Key"), new RegisterKey("key"));
        Assert.NotEqual(new RegisterKey("a\0"), new RegisterKey("a"));
    }
}
