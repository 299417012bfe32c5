using System.Text.Json;

namespace CasPaxos.Registers;

/// <summary>Values as UTF-8 JSON.</summary>
/// <typeparam name="T">The type of the values.</typeparam>
/// <param name="options">How; null for <see cref="JsonSerializerOptions.Web"/>.</param>
public sealed class JsonRegisterSerializer<T>(JsonSerializerOptions? options = null) : IRegisterSerializer<T>
{
    private readonly JsonSerializerOptions _options = options ?? JsonSerializerOptions.Web;

    /// <inheritdoc/>
    public ReadOnlyMemory<byte> Serialize(T value) => JsonSerializer.SerializeToUtf8Bytes(value, _options);

    /// <inheritdoc/>
    public T Deserialize(ReadOnlyMemory<byte> bytes) => JsonSerializer.Deserialize<T>(bytes.Span, _options)!;
}
