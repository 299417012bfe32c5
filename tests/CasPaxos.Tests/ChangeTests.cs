using System.Globalization;
using FsCheck;
using FsCheck.Fluent;
using static CasPaxos.Tests.Make;

namespace CasPaxos.Tests;

/// <summary>Each change, each refusal, the limits, and changes of the application's own.</summary>
public sealed class ChangeTests
{
    private static readonly ETag Five = new(Id(50), 5);
    private static readonly ChangeCatalog Catalog = new(payloadBytesMax: 8);

    [Fact]
    public void Read_keeps_whatever_is_there()
    {
        Assert.IsType<ChangeResult.Keep>(Catalog.Evaluate(new Change.Read(), Snapshot.Absent));
        Assert.IsType<ChangeResult.Keep>(Catalog.Evaluate(new Change.Read(), There("x")));
    }

    [Fact]
    public void Put_writes_whatever_is_there()
    {
        Assert.Equal("new", Written(Put("new"), Snapshot.Absent));
        Assert.Equal("new", Written(Put("new"), There("old")));
        Assert.Equal("", Written(Put(""), There("old")));
    }

    [Fact]
    public void Create_writes_only_where_nothing_is()
    {
        var create = new Change.Create(Bytes("first"));

        Assert.Equal("first", Written(create, Snapshot.Absent));
        Assert.Equal(RefusalReason.Exists, Refused(create, There("")));
    }

    [Fact]
    public void CompareAndSwap_writes_only_where_the_ETag_is_the_expected_one()
    {
        Assert.Equal("new", Written(new Change.CompareAndSwap(Five, Bytes("new")), There("old")));
        Assert.Equal("new", Written(new Change.CompareAndSwap(ETag.Absent, Bytes("new")), Snapshot.Absent));
    }

    // T-G9: the version alone is not enough.
    [Fact]
    public void CompareAndSwap_is_refused_for_another_version_creation_or_absence()
    {
        foreach (var (expected, current) in new (ETag, Snapshot)[]
        {
            (new(Id(50), 4), There("x")),
            (new(Id(51), 5), There("x")),
            (ETag.Absent, There("x")),
            (Five, Snapshot.Absent),
        })
        {
            Assert.Equal(
                RefusalReason.ETagMismatch, Refused(new Change.CompareAndSwap(expected, Bytes("new")), current));
        }
    }

    [Fact]
    public void Delete_needs_something_to_delete_and_the_expected_ETag_if_one_is_given()
    {
        Assert.Equal(RefusalReason.Absent, Refused(new Change.Delete(null, 7), Snapshot.Absent));
        Assert.Equal(RefusalReason.Absent, Refused(new Change.Delete(Five, 7), Snapshot.Absent));
        Assert.Equal(RefusalReason.ETagMismatch, Refused(new Change.Delete(new(Id(50), 4), 7), There("x")));
        Assert.Equal(new ChangeResult.Delete(7), Catalog.Evaluate(new Change.Delete(null, 7), There("x")));
        Assert.Equal(new ChangeResult.Delete(7), Catalog.Evaluate(new Change.Delete(Five, 7), There("x")));
    }

    [Fact]
    public void Increment_adds_decimal_numbers()
    {
        Assert.Equal("1", Written(new Change.Increment(1), Snapshot.Absent));
        Assert.Equal("-3", Written(new Change.Increment(-5), There("2")));
    }

    [Theory]
    [InlineData("")]
    [InlineData("x")]
    [InlineData("12x")]
    [InlineData(" 12")]
    [InlineData("1.5")]
    [InlineData("9223372036854775808")]
    public void Increment_of_what_is_no_64_bit_number_is_refused(string payload) =>
        Assert.Equal(RefusalReason.NotANumber, Refused(new Change.Increment(1), There(payload), new ChangeCatalog()));

    [Fact]
    public void Increment_refuses_exactly_the_sums_that_are_no_64_bit_number()
    {
        var catalog = new ChangeCatalog();
        var numbers = Gen.Elements(long.MinValue, long.MinValue + 1, -2, -1, 0, 1, 2, long.MaxValue - 1, long.MaxValue);

        Prop.ForAll(numbers.Two().ToArbitrary(), pair =>
        {
            var sum = (Int128)pair.Item1 + pair.Item2;
            var current = There(pair.Item1.ToString(CultureInfo.InvariantCulture));
            var result = catalog.Evaluate(new Change.Increment(pair.Item2), current);
            var digits = sum.ToString(CultureInfo.InvariantCulture);
            return sum == (long)sum
                ? result is ChangeResult.Write write && Text(write.Payload) == digits
                : result is ChangeResult.Refuse { Reason: RefusalReason.Overflow };
        }).QuickCheckThrowOnFailure();
    }

    [Fact]
    public void Append_adds_at_the_end()
    {
        Assert.Equal("a", Written(Append("a"), Snapshot.Absent));
        Assert.Equal("ab", Written(Append("b"), There("a")));
    }

    [Fact]
    public void A_new_value_over_the_limit_is_refused()
    {
        Assert.Equal("12345678", Written(Append("678"), There("12345")));
        Assert.Equal(RefusalReason.TooLarge, Refused(Append("6789"), There("12345")));
        Assert.Equal(RefusalReason.TooLarge, Refused(new Change.Increment(1), There("99999999")));
    }

    [Fact]
    public void A_payload_over_the_limit_is_refused_before_anything_is_sent()
    {
        var nine = Bytes("123456789");

        foreach (var change in new Change[]
        {
            new Change.Put(nine),
            new Change.Create(nine),
            new Change.CompareAndSwap(Five, nine),
            new Change.Append(nine),
            new Change.Custom("unknown", nine),
        })
        {
            var cluster = new Cluster { Catalog = Catalog };
            var proposer = cluster.Proposer();

            Assert.Throws<ArgumentException>(() => proposer.Submit(change));
            Assert.Empty(proposer.Sent);
        }

        Catalog.Validate(Put("12345678"));
    }

    [Fact]
    public void The_limit_is_at_least_one_byte() =>
        Assert.Throws<ArgumentOutOfRangeException>(() => new ChangeCatalog(payloadBytesMax: 0));

    // T-P16
    [Fact]
    public void An_unknown_name_is_refused_before_anything_is_sent()
    {
        var cluster = new Cluster();
        var proposer = cluster.Proposer();

        Assert.Throws<ArgumentException>(() => proposer.Submit(new Change.Custom("unknown", default)));
        Assert.Empty(proposer.Sent);
        Assert.True(proposer.Core.IsIdle);
    }

    [Fact]
    public void A_change_of_the_application_s_own_is_found_by_its_exact_name()
    {
        var catalog = new ChangeCatalog(custom: new Dictionary<string, ChangeFunction>
        {
            ["swap"] = (current, arguments) =>
                new ChangeResult.Write(Bytes($"{Text(arguments)}<{Text(current.Payload)}")),
        });

        Assert.Equal("b<a", Written(new Change.Custom("swap", Bytes("b")), There("a"), catalog));
        Assert.Throws<ArgumentException>(() => catalog.Validate(new Change.Custom("Swap", default)));
    }

    [Fact]
    public void A_change_of_the_application_s_own_that_returns_nothing_is_named()
    {
        var catalog = new ChangeCatalog(
            custom: new Dictionary<string, ChangeFunction> { ["forgetful"] = (_, _) => null! });

        var exception = Assert.Throws<InvalidOperationException>(
            () => catalog.Evaluate(new Change.Custom("forgetful", default), There("x")));

        Assert.Contains("'forgetful'", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_change_of_the_application_s_own_may_not_exceed_the_limit_either()
    {
        var catalog = new ChangeCatalog(
            payloadBytesMax: 8,
            new Dictionary<string, ChangeFunction> { ["grow"] = (_, _) => new ChangeResult.Write(new byte[9]) });

        Assert.Equal(RefusalReason.TooLarge, Refused(new Change.Custom("grow", default), There("x"), catalog));
    }

    private static Snapshot There(string payload) => new(Five, Bytes(payload));

    private static string Written(Change change, Snapshot current, ChangeCatalog? catalog = null) =>
        Text(Assert.IsType<ChangeResult.Write>((catalog ?? Catalog).Evaluate(change, current)).Payload);

    private static RefusalReason Refused(Change change, Snapshot current, ChangeCatalog? catalog = null) =>
        Assert.IsType<ChangeResult.Refuse>((catalog ?? Catalog).Evaluate(change, current)).Reason;
}
