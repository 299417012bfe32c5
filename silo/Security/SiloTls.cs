using System.Net;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Orleans.Connections.Security;

namespace CasPaxos.Silo;

/// <summary>TLS as configured: the certificate of this silo, and whose others it trusts.</summary>
internal sealed class SiloTls
{
    private readonly X509Certificate2Collection? _authorities;
    private readonly TlsSettings _settings;

    private SiloTls(TlsSettings settings, X509Certificate2 certificate, X509Certificate2Collection? authorities)
    {
        _settings = settings;
        _authorities = authorities;
        Certificate = certificate;
    }

    /// <summary>This silo's, with its private key.</summary>
    public X509Certificate2 Certificate { get; }

    /// <summary>Reads the files; null if there is no TLS.</summary>
    /// <exception cref="SettingsException">A file does not hold what it should.</exception>
    public static SiloTls? Load(TlsSettings settings) => settings.Enabled
        ? new SiloTls(
            settings,
            Read("CertificatePath", settings.CertificatePath!, path => LoadCertificate(path, settings)),
            string.IsNullOrWhiteSpace(settings.AuthorityPath)
                ? null
                : Read("AuthorityPath", settings.AuthorityPath, LoadAuthorities))
        : null;

    /// <summary>Between silos, and from clients.</summary>
    public void Configure(TlsOptions options)
    {
        options.LocalCertificate = Certificate;
        options.RemoteCertificateMode = _settings.RequireClientCertificate
            ? RemoteCertificateMode.RequireCertificate
            : RemoteCertificateMode.AllowCertificate;
        options.RemoteCertificateValidation = Validate;
        options.CheckCertificateRevocation = _settings.CheckRevocation;
        options.OnAuthenticateAsClient = (connection, authentication) =>
        {
            // Silos know each other by their addresses; without an authority of our own, they must be in certificates.
            authentication.TargetHost = (connection.RemoteEndPoint as IPEndPoint)?.Address.ToString() ?? "";
            authentication.CertificateRevocationCheckMode =
                _settings.CheckRevocation ? X509RevocationMode.Online : X509RevocationMode.NoCheck;
        };
    }

    private bool Validate(X509Certificate2 certificate, X509Chain? chain, SslPolicyErrors errors)
    {
        if (_authorities is null)
        {
            return errors == SslPolicyErrors.None;
        }

        using var own = new X509Chain();
        own.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        own.ChainPolicy.CustomTrustStore.AddRange(_authorities);
        own.ChainPolicy.RevocationMode =
            _settings.CheckRevocation ? X509RevocationMode.Online : X509RevocationMode.NoCheck;
        if (chain is not null)
        {
            own.ChainPolicy.ExtraStore.AddRange(chain.ChainPolicy.ExtraStore); // What the other side sent along.
        }

        return own.Build(certificate);
    }

    private static X509Certificate2 LoadCertificate(string path, TlsSettings settings)
    {
        if (!File.ReadAllText(path).Contains("-----BEGIN", StringComparison.Ordinal))
        {
            return X509CertificateLoader.LoadPkcs12FromFile(path, settings.CertificatePassword);
        }

        return string.IsNullOrEmpty(settings.CertificatePassword)
            ? X509Certificate2.CreateFromPemFile(path, settings.CertificateKeyPath)
            : X509Certificate2.CreateFromEncryptedPemFile(
                path, settings.CertificatePassword, settings.CertificateKeyPath);
    }

    private static X509Certificate2Collection LoadAuthorities(string path)
    {
        var authorities = new X509Certificate2Collection();
        authorities.ImportFromPemFile(path);
        return authorities.Count > 0 ? authorities : throw new CryptographicException("It holds no certificate.");
    }

    private static T Read<T>(string setting, string path, Func<string, T> read)
    {
        try
        {
            return read(path);
        }
        catch (Exception failure) when (failure is CryptographicException or IOException or ArgumentException
            or UnauthorizedAccessException)
        {
            throw new SettingsException([$"Silo:Tls:{setting}: '{path}' cannot be read. {failure.Message}"]);
        }
    }
}
