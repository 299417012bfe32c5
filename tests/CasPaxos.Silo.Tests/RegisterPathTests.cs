namespace CasPaxos.Silo.Tests;

/// <summary>How a request's target becomes a register's key.</summary>
public sealed class RegisterPathTests
{
    [Theory]
    [InlineData("/registers/a", "a")]
    [InlineData("/registers/a/b?x=/c", "a/b")]
    [InlineData("/registers/a/../b", "a/../b")]
    [InlineData("/registers/../health/live", "../health/live")]
    [InlineData("/registers/a%2Fb%2f%25", "a/b/%")]
    [InlineData("/registers/%C3%A4%00", "ä\0")]
    [InlineData("http://somewhere:80/registers/a", "a")]
    public void A_key_is_what_the_caller_sent_with_its_escapes_undone_once(string target, string key)
    {
        Assert.True(RegisterPath.TryParse(target, out var path));

        Assert.Equal(key, path.ToKey().Text);
    }

    [Theory]
    [InlineData("/registers")]
    [InlineData("/registers?prefix=a")]
    public void Without_a_key_it_is_the_listing(string target)
    {
        Assert.True(RegisterPath.TryParse(target, out var path));

        Assert.Null(path.EscapedKey);
    }

    [Theory]
    [InlineData("/health/live")]
    [InlineData("/registersx")]
    [InlineData("/x/registers/a")]
    [InlineData("*")]
    [InlineData("http://somewhere")]
    public void Anything_else_is_not_about_registers(string target) =>
        Assert.False(RegisterPath.TryParse(target, out _));

    [Theory]
    [InlineData("/registers/", "1 to 1024 bytes")]
    [InlineData("/registers/a%2", "two hexadecimal digits")]
    [InlineData("/registers/a%+1", "two hexadecimal digits")]
    [InlineData("/registers/%C3", "not UTF-8")]
    [InlineData("/registers/%ED%A0%80", "not UTF-8")]
    [InlineData("/registers/ä", "escapes")]
    public void What_is_no_key_is_refused_with_the_reason(string target, string reason)
    {
        Assert.True(RegisterPath.TryParse(target, out var path));

        var wrong = Assert.Throws<ArgumentException>(() => path.ToKey());

        Assert.Contains(reason, wrong.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_action_is_the_last_segment()
    {
        Assert.True(RegisterPath.TryParse("/registers/a/increment/increment", out var path));

        var (register, action) = path.SplitAction();

        Assert.Equal(("a/increment", "increment"), (register.ToKey().Text, action));
    }
}
