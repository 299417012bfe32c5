using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using CasPaxos.Testing;
using Orleans.Connections.Security;

namespace CasPaxos.Client.Tests;

/// <summary>A silo that speaks TLS and asks clients for certificates.</summary>
[Collection(PostgresFixture.Collection)]
public sealed class TlsTests(PostgresFixture postgres)
{
    private const string Password = "geheim";

    [SkippableFact]
    public async Task Only_a_client_that_trusts_the_silo_and_has_a_certificate_gets_in()
    {
        Skip.If(PostgresBinaries.SkipReason is not null, PostgresBinaries.SkipReason);
        var folder = Directory.CreateTempSubdirectory("caspaxos-tls-").FullName;
        try
        {
            var (authority, ours) = (Path.Combine(folder, "ca.pem"), Path.Combine(folder, "client.pfx"));
            using var root = NewAuthority();
            using var server = NewCertificate(root, "silo.test");
            using var client = NewCertificate(root, "client.test");
            await File.WriteAllTextAsync(authority, root.ExportCertificatePem());
            await File.WriteAllBytesAsync(ours, client.Export(X509ContentType.Pfx, Password));
            await using var silo = await TestSilo.StartAsync(
                postgres.Cluster.ConnectionStrings, builder => Secure(builder, server));
            string[] tls = ["--tls-certificate", ours, "--tls-password", Password, "--tls-ca", authority];

            var address = await silo.RunAsync(["put", "tls/a", "v", .. tls]);
            var name = await silo.RunAsync(["get", "tls/a", .. tls, "--tls-host", "silo.test"]);
            var otherName = await silo.RunAsync(["get", "tls/a", .. tls, "--tls-host", "other.test"]);
            var unknownAuthority = await silo.RunAsync(["get", "tls/a", .. tls[..4]]);
            var insecure = await silo.RunAsync(["get", "tls/a", .. tls[..4], "--tls-insecure"]);
            var clear = await silo.RunAsync("get", "tls/a");
            var wrongPassword = await silo.RunAsync("get", "k", "--tls-certificate", ours, "--tls-password", "falsch");

            Assert.True(address.ExitCode == 0, address.ToString());
            Assert.Equal((0, "v"), (name.ExitCode, name.Text));
            Assert.Equal(0, insecure.ExitCode);
            Assert.Equal((6, 6, 6), (otherName.ExitCode, unknownAuthority.ExitCode, clear.ExitCode));
            Assert.Contains("TLS", clear.Errors);
            Assert.Equal(1, wrongPassword.ExitCode);
            Assert.DoesNotContain("falsch", wrongPassword.Errors);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static void Secure(ISiloBuilder builder, X509Certificate2 certificate) =>
        builder.UseTls(options =>
        {
            options.LocalCertificate = certificate;
            options.ClientCertificateMode = RemoteCertificateMode.RequireCertificate;
            options.RemoteCertificateValidation = static (remote, _, _) => remote is not null;
            options.OnAuthenticateAsClient = static (_, authentication) => authentication.TargetHost = "silo.test";
        });

    private static X509Certificate2 NewAuthority()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=test authority", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        return request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
    }

    private static X509Certificate2 NewCertificate(X509Certificate2 authority, string name)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(name);
        names.AddIpAddress(IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        using var signed = request.Create(
            authority, DateTimeOffset.UtcNow.AddHours(-1), DateTimeOffset.UtcNow.AddHours(1), [1, (byte)name.Length]);
        using var withKey = signed.CopyWithPrivateKey(key);
        return X509CertificateLoader.LoadPkcs12(withKey.Export(X509ContentType.Pfx), null);
    }
}
