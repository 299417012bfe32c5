using System.Text.RegularExpressions;
using CasPaxos.Testing;

namespace CasPaxos.Docs.Tests;

/// <summary>No command of a page is overlooked.</summary>
public sealed class CommandBlockTests
{
    [Fact]
    public void Indented_blocks_and_fences_of_a_shell_are_found_with_their_lines()
    {
        string[] page =
        [
            "Text:", "", "    one \\", "      two", "",
            "1. An item:", "", "   ```sh", "   three", "     four", "   ```", "", "        of the item", "",
            "Text.", "", "```csharp", "    code", "```", "", "    five", "```", "six", "```",
        ];

        var blocks = CommandBlock.Find("a page", page);

        Assert.Equal(
            [(3, "one \\\n  two"), (9, "three\n  four"), (21, "five"), (23, "six")],
            blocks.Select(block => (block.Line, block.Text)));
    }

    [Fact]
    public void Every_line_that_looks_like_a_command_is_in_a_block()
    {
        var overlooked =
            from page in CommandBlock.Pages
            let blocks = CommandBlock.OfPage(page)
            from line in File.ReadLines(Checkout.PathOf(page)).Select((text, index) => (Text: text, Number: index + 1))
            where Regex.IsMatch(
                line.Text, @"^\s*(\$ |\./|(dotnet|caspaxos|caspaxos-silo|curl|initdb|pg_ctl|psql|export|apt-get) )")
            where !blocks.Any(block =>
                line.Number >= block.Line && line.Number < block.Line + block.Text.Split('\n').Length)
            select $"{page}:{line.Number}: {line.Text.Trim()}";

        Assert.Equal([], overlooked);
    }

    [Fact]
    public void Every_project_and_script_that_a_page_names_is_there()
    {
        var missing =
            from page in CommandBlock.Pages
            from Match named in Regex.Matches(
                File.ReadAllText(Checkout.PathOf(page)), @"--project ([^\s`]+)|[ `](\./[\w/]+\.sh|scripts/[\w-]+\.sh)")
            let path = named.Groups[1].Success ? named.Groups[1].Value : named.Groups[2].Value
            where !Directory.Exists(Checkout.PathOf(path)) && !File.Exists(Checkout.PathOf(path))
            select $"{page}: {path}";

        Assert.Equal([], missing);
    }
}
