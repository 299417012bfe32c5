using System.CommandLine;
using System.Text;

namespace CasPaxos.Client;

/// <summary>Where a command's value comes from: exactly one of an argument, standard input and a file.</summary>
internal sealed class ValueSource
{
    /// <summary>More than any cluster accepts.</summary>
    private const int BytesMax = 64 * 1024 * 1024;

    private readonly Argument<string?> _value = new("VALUE")
    {
        Description = "The value, as UTF-8. Write -- before one that begins with a dash.",
        Arity = ArgumentArity.ZeroOrOne,
    };

    private readonly Option<bool> _stdin = new("--stdin") { Description = "Read the value from standard input." };

    private readonly Option<string?> _file = new("--file")
    {
        Description = "Read the value from a file.",
        HelpName = "FILE",
    };

    public void AddTo(Command command)
    {
        command.Add(_value);
        command.Add(_stdin);
        command.Add(_file);
    }

    /// <summary>The bytes.</summary>
    /// <exception cref="CommandFailedException">None or several are given, or the file cannot be read.</exception>
    public async Task<ReadOnlyMemory<byte>> ReadAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        var (value, stdin, file) = (parsed.GetValue(_value), parsed.GetValue(_stdin), parsed.GetValue(_file));
        if ((value is null ? 0 : 1) + (stdin ? 1 : 0) + (file is null ? 0 : 1) != 1)
        {
            throw CommandFailedException.Usage(
                "Give the value once: as VALUE (\"\" for an empty one), by --stdin or by --file FILE.");
        }

        try
        {
            if (value is not null)
            {
                return Encoding.UTF8.GetBytes(value);
            }

            await using var stream = stdin ? Console.OpenStandardInput() : File.OpenRead(file!);
            return await ReadAsync(stream, cancellationToken);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw CommandFailedException.Usage($"The value cannot be read: {failure.Message}");
        }
    }

    private static async Task<ReadOnlyMemory<byte>> ReadAsync(Stream stream, CancellationToken cancellationToken)
    {
        using var bytes = new MemoryStream();
        var buffer = new byte[81_920];
        int count;

        // Waited for beside the read: that of a terminal does not look at the token.
        while ((count = await stream.ReadAsync(buffer, cancellationToken).AsTask().WaitAsync(cancellationToken)) > 0)
        {
            bytes.Write(buffer, 0, count);
            if (bytes.Length > BytesMax)
            {
                throw CommandFailedException.Usage($"A value has at most {BytesMax} bytes, and the limit of the " +
                    "cluster may be lower (1 MiB if it is not set).");
            }
        }

        return bytes.ToArray();
    }
}
