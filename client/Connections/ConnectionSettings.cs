using System.CommandLine;
using System.Globalization;

namespace CasPaxos.Client;

/// <summary>Where the registers are, and how long to wait for them. Closed.</summary>
internal abstract record ConnectionSettings(TimeSpan Timeout)
{
    /// <summary>The databases themselves.</summary>
    /// <param name="ConnectionStrings">One a slot, in their order.</param>
    /// <param name="AllowSharedServer">For development: slots may share a server.</param>
    /// <param name="Timeout">Longest wait for an answer.</param>
    public sealed record Direct(IReadOnlyList<string> ConnectionStrings, bool AllowSharedServer, TimeSpan Timeout)
        : ConnectionSettings(Timeout);

    /// <summary>Silos.</summary>
    /// <param name="Gateways">Host and port of each; empty where the membership knows them.</param>
    /// <param name="Clustering">Connection string of the membership table; null for none.</param>
    /// <param name="Databases">Of the registers that hold the membership, one a slot; empty for none.</param>
    /// <param name="AllowSharedServer">For development: those may share a server.</param>
    /// <param name="ClusterId">The Orleans cluster.</param>
    /// <param name="ServiceId">The Orleans service.</param>
    /// <param name="Tls">Null for connections in the clear.</param>
    /// <param name="Verbose">Show logs.</param>
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
        TimeSpan Timeout) : ConnectionSettings(Timeout);

    /// <summary>Reads the options and the environment.</summary>
    /// <exception cref="CommandFailedException">They contradict each other, or one is out of its range.</exception>
    public static ConnectionSettings Read(ParseResult parsed, Func<string, string?> environment)
    {
        string? Text(Option<string?> option, string variable) => parsed.GetValue(option) ?? environment(variable);

        var timeout = ReadTimeout(parsed, environment);
        var (kind, values) = Choose(parsed, environment);
        return kind == "--direct"
            ? new Direct(values, parsed.GetValue(GlobalOptions.SharedServer), timeout)
            : new Silos(
                kind == "--gateway" ? values : [],
                kind == "--clustering-connection" ? values[0] : null,
                kind == "--clustering-database" ? values : [],
                parsed.GetValue(GlobalOptions.SharedServer),
                Text(GlobalOptions.ClusterId, "CASPAXOS_CLUSTER_ID") ?? "default",
                Text(GlobalOptions.ServiceId, "CASPAXOS_SERVICE_ID") ?? "default",
                TlsSettings.Read(
                    Text(GlobalOptions.TlsCertificate, "CASPAXOS_TLS_CERTIFICATE"),
                    Text(GlobalOptions.TlsPassword, "CASPAXOS_TLS_PASSWORD"),
                    Text(GlobalOptions.TlsAuthority, "CASPAXOS_TLS_CA"),
                    parsed.GetValue(GlobalOptions.TlsInsecure) || environment("CASPAXOS_TLS_INSECURE") is "1" or "true",
                    Text(GlobalOptions.TlsHost, "CASPAXOS_TLS_HOST")),
                parsed.GetValue(GlobalOptions.Verbose),
                timeout);
    }

    /// <summary>
    /// The one way that is given: on the command line, else in the environment, else the default gateway. Two ways at
    /// once may be two clusters, and nobody can know which is meant.
    /// </summary>
    private static (string Kind, string[] Values) Choose(ParseResult parsed, Func<string, string?> environment)
    {
        List<(string Kind, string[] Values)> given =
        [
            ("--gateway", parsed.GetValue(GlobalOptions.Gateway) ?? []),
            ("--clustering-connection", parsed.GetValue(GlobalOptions.Clustering) is { } one ? [one] : []),
            ("--clustering-database", parsed.GetValue(GlobalOptions.ClusteringDatabase) ?? []),
            ("--direct", parsed.GetValue(GlobalOptions.Direct) ?? []),
        ];
        given.RemoveAll(way => way.Values.Length == 0);
        if (given.Count == 0)
        {
            given =
            [
                ("--gateway", Split(environment("CASPAXOS_GATEWAYS"), [',', ' '])),
                ("--clustering-connection", Split(environment("CASPAXOS_CLUSTERING_CONNECTION"), [])),
                ("--clustering-database", Split(environment("CASPAXOS_CLUSTERING_DATABASES"), ['|'])),
                ("--direct", Split(environment("CASPAXOS_DIRECT"), ['|'])),
            ];
            given.RemoveAll(way => way.Values.Length == 0);
        }

        return given switch
        {
            [] => ("--gateway", ["127.0.0.1:30000"]),
            [var only] => only,
            _ => throw CommandFailedException.Usage(
                $"Only one of {string.Join(" and ", given.Select(way => way.Kind))} (or its environment variable) " +
                "can be used at a time."),
        };
    }

    private static string[] Split(string? text, char[] separators)
    {
        const StringSplitOptions Trimmed = StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries;
        return string.IsNullOrWhiteSpace(text) ? [] : separators.Length == 0 ? [text] : text.Split(separators, Trimmed);
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
