using System.Net;
using CasPaxos.Orleans;
using Microsoft.Extensions.Options;
using Npgsql;

namespace CasPaxos.Silo;

/// <summary>
/// Names every setting that is wrong, so that an operator sees all of them at once. Quotes no secret.
/// </summary>
internal sealed class SiloHostOptionsValidator : IValidateOptions<SiloHostOptions>
{
    public ValidateOptionsResult Validate(string? name, SiloHostOptions options)
    {
        var errors = new ValidateOptionsResultBuilder();
        errors.Within(options.SiloPort, 1, IPEndPoint.MaxPort, nameof(options.SiloPort));
        errors.Within(options.GatewayPort, 0, IPEndPoint.MaxPort, nameof(options.GatewayPort));
        errors.Within(options.PrimarySiloPort ?? 1, 1, IPEndPoint.MaxPort, nameof(options.PrimarySiloPort));
        if (options.SiloPort == options.GatewayPort)
        {
            errors.AddError(
                $"{options.GatewayPort} is the {nameof(options.SiloPort)} too.", nameof(options.GatewayPort));
        }

        if (!IPAddress.TryParse(options.AdvertisedIPAddress, out var address)
            || address.Equals(IPAddress.Any) || address.Equals(IPAddress.IPv6Any))
        {
            errors.AddError(
                $"'{options.AdvertisedIPAddress}' is not an address that others can connect to.",
                nameof(options.AdvertisedIPAddress));
        }

        NotEmpty(options.ClusterId, nameof(options.ClusterId), errors);
        NotEmpty(options.ServiceId, nameof(options.ServiceId), errors);
        CheckClustering(options, errors);
        errors.Within(
            options.ProbeTimeout, TimeSpan.FromSeconds(0.5), TimeSpan.FromMinutes(1), nameof(options.ProbeTimeout));
        errors.Within(options.MissedProbesMax, 1, 100, nameof(options.MissedProbesMax));
        errors.Within(options.HttpConnectionsMax, 1, 100_000, nameof(options.HttpConnectionsMax));
        errors.Within(options.HttpListingsMax, 1, 1_000, nameof(options.HttpListingsMax));
        CheckHttp(options, errors);
        CheckTls(options.Tls, errors);
        errors.Within(options.DrainTime, TimeSpan.Zero, TimeSpan.FromMinutes(1), nameof(options.DrainTime));
        errors.Within(
            options.ShutdownTimeout, TimeSpan.FromTicks(1), TimeSpan.FromMinutes(5), nameof(options.ShutdownTimeout));
        return errors.Build();
    }

    private static void CheckClustering(SiloHostOptions options, ValidateOptionsResultBuilder errors)
    {
        const string Setting = nameof(options.ClusteringConnectionString);
        if (!Enum.IsDefined(options.Clustering))
        {
            errors.AddError(
                $"{options.Clustering} is not one of Localhost, AdoNet and CasPaxos.",
                nameof(options.Clustering));
        }
        else if (options.Clustering == ClusteringKind.AdoNet && string.IsNullOrWhiteSpace(
            options.ClusteringConnectionString))
        {
            errors.AddError("is missing: Clustering is AdoNet.", Setting);
        }

        if (!string.IsNullOrWhiteSpace(options.ClusteringConnectionString))
        {
            CheckConnection(options.ClusteringConnectionString, Setting, errors);
        }

        for (var slot = 0; slot < options.ClusteringDatabases.Count; slot++)
        {
            CheckConnection(
                options.ClusteringDatabases[slot], $"{nameof(options.ClusteringDatabases)}:{slot}", errors);
        }

        if (options.ClusteringDatabases.Count > Configuration.SlotsMax)
        {
            errors.AddError(
                $"there are {options.ClusteringDatabases.Count}; a cluster has at most {Configuration.SlotsMax}.",
                nameof(options.ClusteringDatabases));
        }
    }

    private static void CheckConnection(string connectionString, string setting, ValidateOptionsResultBuilder errors)
    {
        try
        {
            if (string.IsNullOrEmpty(new NpgsqlConnectionStringBuilder(connectionString).Host))
            {
                errors.AddError("names no host.", setting);
            }
        }
        catch (Exception failure) when (failure is ArgumentException or FormatException or KeyNotFoundException)
        {
            // Not the exception's message: it may quote the string, and the string may hold a password.
            errors.AddError("cannot be read: it has an unknown keyword or a malformed value.", setting);
        }
    }

    private static void CheckHttp(SiloHostOptions options, ValidateOptionsResultBuilder errors)
    {
        if (!Uri.TryCreate(options.HttpUrl, UriKind.Absolute, out var url)
            || (url.Scheme != Uri.UriSchemeHttp && url.Scheme != Uri.UriSchemeHttps)
            || url.PathAndQuery != "/"
            || url.UserInfo.Length > 0
            || !(IPAddress.TryParse(url.Host, out _) || IsLocalhost(options.HttpUrl)))
        {
            errors.AddError(
                $"'{options.HttpUrl}' is not an address such as http://127.0.0.1:8080: localhost, or an IP address.",
                nameof(options.HttpUrl));
        }
        else if (url.Scheme == Uri.UriSchemeHttps && !options.Tls.Enabled)
        {
            errors.AddError("is https, but there is no Tls:CertificatePath.", nameof(options.HttpUrl));
        }
        else if (!url.IsLoopback
            && !options.AllowOpenHttp
            && (options.BearerToken is null || url.Scheme != Uri.UriSchemeHttps))
        {
            errors.AddError(
                $"'{options.HttpUrl}' can be reached from other machines. Use https and a " +
                $"{nameof(options.BearerToken)}, or set {nameof(options.AllowOpenHttp)} where nobody else is on that " +
                "network.",
                nameof(options.HttpUrl));
        }

        if (options.BearerToken is { } token
            && (token.Length < SiloHostOptions.BearerTokenLengthMin || token.Any(letter => letter is < '!' or > '~')))
        {
            errors.AddError(
                $"needs at least {SiloHostOptions.BearerTokenLengthMin} characters of printable ASCII without blanks.",
                nameof(options.BearerToken));
        }

        if (options.OtlpEndpoint is { } endpoint
            && !(Uri.TryCreate(endpoint, UriKind.Absolute, out var otlp) && otlp.Scheme is "http" or "https"))
        {
            errors.AddError("is not an address such as http://127.0.0.1:4317.", nameof(options.OtlpEndpoint));
        }
    }

    /// <summary>By the text: .NET takes other names for it too, and the server listens everywhere then.</summary>
    private static bool IsLocalhost(string url) =>
        url.Split("//")[^1].Split(':', '/')[0].Equals("localhost", StringComparison.OrdinalIgnoreCase);

    private static void CheckTls(TlsSettings tls, ValidateOptionsResultBuilder errors)
    {
        if (!tls.Enabled && !string.IsNullOrWhiteSpace(tls.AuthorityPath))
        {
            errors.AddError(
                $"is missing, but there is an {nameof(tls.AuthorityPath)}.",
                $"Tls:{nameof(tls.CertificatePath)}");
        }

        foreach (var (path, setting) in (IEnumerable<(string?, string)>)
            [
                (tls.CertificatePath, nameof(tls.CertificatePath)),
                (tls.CertificateKeyPath, nameof(tls.CertificateKeyPath)),
                (tls.AuthorityPath, nameof(tls.AuthorityPath)),
            ])
        {
            if (!string.IsNullOrWhiteSpace(path) && !File.Exists(path))
            {
                errors.AddError($"there is no file '{path}'.", $"Tls:{setting}");
            }
        }
    }

    private static void NotEmpty(string value, string name, ValidateOptionsResultBuilder errors)
    {
        if (string.IsNullOrWhiteSpace(value))
        {
            errors.AddError("is empty.", name);
        }
    }
}
