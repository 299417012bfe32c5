using System.Text.RegularExpressions;

namespace CasPaxos.Tidy.Tests;

/// <summary>
/// What of the house style a machine can check and the compiler does not. There is no list of exceptions.
/// </summary>
public sealed class TidyTests
{
    private const int LinesMax = 400;
    private const int ColumnsMax = 120;

    [Fact]
    public void No_source_file_is_longer_than_400_lines()
    {
        var boulders = Repository.Files("*.cs").Where(file => File.ReadLines(file).Count() > LinesMax);

        Assert.Equal([], boulders.Select(Repository.Relative));
    }

    [Fact]
    public void No_line_is_wider_than_120_columns()
    {
        var wide = from file in Repository.Files("*.cs", "*.sql", "*.sh")
                   from line in File.ReadLines(file).Select((text, index) => (Text: text, Number: index + 1))
                   where line.Text.Length > ColumnsMax
                   select $"{Repository.Relative(file)}:{line.Number}";

        Assert.Equal([], wide);
    }

    [Fact]
    public void Nothing_is_left_to_do_in_a_comment()
    {
        string[] words = ["TO" + "DO", "FIX" + "ME", "HA" + "CK:"];

        var marks = from file in Repository.Files("*.cs", "*.sql", "*.md")
                    let text = File.ReadAllText(file)
                    where words.Any(word => text.Contains(word, StringComparison.Ordinal))
                    select Repository.Relative(file);

        Assert.Equal([], marks);
    }

    [Fact]
    public void No_file_names_a_place_of_one_machine()
    {
        string[] places = ["/wo" + "rk/", "/ro" + "ot/", "/ho" + "me/"];
        string[] patterns = ["*.cs", "*.sql", "*.md", "*.sh", "*.csproj", "*.props", "*.sln", "*.slnf", "*.json"];

        var marks = from file in Repository.Files(patterns)
                    let text = File.ReadAllText(file)
                    where places.Any(place => text.Contains(place, StringComparison.Ordinal))
                    select Repository.Relative(file);

        Assert.Equal([], marks);
    }

    [Fact]
    public void Every_relative_link_of_a_page_leads_somewhere()
    {
        var broken = from page in Repository.Files("*.md")
                     from Match link in Regex.Matches(File.ReadAllText(page), @"\]\(([^)#:]+)(#[^)]*)?\)")
                     let target = Path.Combine(Path.GetDirectoryName(page)!, link.Groups[1].Value)
                     where !File.Exists(target) && !Directory.Exists(target)
                     select $"{Repository.Relative(page)}: {link.Groups[1].Value}";

        Assert.Equal([], broken);
    }
}
