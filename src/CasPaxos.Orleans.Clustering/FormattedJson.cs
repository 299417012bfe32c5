using System.Text.Json;

namespace CasPaxos.Orleans;

/// <summary>JSON in a register, whose property <c>format</c> says by which version it is to be understood.</summary>
internal static class FormattedJson
{
    /// <summary>Reads it.</summary>
    /// <param name="key">The register, for messages.</param>
    /// <param name="what">What it is to hold, for messages.</param>
    /// <param name="known">The only format that is understood.</param>
    /// <param name="options">How the rest is written.</param>
    /// <param name="json">The text; what cannot be unpacked is as wrong as what cannot be parsed.</param>
    /// <exception cref="InvalidDataException">It holds something else, or is of another version.</exception>
    public static T Decode<T>(
        RegisterKey key, string what, int known, JsonSerializerOptions options, Func<ReadOnlyMemory<byte>> json)
    {
        try
        {
            // The format first: what a newer one means by the other names is not known.
            using var document = JsonDocument.Parse(json());
            var format = document.RootElement.GetProperty("format").GetInt32();
            return format == known
                ? document.Deserialize<T>(options)!
                : throw new InvalidDataException(
                    $"Register '{key}' holds the {what} in format {format}; this silo knows format {known}. " +
                    "It is not touched.");
        }
        catch (Exception failure)
            when (failure is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            throw new InvalidDataException($"Register '{key}' holds no {what}: {failure.Message}", failure);
        }
    }
}
