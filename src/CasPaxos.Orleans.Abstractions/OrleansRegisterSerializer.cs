using CasPaxos.Registers;
using Orleans.Serialization;

namespace CasPaxos.Orleans;

/// <summary>Values by the application's Orleans serializer: what grains can be sent, registers can hold.</summary>
/// <typeparam name="T">The type of the values.</typeparam>
/// <param name="serializer">From the services of the silo or client.</param>
public sealed class OrleansRegisterSerializer<T>(Serializer<T> serializer) : IRegisterSerializer<T>
{
    /// <inheritdoc/>
    public ReadOnlyMemory<byte> Serialize(T value) => serializer.SerializeToArray(value);

    /// <inheritdoc/>
    public T Deserialize(ReadOnlyMemory<byte> bytes) => serializer.Deserialize(bytes)!; // What was serialized was a T.
}
