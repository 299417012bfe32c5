using System.CommandLine;
using System.Globalization;

namespace CasPaxos.Client;

/// <summary>Where the registers are, and how long to wait for them. Closed.</summary>
/// <param name="Origin">Who has named them.</param>
/// <param name="Timeout">Longest wait for an answer.</param>
internal abstract record ConnectionSettings(ConnectionOrigin Origin, TimeSpan Timeout)
{
    /// <summary>The databases themselves.</summary>
    /// <param name="ConnectionStrings">One a slot, in their order.</param>
    /// <param name="AllowSharedServer">For development: slots may share a server.</param>
    /// <param name="Origin">Who has named them.</param>
    /// <param name="Timeout">Longest wait for an answer.</param>
    public sealed record Direct(
        IReadOnlyList<string> ConnectionStrings, bool AllowSharedServer, ConnectionOrigin Origin, TimeSpan Timeout)
        : ConnectionSettings(Origin, Timeout);

    /// <summary>Silos.</summary>
    /// <param name="Gateways">Host and port of each; empty where the membership knows them.</param>
    /// <param name="Clustering">Connection string of the membership table; null for none.</param>
    /// <param name="Databases">Of the registers that hold the membership, one a slot; empty for none.</param>
    /// <param name="AllowSharedServer">For development: those may share a server.</param>
    /// <param name="ClusterId">The Orleans cluster.</param>
    /// <param name="ServiceId">The Orleans service.</param>
    /// <param name="Tls">Null for connections in the clear.</param>
    /// <param name="Verbose">Show logs.</param>
    /// <param name="Origin">Who has named them.</param>
    /// <param name="Timeout">Longest wait for an answer.</param>
    public sealed record Silos(
        IReadOnlyList<string> Gateways,
        string? Clustering,
        IReadOnlyList<string> Databases,
        bool AllowSharedServer,
        string ClusterId,
        string ServiceId,
        TlsSettings? Tls,
        bool Verbose,
        ConnectionOrigin Origin,
        TimeSpan Timeout) : ConnectionSettings(Origin, Timeout);

    /// <summary>Reads the options, the environment and, if neither names a cluster, the context file.</summary>
    /// <exception cref="CommandFailedException">
    /// They contradict each other, one is out of its range, or the context file is of no use.
    /// </exception>
    public static ConnectionSettings Read(ParseResult parsed, Func<string, string?> environment)
    {
        string? Text(Option<string?> option, string variable) => parsed.GetValue(option) ?? environment(variable);

        var timeout = ReadTimeout(parsed, environment);
        var clusterId = Text(GlobalOptions.ClusterId, "CASPAXOS_CLUSTER_ID");
        var serviceId = Text(GlobalOptions.ServiceId, "CASPAXOS_SERVICE_ID");
        var (kind, values, origin) = Choose(parsed, environment)
            ?? Default(clusterId is not null || serviceId is not null, environment);
        var context = (origin as ConnectionOrigin.Context)?.Cluster;
        return kind == "--direct"
            ? new Direct(values, parsed.GetValue(GlobalOptions.SharedServer), origin, timeout)
            : new Silos(
                kind == "--gateway" ? values : [],
                kind == "--clustering-connection" ? values[0] : null,
                kind == "--clustering-database" ? values : [],
                parsed.GetValue(GlobalOptions.SharedServer),
                clusterId ?? context?.ClusterId ?? "default",
                serviceId ?? context?.ServiceId ?? "default",
                TlsSettings.Read(
                    Text(GlobalOptions.TlsCertificate, "CASPAXOS_TLS_CERTIFICATE"),
                    Text(GlobalOptions.TlsPassword, "CASPAXOS_TLS_PASSWORD"),
                    Text(GlobalOptions.TlsAuthority, "CASPAXOS_TLS_CA"),
                    parsed.GetValue(GlobalOptions.TlsInsecure) || environment("CASPAXOS_TLS_INSECURE") is "1" or "true",
                    Text(GlobalOptions.TlsHost, "CASPAXOS_TLS_HOST")),
                parsed.GetValue(GlobalOptions.Verbose),
                origin,
                timeout);
    }

    /// <summary>
    /// The one way that is given: on the command line, else in the environment; null if none is. Two ways at once may
    /// be two clusters, and nobody can know which is meant.
    /// </summary>
    private static (string Kind, string[] Values, ConnectionOrigin Origin)? Choose(
        ParseResult parsed, Func<string, string?> environment)
    {
        List<(string Kind, string[] Values, ConnectionOrigin Origin)> given =
        [
            ("--gateway", parsed.GetValue(GlobalOptions.Gateway) ?? [], Option("--gateway")),
            (
                "--clustering-connection",
                parsed.GetValue(GlobalOptions.Clustering) is { } one ? [one] : [],
                Option("--clustering-connection")),
            (
                "--clustering-database",
                parsed.GetValue(GlobalOptions.ClusteringDatabase) ?? [],
                Option("--clustering-database")),
            ("--direct", parsed.GetValue(GlobalOptions.Direct) ?? [], Option("--direct")),
        ];
        given.RemoveAll(way => way.Values.Length == 0);
        if (given.Count == 0)
        {
            given =
            [
                Variable("--gateway", "CASPAXOS_GATEWAYS", static text => text.Split(
                    [',', ' '], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)),
                Variable("--clustering-connection", "CASPAXOS_CLUSTERING_CONNECTION", static text => [text]),
                Variable("--clustering-database", "CASPAXOS_CLUSTERING_DATABASES", ConnectionText.Split),
                Variable("--direct", "CASPAXOS_DIRECT", ConnectionText.Split),
            ];
            given.RemoveAll(way => way.Values.Length == 0);
        }

        return given switch
        {
            [] => null,
            [var only] => only,
            _ => throw CommandFailedException.Usage(
                $"Only one of {string.Join(" and ", given.Select(way => way.Kind))} (or its environment variable) " +
                "can be used at a time."),
        };

        static ConnectionOrigin Option(string name) => new ConnectionOrigin.Given($"{name} on the command line");

        (string, string[], ConnectionOrigin) Variable(string kind, string name, Func<string, string[]> split) => (
            kind,
            environment(name) is { } text && !string.IsNullOrWhiteSpace(text) ? split(text) : [],
            new ConnectionOrigin.Given($"the variable {name}"));
    }

    /// <summary>The cluster of the context file, or else the gateway that Orleans uses by default.</summary>
    private static (string Kind, string[] Values, ConnectionOrigin Origin) Default(
        bool named, Func<string, string?> environment)
    {
        // Whoever names a cluster means that one, and not whichever runs here.
        var origin = named ? new ConnectionOrigin.Assumed(ContextPath: null) : ConnectionOrigin.Find(environment);
        string[] gateways = origin is ConnectionOrigin.Context { Cluster: var cluster }
            ? [.. cluster.Gateways]
            : ["127.0.0.1:30000"];
        return ("--gateway", gateways, origin);
    }

    private static TimeSpan ReadTimeout(ParseResult parsed, Func<string, string?> environment)
    {
        var seconds = parsed.GetValue(GlobalOptions.Timeout);
        if (seconds is null && environment("CASPAXOS_TIMEOUT") is { Length: > 0 } text)
        {
            seconds = double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number)
                ? number
                : throw CommandFailedException.Usage($"CASPAXOS_TIMEOUT is '{text}', which is no number of seconds.");
        }

        return seconds switch
        {
            null => TimeSpan.FromSeconds(5),
            >= 0.001 and <= 600 => TimeSpan.FromSeconds(seconds.Value),
            _ => throw CommandFailedException.Usage("A timeout is above 0 and at most 600 seconds."),
        };
    }
}
