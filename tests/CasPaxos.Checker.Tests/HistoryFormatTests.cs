namespace CasPaxos.Checker.Tests;

/// <summary>The format of HISTORY-FORMAT.md, which is copied beside the tests.</summary>
public sealed class HistoryFormatTests
{
    [Fact]
    public void The_examples_of_the_page_parse_and_are_one_linearizable_history()
    {
        var examples = Examples();

        var history = examples.Select(History.Parse).ToList();

        Assert.Equal(examples, history.Select(History.Format));
        Assert.IsType<CheckResult.Linearizable>(LinearizabilityChecker.Check(history));
        Assert.Equal(7, history.Select(operation => operation.Action.GetType()).Distinct().Count());
        Assert.Equal(4, history.Select(operation => operation.Outcome.GetType()).Distinct().Count());
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Writing_then_reading_is_the_identity(int seed)
    {
        var random = new Random(seed);
        var options = new RandomHistoryOptions(Operations: 500, Clients: 5, UnknownPercent: 10);
        var history = Mutation.Of(RandomHistory.Generate(options, random, "schlüssel \"\n"), random, times: 500);
        history.Add(Op.By(1, 5, HistoryOperation.NeverEnded).Put("\u0000\ud83d\ude00").Unknown());
        using var text = new StringWriter();

        History.Write(text, history);

        using var reader = new StringReader(text.ToString());
        Assert.Equal(history, History.Read(reader));
    }

    [Fact]
    public void A_client_may_be_a_number()
    {
        const string line = """{"client":7,"key":"k","kind":"read","start":0,"end":1,"outcome":"unknown"}""";

        Assert.Equal("7", History.Parse(line).Client);
    }

    [Theory]
    [InlineData("""{"client":"1","key":"k","kind":"read","start":0,"outcome":"applied"}""")]
    [InlineData("""{"client":"1","key":"k","kind":"read","start":0,"end":1.5,"outcome":"applied"}""")]
    [InlineData("""{"client":"1","key":"k","kind":"steal","start":0,"end":1,"outcome":"applied"}""")]
    [InlineData("""{"client":"1","key":"k","kind":"read","start":0,"end":1,"outcome":"failed"}""")]
    [InlineData("""{"client":"1","key":"k","kind":"read","start":0,"end":1,"outcome":"applied","payload":"a"}""")]
    [InlineData("""{"client":"1","key":"k","kind":"read","start":0,"end":1,"outcome":"applied","current":"gone"}""")]
    [InlineData("""{"client":"1","key":"k","kind":"read","start":0,"end":1,"outcome":"applied","current":{"tag":1}}""")]
    [InlineData("""{"client":"1","key":"k","kind":"cas","payload":"a","start":0,"end":1,"outcome":"unknown"}""")]
    [InlineData("""{"client":"1","key":"k","kind":"delete","start":0,"end":1,"outcome":"refused","reason":"no"}""")]
    [InlineData("""{"client":"1","key":"k","kind":"put","payload":"base64:YQ==","start":0,"outcome":"unknown"}""")]
    [InlineData("""{"client":"1","key":"k","kind":"put","payload":"base64:?","start":0,"outcome":"unknown"}""")]
    [InlineData("nothing of the kind")]
    public void A_line_that_is_no_operation_is_an_error_that_names_the_line(string line)
    {
        using var reader = new StringReader("\n" + line + "\n");

        var failure = Assert.Throws<FormatException>(() => History.Read(reader));

        Assert.StartsWith("Line 2: ", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Every_payload_has_one_text_and_comes_back_from_it()
    {
        byte[][] payloads = [[], [0x61], [0xFF], [0xC3], [0xC3, 0xA4], [.. "base64:"u8], [.. "base64:YQ=="u8], [0]];

        var texts = payloads.Select(payload => PayloadText.FromBytes(payload)).ToList();

        Assert.Equal(payloads, texts.Select(PayloadText.ToBytes));
        Assert.Equal(payloads.Length, texts.Distinct().Count());
        Assert.Equal("ä", texts[4]);
    }

    private static List<string> Examples() =>
    [
        .. File.ReadLines(Path.Combine(AppContext.BaseDirectory, "HISTORY-FORMAT.md"))
            .SkipWhile(line => line != "```json")
            .Skip(1)
            .TakeWhile(line => line != "```"),
    ];
}
