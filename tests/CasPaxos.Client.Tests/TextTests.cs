namespace CasPaxos.Client.Tests;

/// <summary>The pieces that make text, by themselves.</summary>
public sealed class TextTests
{
    [Theory]
    [InlineData("Host=a;Password=geheim;Port=1", "Host=a;Password=***;Port=1")]
    [InlineData("password = 'ge;heim';Host=a", "password = ***;Host=a")]
    [InlineData("PWD=\"ge\"\"heim\"", "PWD=***")]
    [InlineData("CASPAXOS_TLS_PASSWORD=geheim", "CASPAXOS_TLS_PASSWORD=***")]
    [InlineData("Host=a;PSW=geheim;Port=1", "Host=a;PSW=***;Port=1")]
    [InlineData("Host=a;Password=ge|heim;Port=1", "Host=a;Password=***;Port=1")]
    [InlineData("Host=a;Password=ge'hei\"m;Port=1", "Host=a;Password=***;Port=1")]
    [InlineData("Host=a;Password=\"geheim\"heim;Port=1", "Host=a;Password=***;Port=1")]
    [InlineData("Host=a;Password=\"ge;heim", "Host=a;Password=***")]
    [InlineData("Host=a;Password='ge;heim", "Host=a;Password=***")]
    [InlineData("PGPASSWORD=geheim", "PGPASSWORD=***")]
    [InlineData("Ssl Password=ge heim\nnext line", "Ssl Password=***\nnext line")]
    [InlineData("no secret here", "no secret here")]
    public void Passwords_of_connection_strings_are_masked(string text, string masked) =>
        Assert.Equal(masked, Redaction.Apply(text));

    [Theory]
    [InlineData("plain/key-1", "plain/key-1")]
    [InlineData("", "''")]
    [InlineData("two words", "'two words'")]
    [InlineData("it's", "'it'\\''s'")]
    public void A_word_survives_a_shell(string word, string quoted) => Assert.Equal(quoted, ShellText.Quote(word));

    [Fact]
    public void A_key_is_one_field_of_one_line() =>
        Assert.Equal(@"a\tb\nc\\d\u0000", ShellText.Escape("a\tb\nc\\d\0"));

    [Fact]
    public void A_retry_takes_the_place_of_an_earlier_one_and_stands_before_the_values()
    {
        var unknown = new Outcome.Unknown(
            new OperationId(Guid.Parse("11111111111111111111111111111111")), ETag.Absent, "");

        var line = RetryCommandLine.Of(
            [
                "put", "--since=absent", "--operation-id", "old", "--tls-password", "geheim",
                "--direct", "Host=a;PSW=ge|'heim", "--direct:Host=b;Pwd=\"ge;heim\"", "--direct=Host=c;Pasword=geheim",
                "--", "k", "--since=password=v",
            ],
            "put",
            unknown);

        Assert.Equal(
            "caspaxos put --operation-id 11111111111111111111111111111111 --since absent --tls-password '***' " +
            "--direct 'Host=a;Password=***' --direct 'Host=b;Password=***' --direct '***' -- k --since=password=v",
            line);
    }

    [Theory]
    [InlineData("a|b", "a", "b")]
    [InlineData(" a | | b |", "a", "b")]
    [InlineData("Host=a;Password='x|y';Port=1|Host=b", "Host=a;Password='x|y';Port=1", "Host=b")]
    [InlineData("Password= \"x|y\"|Host=b", "Password= \"x|y\"", "Host=b")]
    [InlineData("Password='it''s|it'|Host=b", "Password='it''s|it'", "Host=b")]
    [InlineData("Password=it's|Host=b;Password=it's", "Password=it's", "Host=b;Password=it's")]
    public void Connection_strings_are_separated_where_no_quoted_value_holds_the_bar(
        string text, params string[] parts) => Assert.Equal(parts, ConnectionText.Split(text));

    [Theory]
    [InlineData("silo:30000", "silo", 30000)]
    [InlineData("[::1]:1", "::1", 1)]
    public void A_gateway_is_host_and_port(string text, string host, int port) =>
        Assert.Equal((host, port), GatewayProbe.Parse(text));

    [Fact]
    public void Quantiles_are_right_to_two_percent()
    {
        var histogram = new LatencyHistogram();
        for (var i = 1; i <= 1000; i++)
        {
            histogram.Add(TimeSpan.FromMilliseconds(i));
        }

        Assert.Equal(1000, histogram.Count);
        Assert.InRange(histogram.Quantile(0.5).TotalMilliseconds, 500, 511);
        Assert.InRange(histogram.Quantile(0.99).TotalMilliseconds, 990, 1000);
        Assert.Equal(TimeSpan.FromSeconds(1), histogram.Quantile(1));
        Assert.Equal(TimeSpan.Zero, new LatencyHistogram().Quantile(0.5));
    }
}
