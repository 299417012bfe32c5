using System.Runtime.Versioning;
using CasPaxos.Testing;

namespace CasPaxos.Docs.Tests;

/// <summary>Every command block of every page is run as it is written, in the order of the page.</summary>
[Collection(OneAtATime)]
[UnsupportedOSPlatform("windows")]
public sealed class CommandTests
{
    /// <summary>The tests that start clusters: a machine has room for one.</summary>
    internal const string OneAtATime = "clusters";

    /// <summary>The blocks that cannot be run here, and why.</summary>
    private static readonly Dictionary<string, string> NotRun = new()
    {
        ["./demo.sh"] = "builds while the tests run, and fails on a machine that is busy with them",
        ["./test.sh"] = "is the run that contains this test",
        ["dotnet run -c Release --project tests/CasPaxos.Orleans.Chaos -- --minutes 10 --seed 7"] =
            "takes ten minutes, and its verdict is about how long pauses are",
        ["dotnet run -c Release --project samples/Bank.Check"] = "is a part of ./test.sh by itself",
    };

    /// <summary>The blocks that go on until Ctrl-C, and what they print when they are ready.</summary>
    private static readonly Dictionary<string, string> UntilInterrupted = new()
    {
        ["dotnet run -c Release --project silo -- local"] = "Ctrl-C stops everything.",
        ["dotnet run -c Release --project samples/Bank -- --Databases:0 \"Host=…\" --Databases:1 \"Host=…\" " +
            "--Databases:2 \"Host=…\""] = "Application started.",
    };

    /// <summary>What a block must print, by a part of it: an exit code says little of some programs.</summary>
    private static readonly Dictionary<string, string[]> Prints = new()
    {
        ["curl -i http://127.0.0.1:8080/registers/basket/ada"] = ["HTTP/1.1 200", """["apples"]"""],
        ["-- status"] = ["quorum: yes (2 of 3 slots serve"],
        ["--project silo -- init"] = ["3 slots, 2 must promise, 2 must accept"],
        ["caspaxos import-adonet"] = ["0 rows"],
    };

    public static TheoryData<string> Pages =>
        [.. CommandBlock.Pages.Where(page => CommandBlock.OfPage(page).Count > 0)];

    [SkippableTheory]
    [MemberData(nameof(Pages))]
    public async Task Every_command_block_of_a_page_does_what_the_page_says(string page)
    {
        Skip.If(PostgresBinaries.SkipReason is not null, PostgresBinaries.SkipReason);
        await using var reader = await PageReader.OfAsync(page);

        foreach (var block in CommandBlock.OfPage(page).Where(block => !NotRun.ContainsKey(block.Text)))
        {
            var text = reader.Fill(block);
            if (UntilInterrupted.TryGetValue(block.Text, out var ready))
            {
                await reader.Shell.StartAsync(text, ready);
                continue;
            }

            var (exitCode, printed) = await reader.Shell.RunAsync(text);
            var report = $"{block.Page}:{block.Line} ended with {exitCode}:\n{text}\n\n{printed}";
            Assert.True(exitCode == 0, report);
            var awaited = Prints.Where(one => block.Text.Contains(one.Key, StringComparison.Ordinal))
                .SelectMany(one => one.Value);
            Assert.All(awaited, part => Assert.True(printed.Contains(part, StringComparison.Ordinal), report));
        }

        Assert.All(await reader.Shell.InterruptAsync(), exitCode => Assert.Equal(0, exitCode));
        Assert.Equal([], reader.Unused);
    }

    [Fact]
    public void The_lists_name_only_blocks_that_are_there()
    {
        var texts = CommandBlock.Pages.SelectMany(CommandBlock.OfPage).Select(block => block.Text).ToList();

        Assert.Equal([], NotRun.Keys.Concat(UntilInterrupted.Keys).Except(texts));
        Assert.Equal([], Prints.Keys.Where(part => !texts.Exists(text => text.Contains(part))));
    }
}
