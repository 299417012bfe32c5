using System.Text.RegularExpressions;
using CasPaxos.Testing;

namespace CasPaxos.Docs.Tests;

/// <summary>Commands that a page tells its reader to type: an indented block, or a fenced one of a shell.</summary>
/// <param name="Page">The file, from the root of the checkout on.</param>
/// <param name="Line">Where it begins; the first line of the page is 1.</param>
/// <param name="Text">As it is written, without the indentation.</param>
internal sealed partial record CommandBlock(string Page, int Line, string Text)
{
    private static readonly string[] Shells = ["", "sh", "bash", "shell", "console"];

    /// <summary>The pages for readers.</summary>
    public static IReadOnlyList<string> Pages { get; } =
    [
        .. new[] { Checkout.PathOf("README.md"), Checkout.PathOf("samples", "README.md") }
            .Concat(Directory.GetFiles(Checkout.PathOf("docs"), "*.md"))
            .Select(page => Path.GetRelativePath(Checkout.Root, page))
            .Order(StringComparer.Ordinal),
    ];

    /// <summary>The blocks of a page, in their order.</summary>
    public static IReadOnlyList<CommandBlock> OfPage(string page) =>
        Find(page, File.ReadAllLines(Checkout.PathOf(page)));

    /// <summary>The blocks in these lines.</summary>
    public static IReadOnlyList<CommandBlock> Find(string page, IReadOnlyList<string> lines)
    {
        var blocks = new List<CommandBlock>();
        var inList = false;
        for (var line = 0; line < lines.Count; line++)
        {
            var text = lines[line];
            var begin = line;
            if (Fence().Match(text) is { Success: true } fence)
            {
                var inside = new List<string>();
                while (++line < lines.Count && lines[line].Trim() != "```")
                {
                    inside.Add(lines[line][Math.Min(Indentation(lines[line]), fence.Groups[1].Length)..]);
                }

                if (Shells.Contains(fence.Groups[2].Value))
                {
                    blocks.Add(new CommandBlock(page, begin + 2, string.Join('\n', inside)));
                }
            }
            else if (!inList && Indentation(text) >= 4 && (line == 0 || lines[line - 1].Length == 0))
            {
                while (line + 1 < lines.Count && Indentation(lines[line + 1]) >= 4)
                {
                    line++;
                }

                var inside = lines.Take(line + 1).Skip(begin).Select(one => one[4..]);
                blocks.Add(new CommandBlock(page, begin + 1, string.Join('\n', inside)));
            }
            else if (text.Length > 0 && Indentation(text) == 0)
            {
                inList = ListItem().IsMatch(text); // What is indented below it belongs to the item.
            }
        }

        return blocks;
    }

    private static int Indentation(string line) => line.Length - line.TrimStart(' ').Length;

    [GeneratedRegex("^( *)```(.*)$")]
    private static partial Regex Fence();

    [GeneratedRegex(@"^([-*+]|\d+\.) ")]
    private static partial Regex ListItem();
}
