using System.Security.Cryptography;
using System.Text;

namespace CasPaxos.Silo;

/// <summary>Compares what callers send with the configured token.</summary>
internal sealed class BearerToken
{
    private const string Scheme = "Bearer ";

    private readonly byte[]? _digest;

    public BearerToken(SiloHostOptions options) => _digest = options.BearerToken is { } token ? Digest(token) : null;

    /// <summary>True if no token is configured.</summary>
    public bool AdmitsAll => _digest is null;

    /// <summary>True if the request may pass: it holds the token, or none is configured.</summary>
    public bool Admits(HttpRequest request)
    {
        if (_digest is null)
        {
            return true;
        }

        // Digests have one length, so that the time of the comparison tells neither the letters nor their number.
        return request.Headers.Authorization is [{ } header]
            && header.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase)
            && CryptographicOperations.FixedTimeEquals(Digest(header[Scheme.Length..].Trim()), _digest);
    }

    private static byte[] Digest(string token) => SHA256.HashData(Encoding.UTF8.GetBytes(token));
}
