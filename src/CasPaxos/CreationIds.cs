using System.Buffers.Binary;
using System.Security.Cryptography;

namespace CasPaxos;

/// <summary>
/// Makes creation ids: fresh for every attempt (rules 17 and 19). An attempt that was never chosen may be followed by
/// another one that makes the same version of something else; one id for both would name two states.
/// </summary>
internal static class CreationIds
{
    private const int GuidBytes = 16;

    /// <param name="ballot">The ballot of the accept, which is used once (rule 7).</param>
    /// <param name="index">Which change of that accept creates.</param>
    public static Guid Of(Ballot ballot, int index)
    {
        Span<byte> name = stackalloc byte[GuidBytes + sizeof(long) + sizeof(int)];
        ballot.Proposer.Value.TryWriteBytes(name, bigEndian: true, out _);
        BinaryPrimitives.WriteInt64BigEndian(name[GuidBytes..], ballot.Counter);
        BinaryPrimitives.WriteInt32BigEndian(name[(GuidBytes + sizeof(long))..], index);
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(name, hash);
        return new Guid(hash[..GuidBytes], bigEndian: true);
    }
}
