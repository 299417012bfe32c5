using FsCheck;
using FsCheck.Fluent;
using static CasPaxos.Tests.Make;

namespace CasPaxos.Tests;

public sealed class ETagTests
{
    [Fact]
    public void An_ETag_survives_being_written_as_text() =>
        Prop.ForAll<PositiveInt, Guid>((version, creation) =>
        {
            var etag = new ETag(creation == Guid.Empty ? Id(1) : creation, version.Get);
            return ETag.TryParse(etag.ToString(), out var read) && read == etag;
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void The_position_of_an_erased_register_survives_being_written_as_text()
    {
        var position = RegisterRecord.Absent(5).Position;

        Assert.True(ETag.TryParse(position.ToString(), out var read));
        Assert.Equal(position, read);
        Assert.NotEqual(ETag.Absent, read);
    }

    [Fact]
    public void The_absent_one_has_a_name_of_its_own()
    {
        Assert.True(ETag.TryParse(ETag.Absent.ToString(), out var read));
        Assert.True(read.IsAbsent);
        Assert.Equal("absent", ETag.Absent.ToString());
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("3")]
    [InlineData("-3")]
    [InlineData("0-00000001000000000000000000000000")]
    [InlineData("+1-00000001000000000000000000000000")]
    [InlineData(" 1-00000001000000000000000000000000")]
    [InlineData("1-0000000100000000000000000000000")]
    [InlineData("99999999999999999999-00000001000000000000000000000000")]
    [InlineData("Absent")]
    public void Other_text_is_no_ETag(string? text)
    {
        Assert.False(ETag.TryParse(text, out var read));
        Assert.True(read.IsAbsent);
    }

    // T-G9
    [Fact]
    public void The_same_version_of_another_creation_is_another_ETag() =>
        Assert.NotEqual(new ETag(Id(1), 3), new ETag(Id(2), 3));
}
