namespace CasPaxos.Client.Tests;

/// <summary>Which keys can be told from what the table of Orleans' ADO.NET storage keeps.</summary>
public sealed class StockKeyTests
{
    private const string Digits = "12345678901234567890123456789012";

    public static TheoryData<string> Texts => [.. AdoNetSource.Texts];

    public static TheoryData<string> Lossy => [.. AdoNetSource.Lossy];

    [Theory]
    [MemberData(nameof(Texts))]
    public void A_text_that_is_kept_is_found(string text) =>
        Assert.Equal(new KeyMatch.Fits(IdSpan.Create(text)), Stored(text).Match(KeyKind.String, anyHash: false));

    [Theory]
    [MemberData(nameof(Lossy))]
    public void A_text_that_is_not_kept_is_not_guessed(string text) =>
        Assert.IsType<KeyMatch.CannotTell>(Stored(text).Match(KeyKind.String, anyHash: false));

    [Theory]
    [InlineData("5", KeyKind.Integer)]
    [InlineData("5+x", KeyKind.IntegerAndString)]
    [InlineData(Digits, KeyKind.Guid)]
    [InlineData(Digits + "+x", KeyKind.GuidAndString)]
    [InlineData("00000000000000000000000000000005", KeyKind.Guid)]
    internal void A_number_is_of_one_kind_only(string key, KeyKind kind)
    {
        KeyKind[] numbers = [KeyKind.Integer, KeyKind.IntegerAndString, KeyKind.Guid, KeyKind.GuidAndString];

        var fitting = numbers.Where(other => Stored(key).Match(other, anyHash: false) is KeyMatch.Fits);

        Assert.Equal([kind], fitting);
        Assert.Equal(new KeyMatch.Fits(IdSpan.Create(key)), Stored(key).Match(kind, anyHash: false));
    }

    [Theory]
    [InlineData("x", "x")]
    [InlineData("0+x", "x")] // What cannot be known any more.
    [InlineData("12", null)]
    [InlineData("00000000000000000000000000000005", null)] // Or 5.
    [InlineData(Digits, Digits)]
    public void Without_a_hash_that_is_known_the_likely_text_is_taken_and_no_number(string key, string? text)
    {
        var stored = Stored(key) with { Hash = 7 };

        Assert.IsType<KeyMatch.Differs>(stored.Match(KeyKind.String, anyHash: false));
        Assert.Equal(
            text is null ? null : new KeyMatch.Fits(IdSpan.Create(text)),
            stored.Match(KeyKind.String, anyHash: true) as KeyMatch.Fits);
    }

    [Theory]
    [InlineData("12", "12", "12")]
    [InlineData("0Ada", "ada", "ADA")]
    [InlineData("0c+Xy", "c+Xy", "C+Xy")]
    [InlineData("00+x", "0+x", "0+x")]
    [InlineData("aBCDEF00000000000000000000000001+Xy", "abcdef00000000000000000000000001+Xy",
        "ABCDEF00000000000000000000000001+Xy")]
    [InlineData("Grace", "Grace", "Grace")] // No number: kept as it is.
    public void Who_knows_how_the_application_writes_numbers_may_say_so(string key, string lower, string upper)
    {
        var stored = Stored(key);

        Assert.Equal(new KeyMatch.Fits(IdSpan.Create(lower)), stored.Match(KeyKind.StringLower, anyHash: false));
        Assert.Equal(new KeyMatch.Fits(IdSpan.Create(upper)), stored.Match(KeyKind.StringUpper, anyHash: false));
        Assert.Equal(Stored(lower), stored); // The same row.
    }

    [Fact]
    public void A_blank_extension_is_of_no_compound_key() =>
        Assert.IsType<KeyMatch.Differs>(Stored("5+ ").Match(KeyKind.IntegerAndString, anyHash: false));

    private static StockKey Stored(string key) => StockKey.Of(IdSpan.Create(key));
}
