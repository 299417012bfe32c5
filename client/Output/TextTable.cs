using System.Text;

namespace CasPaxos.Client;

/// <summary>Rows in aligned columns.</summary>
internal sealed class TextTable(params string[] header)
{
    private readonly List<string[]> _rows = [header];

    public void Add(params string[] row) => _rows.Add(row);

    /// <summary>Lines without blanks at their ends.</summary>
    public IEnumerable<string> Lines()
    {
        var columns = Enumerable.Range(0, header.Length);
        var widths = columns.Select(column => _rows.Max(row => row[column].Length)).ToArray();
        foreach (var row in _rows)
        {
            var line = new StringBuilder();
            for (var column = 0; column < row.Length; column++)
            {
                line.Append(row[column].PadRight(widths[column] + 2));
            }

            yield return line.ToString().TrimEnd();
        }
    }
}
