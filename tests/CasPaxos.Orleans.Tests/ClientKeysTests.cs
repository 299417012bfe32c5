using CasPaxos.Registers;
using Microsoft.Extensions.Options;

namespace CasPaxos.Orleans.Tests;

/// <summary>Which registers are closed to clients (rule 25).</summary>
public sealed class ClientKeysTests
{
    [Theory]
    [InlineData("membership/s/c", false)]
    [InlineData("reminders/", false)]
    [InlineData("directory/x", false)]
    [InlineData("grains/s/t/k", false)]
    [InlineData("carts/s/t/k", false)]
    [InlineData("membership", true)]
    [InlineData("Membership/s", true)]
    [InlineData("a/membership/s", true)]
    [InlineData("cartsy/s", true)]
    public void Only_what_begins_with_a_reserved_prefix_is_closed(string key, bool open)
    {
        var keys = Keys(opened: false);

        var failure = Record.Exception(() => keys.Admit(key));

        Assert.Equal(open, failure is null);
        Assert.True(open || failure is UnauthorizedAccessException, $"{failure}");
        Assert.Null(Record.Exception(() => Keys(opened: true).Admit(key)));
    }

    [Fact]
    public void A_page_shows_neither_the_registers_nor_the_unreadable_ones_that_are_closed_and_goes_on()
    {
        var page = new RegisterPage(
            [new(new RegisterKey("grains/a"), ETag.Absent), new(new RegisterKey("green"), ETag.Absent)],
            new RegisterKey("green"))
        {
            Unreadable = [new(new RegisterKey("grains/b"), "damaged"), new(new RegisterKey("grey"), "damaged")],
        };

        var shown = Keys(opened: false).Admitted(page);

        Assert.Equal("green", Assert.Single(shown.Registers).Key.Text);
        Assert.Equal("grey", Assert.Single(shown.Unreadable).Key.Text);
        Assert.Equal(page.Next, shown.Next);
        Assert.Same(page, Keys(opened: true).Admitted(page));
    }

    [Fact]
    public void What_follows_a_page_names_no_register_that_is_closed_and_skips_all_of_them()
    {
        var page = new RegisterPage([], new RegisterKey("membership/s/c/alive/10.0.0.1:11111@1"));

        var next = Keys(opened: false).Admitted(page).Next!.Value.Text;

        Assert.DoesNotContain("alive", next, StringComparison.Ordinal);
        Assert.True(string.CompareOrdinal(next, "membership/z/z") > 0);
        Assert.True(string.CompareOrdinal(next, "membership0") < 0);
    }

    private static ClientKeys Keys(bool opened) => new(
        Options.Create(new CasPaxosOptions { ClientsMayUseReservedKeys = opened }), [new ReservedPrefix("carts/")]);
}
