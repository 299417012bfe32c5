using System.CommandLine;

namespace CasPaxos.Client;

/// <summary>Options of every command. Where one is missing, its environment variable counts.</summary>
internal static class GlobalOptions
{
    public static readonly Option<string[]> Gateway = new("--gateway")
    {
        Description = "A silo's gateway; repeatable. CASPAXOS_GATEWAYS, separated by commas. Default: those of the " +
            "context file, or else 127.0.0.1:30000.",
        HelpName = "HOST:PORT",
        Recursive = true,
    };

    public static readonly Option<string?> ClusterId = new("--cluster-id")
    {
        Description = "The Orleans cluster. CASPAXOS_CLUSTER_ID. Default: that of the context file with its " +
            "gateways, otherwise default, as Orleans has it.",
        HelpName = "ID",
        Recursive = true,
    };

    public static readonly Option<string?> ServiceId = new("--service-id")
    {
        Description = "The Orleans service. CASPAXOS_SERVICE_ID. Default: likewise.",
        HelpName = "ID",
        Recursive = true,
    };

    public static readonly Option<string?> Clustering = new("--clustering-connection")
    {
        Description = "PostgreSQL connection string of the Orleans membership table, instead of gateways. " +
            "CASPAXOS_CLUSTERING_CONNECTION.",
        HelpName = "STRING",
        Recursive = true,
    };

    public static readonly Option<string[]> ClusteringDatabase = new("--clustering-database")
    {
        Description = "The PostgreSQL database of a slot whose registers hold the Orleans membership, instead of " +
            "gateways; repeat for each slot, in order. CASPAXOS_CLUSTERING_DATABASES, separated by |, which a " +
            "quoted value may hold too.",
        HelpName = "STRING",
        Recursive = true,
    };

    public static readonly Option<string[]> Direct = new("--direct")
    {
        Description = "No silos: the PostgreSQL database of a slot; repeat for each slot, in order. CASPAXOS_DIRECT, " +
            "separated by |, which a quoted value may hold too.",
        HelpName = "STRING",
        Recursive = true,
    };

    public static readonly Option<bool> SharedServer = new("--allow-shared-server")
    {
        Description = "With --direct and --clustering-database, for development: slots may be databases of one server.",
        Recursive = true,
    };

    public static readonly Option<string?> TlsCertificate = new("--tls-certificate")
    {
        Description = "TLS with this client certificate and its key, PFX or PEM. CASPAXOS_TLS_CERTIFICATE.",
        HelpName = "FILE",
        Recursive = true,
    };

    public static readonly Option<string?> TlsPassword = new("--tls-password")
    {
        Description = "Password of that file. Others can see command lines: better CASPAXOS_TLS_PASSWORD.",
        HelpName = "PASSWORD",
        Recursive = true,
    };

    public static readonly Option<string?> TlsAuthority = new("--tls-ca")
    {
        Description = "TLS, and trust the gateways whose certificates this PEM file's authorities signed. " +
            "CASPAXOS_TLS_CA. Default: the system's authorities.",
        HelpName = "FILE",
        Recursive = true,
    };

    public static readonly Option<bool> TlsInsecure = new("--tls-insecure")
    {
        Description = "TLS, and trust anybody: for development. CASPAXOS_TLS_INSECURE=1.",
        Recursive = true,
    };

    public static readonly Option<string?> TlsHost = new("--tls-host")
    {
        Description = "TLS, and the name that the gateways' certificates must have. CASPAXOS_TLS_HOST. Default: the " +
            "host of the gateway.",
        HelpName = "NAME",
        Recursive = true,
    };

    public static readonly Option<double?> Timeout = new("--timeout")
    {
        Description = "Longest wait for an answer, and for a connection (at least 4); above 0, at most 600. " +
            "CASPAXOS_TIMEOUT. Default 5.",
        HelpName = "SECONDS",
        Recursive = true,
    };

    public static readonly Option<bool> Json = new("--json")
    {
        Description = "Print one JSON object.",
        Recursive = true,
    };

    public static readonly Option<bool> Verbose = new("--verbose")
    {
        Description = "Show the logs of Orleans on standard error.",
        Recursive = true,
    };

    public static IEnumerable<Option> All =>
    [
        Gateway, ClusterId, ServiceId, Clustering, ClusteringDatabase, TlsCertificate, TlsPassword, TlsAuthority,
        TlsInsecure, TlsHost, Direct, SharedServer, Timeout, Json, Verbose,
    ];
}
