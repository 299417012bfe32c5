using System.Buffers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace CasPaxos.Client;

/// <summary>Answers on standard output, everything else on standard error; no passwords on either.</summary>
internal sealed class Printer : IDisposable
{
    private static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private static readonly JsonWriterOptions Relaxed = new()
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, // For terminals and jq, never for a browser.
    };

    private readonly Stream _output = Console.OpenStandardOutput();

    /// <summary>True if answers are JSON.</summary>
    public bool Json { get; init; }

    /// <summary>A line of an answer.</summary>
    public void Line(string text) => _output.Write(Encoding.UTF8.GetBytes(text + "\n"));

    /// <summary>Bytes of an answer as they are; on a terminal with a line's end, so that the prompt is found.</summary>
    public void Raw(ReadOnlyMemory<byte> bytes)
    {
        _output.Write(bytes.Span);
        if (!Console.IsOutputRedirected && !bytes.Span.EndsWith("\n"u8))
        {
            _output.Write("\n"u8);
        }
    }

    /// <summary>One JSON object on a line of its own.</summary>
    public void Object(Action<Utf8JsonWriter> write)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, Relaxed))
        {
            json.WriteStartObject();
            write(json);
            json.WriteEndObject();
        }

        _output.Write(buffer.WrittenSpan);
        _output.Write("\n"u8);
    }

    /// <summary>A JSON writer that streams to standard output.</summary>
    public Utf8JsonWriter Stream() => new(_output, Relaxed);

    /// <summary>A message for people.</summary>
    /// <param name="text">May hold passwords of connection strings: they are masked.</param>
    /// <param name="command">A line for a shell, printed as it is; null for none.</param>
#pragma warning disable CA1822 // Belongs to what can be printed, as the rest.
    public void Note(string text, string? command = null) =>
        Console.Error.WriteLine(Redaction.Apply(text) + (command is null ? "" : $"\n  {command}"));
#pragma warning restore CA1822

    /// <summary>Writes bytes as text where they are UTF-8, else as base64, and says which.</summary>
    public static void WriteValue(Utf8JsonWriter json, ReadOnlyMemory<byte> value)
    {
        try
        {
            json.WriteString("value", Utf8.GetString(value.Span));
            json.WriteString("encoding", "utf-8");
        }
        catch (DecoderFallbackException)
        {
            json.WriteBase64String("value", value.Span);
            json.WriteString("encoding", "base64");
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _output.Dispose();
}
