namespace CasPaxos.Checker;

/// <summary>Histories as JSON lines, one operation a line; HISTORY-FORMAT.md describes every field.</summary>
public static partial class History
{
    /// <summary>Reads a history, without blank lines.</summary>
    /// <exception cref="FormatException">A line is no operation; the message names the line.</exception>
    public static IReadOnlyList<HistoryOperation> Read(TextReader reader)
    {
        ArgumentNullException.ThrowIfNull(reader);
        var operations = new List<HistoryOperation>();
        for (var line = 1; reader.ReadLine() is { } text; line++)
        {
            if (string.IsNullOrWhiteSpace(text))
            {
                continue;
            }

            try
            {
                operations.Add(Parse(text));
            }
            catch (FormatException failure)
            {
                throw new FormatException($"Line {line}: {failure.Message}", failure);
            }
        }

        return operations;
    }

    /// <summary>Writes a history, each line ended by a line feed.</summary>
    public static void Write(TextWriter writer, IEnumerable<HistoryOperation> history)
    {
        ArgumentNullException.ThrowIfNull(writer);
        ArgumentNullException.ThrowIfNull(history);
        foreach (var operation in history)
        {
            writer.Write(Format(operation));
            writer.Write('\n');
        }
    }
}
