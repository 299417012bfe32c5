namespace CasPaxos.Silo;

/// <summary>Where silos find each other.</summary>
public enum ClusteringKind
{
    /// <summary>In the memory of one of them: for development on one machine.</summary>
    Localhost,

    /// <summary>In a PostgreSQL database, through Orleans' ADO.NET provider.</summary>
    AdoNet,

    /// <summary>In registers over independent PostgreSQL databases, of which any minority may be lost.</summary>
    CasPaxos,
}

/// <summary>This process; section <c>Silo</c>. What concerns the registers is in section <c>CasPaxos</c>.</summary>
public sealed class SiloHostOptions
{
    /// <summary>The section of the configuration.</summary>
    public const string Section = "Silo";

    /// <summary>The shortest <see cref="BearerToken"/>, in characters.</summary>
    public const int BearerTokenLengthMin = 16;

    /// <summary>The port for other silos. Default 11111; 1 to 65535.</summary>
    public int SiloPort { get; set; } = 11_111;

    /// <summary>The port for Orleans clients. Default 30000; 0 for none, to 65535.</summary>
    public int GatewayPort { get; set; } = 30_000;

    /// <summary>
    /// The address that other silos and clients reach this one at; it listens there and nowhere else unless
    /// <see cref="ListenOnAnyAddress"/> says so. Default 127.0.0.1.
    /// </summary>
    public string AdvertisedIPAddress { get; set; } = "127.0.0.1";

    /// <summary>
    /// Listens for silos and clients on every address of the machine, as where the advertised address is translated on
    /// the way. Default false.
    /// </summary>
    public bool ListenOnAnyAddress { get; set; }

    /// <summary>Names the Orleans cluster; the same for all silos and clients. Default <c>caspaxos</c>.</summary>
    public string ClusterId { get; set; } = "caspaxos";

    /// <summary>Names the Orleans service; the same for all silos and clients. Default <c>caspaxos</c>.</summary>
    public string ServiceId { get; set; } = "caspaxos";

    /// <summary>Names this silo in the status; null for <c>silo-</c> and the port for silos.</summary>
    public string? Name { get; set; }

    /// <summary>Where silos find each other. Default <see cref="ClusteringKind.Localhost"/>.</summary>
    public ClusteringKind Clustering { get; set; } = ClusteringKind.Localhost;

    /// <summary>
    /// The database of <see cref="ClusteringKind.AdoNet"/>: a PostgreSQL connection string, the same for all silos.
    /// </summary>
    [Redact]
    public string? ClusteringConnectionString { get; set; }

    /// <summary>
    /// The databases of <see cref="ClusteringKind.CasPaxos"/>: a PostgreSQL connection string for each slot, the same
    /// for all silos, in the same order. None, the default, for those of the register service's slots, if all slots
    /// are in PostgreSQL.
    /// </summary>
    [Redact]
    public IList<string> ClusteringDatabases { get; } = [];

    /// <summary>
    /// With <see cref="ClusteringKind.Localhost"/>, the <see cref="SiloPort"/> of the silo that keeps the membership;
    /// null for this one. 1 to 65535.
    /// </summary>
    public int? PrimarySiloPort { get; set; }

    /// <summary>
    /// How often silos ask each other for a sign of life, and how long they wait for it, at first; from the answers
    /// Orleans learns a time for each silo, between half of this and four times it. Default 5 s; 0.5 s to 1 min.
    /// Registers do not depend on it; what does is how soon the acceptors of a dead silo move to others.
    /// </summary>
    public TimeSpan ProbeTimeout { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>
    /// How many signs of life in a row a silo may miss before the others declare it dead. Default 3; 1 to 100.
    /// </summary>
    public int MissedProbesMax { get; set; } = 3;

    /// <summary>
    /// Where the HTTP API and the health checks are. Default http://127.0.0.1:8080: this machine only. With
    /// <c>https</c>, under the certificate of <see cref="Tls"/>. Where other machines reach it, it must be
    /// <c>https</c> and there must be a <see cref="BearerToken"/>, unless <see cref="AllowOpenHttp"/> is set.
    /// </summary>
    public string HttpUrl { get; set; } = "http://127.0.0.1:8080";

    /// <summary>
    /// True lets whoever reaches this machine use the HTTP API without <see cref="BearerToken"/>, or send it in the
    /// clear: for a network that lets nobody else in. Default false.
    /// </summary>
    public bool AllowOpenHttp { get; set; }

    /// <summary>
    /// Most connections of callers of the HTTP API; further ones are closed at once. Each may hold a value while it is
    /// sent. Default 1,000; 1 to 100,000.
    /// </summary>
    public int HttpConnectionsMax { get; set; } = 1_000;

    /// <summary>
    /// Most listings under way for callers of the HTTP API; further ones are answered with 429. Default 4; 1 to 1,000.
    /// </summary>
    public int HttpListingsMax { get; set; } = 4;

    /// <summary>
    /// What callers of the HTTP API must send as <c>Authorization: Bearer …</c>; null for nothing. At least 16
    /// characters.
    /// </summary>
    [Redact]
    public string? BearerToken { get; set; }

    /// <summary>
    /// How long a silo that is told to stop still answers, and says that it is not ready, so that callers turn to
    /// others. Default 1 s; 0 to 60 s.
    /// </summary>
    public TimeSpan DrainTime { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>
    /// How long requests that are under way when it stops may then take before they are broken off. Default 10 s; above
    /// 0, at most 5 min.
    /// </summary>
    public TimeSpan ShutdownTimeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>Encryption between silos, from clients, and of the HTTP API.</summary>
    public TlsSettings Tls { get; set; } = new();

    /// <summary>
    /// Where metrics and traces go by OTLP over gRPC, such as http://127.0.0.1:4317; null for nowhere.
    /// </summary>
    public string? OtlpEndpoint { get; set; }

    /// <summary>The name in the status: <see cref="Name"/>, or the default.</summary>
    public string EffectiveName => string.IsNullOrWhiteSpace(Name) ? $"silo-{SiloPort}" : Name;
}

/// <summary>TLS between silos, from Orleans clients and of the HTTP API; section <c>Silo:Tls</c>.</summary>
public sealed class TlsSettings
{
    /// <summary>
    /// This silo's certificate with its private key: PKCS#12, or PEM. Null for no TLS. It is shown to those who connect
    /// and to those it connects to, so a certificate that is limited to one of the two does not do.
    /// </summary>
    public string? CertificatePath { get; set; }

    /// <summary>The private key of a PEM certificate; null if it is in the same file.</summary>
    public string? CertificateKeyPath { get; set; }

    /// <summary>The password of the PKCS#12 file or of the private key; null for none.</summary>
    [Redact]
    public string? CertificatePassword { get; set; }

    /// <summary>
    /// The authorities, in PEM, of which one must have issued every other party's certificate, whatever name is in it;
    /// null for those that the system trusts, with the name checked.
    /// </summary>
    public string? AuthorityPath { get; set; }

    /// <summary>
    /// Mutual TLS: whoever connects, silo or Orleans client, must show a certificate too. Default true. Callers of the
    /// HTTP API show <see cref="SiloHostOptions.BearerToken"/> instead.
    /// </summary>
    public bool RequireClientCertificate { get; set; } = true;

    /// <summary>Whether revocation is checked. Default false: the system's lists must be reachable for it.</summary>
    public bool CheckRevocation { get; set; }

    /// <summary>True if there is a certificate.</summary>
    public bool Enabled => !string.IsNullOrWhiteSpace(CertificatePath);
}
