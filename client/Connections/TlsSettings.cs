using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace CasPaxos.Client;

/// <summary>How to be recognised by gateways, and how to recognise them.</summary>
/// <param name="Certificate">Ours; null for none.</param>
/// <param name="Authorities">Whom to trust; null for the system's.</param>
/// <param name="Insecure">Trust anybody.</param>
/// <param name="Host">The name that a gateway's certificate must have; null for its address.</param>
internal sealed record TlsSettings(
    X509Certificate2? Certificate, X509Certificate2Collection? Authorities, bool Insecure, string? Host)
{
    /// <summary>Loads the files; null if nothing asks for TLS.</summary>
    /// <exception cref="CommandFailedException">A file cannot be read, or two options contradict.</exception>
    public static TlsSettings? Read(
        string? certificateFile, string? password, string? authorityFile, bool insecure, string? host)
    {
        if (certificateFile is null && password is not null)
        {
            throw CommandFailedException.Usage("A TLS password without --tls-certificate opens nothing.");
        }

        if (authorityFile is not null && insecure)
        {
            throw CommandFailedException.Usage("--tls-ca and --tls-insecure contradict each other: choose one.");
        }

        return certificateFile is null && authorityFile is null && !insecure && host is null
            ? null
            : new TlsSettings(
                certificateFile is null
                    ? null
                    : Load(certificateFile, () => LoadCertificate(certificateFile, password)),
                authorityFile is null ? null : Load(authorityFile, () => LoadAuthorities(authorityFile)),
                insecure,
                host);
    }

    /// <summary>Whether a gateway is one.</summary>
    public bool Trusts(X509Certificate2? certificate, SslPolicyErrors errors)
    {
        if (Insecure || errors == SslPolicyErrors.None)
        {
            return true;
        }

        if (Authorities is null || certificate is null || errors != SslPolicyErrors.RemoteCertificateChainErrors)
        {
            return false;
        }

        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.AddRange(Authorities);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck; // A private authority has no list to ask.
        return chain.Build(certificate);
    }

    private static T Load<T>(string file, Func<T> load)
    {
        try
        {
            return load();
        }
        catch (Exception failure) when (failure is CryptographicException or IOException or UnauthorizedAccessException
            or ArgumentException)
        {
            throw CommandFailedException.Usage($"The TLS file '{file}' cannot be used: {failure.Message}");
        }
    }

    private static X509Certificate2 LoadCertificate(string file, string? password)
    {
        var isText = File.ReadAllBytes(file).AsSpan().IndexOf("-----BEGIN "u8) >= 0;
        return !isText ? X509CertificateLoader.LoadPkcs12FromFile(file, password)
            : password is null ? X509Certificate2.CreateFromPemFile(file)
            : X509Certificate2.CreateFromEncryptedPemFile(file, password);
    }

    private static X509Certificate2Collection LoadAuthorities(string file)
    {
        var authorities = new X509Certificate2Collection();
        authorities.ImportFromPemFile(file);
        return authorities.Count > 0 ? authorities : throw new CryptographicException("it holds no PEM certificate.");
    }
}
