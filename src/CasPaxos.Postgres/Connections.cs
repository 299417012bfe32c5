using Npgsql;

namespace CasPaxos.Postgres;

/// <summary>Turns an application's connection string into connections that an acceptor may rely on.</summary>
internal static class Connections
{
    /// <summary>Reads a connection string and refuses what would make an acceptor unsafe.</summary>
    /// <exception cref="ArgumentException">Not a connection string, or one that names several servers.</exception>
    public static NpgsqlConnectionStringBuilder Parse(string connectionString, int slot)
    {
        NpgsqlConnectionStringBuilder settings;
        try
        {
            settings = new NpgsqlConnectionStringBuilder(connectionString);
        }
        catch (Exception failure) when (failure is ArgumentException or FormatException or KeyNotFoundException)
        {
            // Without the cause: its message may quote the string, and the string may hold a password.
            throw new ArgumentException(
                $"The connection string of slot {slot} cannot be read: it has an unknown keyword or a malformed value.",
                nameof(connectionString));
        }

        if (string.IsNullOrEmpty(settings.Host) || settings.Host.Contains(',', StringComparison.Ordinal))
        {
            throw new ArgumentException(
                $"The connection string of slot {slot} must name exactly one host: a slot is one server, and a " +
                "client that moves to another would find other promises there.",
                nameof(connectionString));
        }

        return settings;
    }

    /// <summary>Slot and where its connection string leads, for messages: no user and no password.</summary>
    public static string Place(NpgsqlConnectionStringBuilder settings, int slot) =>
        $"Slot {slot} at {settings.Host}:{settings.Port}/{settings.Database ?? settings.Username}";

    /// <summary>A pool of connections, each verified when it is opened.</summary>
    public static NpgsqlDataSource Open(
        NpgsqlConnectionStringBuilder given, PostgresAcceptorOptions options, Func<NpgsqlConnection, Task>? verify)
    {
        var statement = (long)options.StatementTimeout.TotalMilliseconds;
        var settings = new NpgsqlConnectionStringBuilder(given.ConnectionString)
        {
            ApplicationName = string.IsNullOrEmpty(given.ApplicationName) ? "caspaxos" : given.ApplicationName,
            MaxPoolSize = options.ConnectionsMax,
            MinPoolSize = 0,
            Pooling = true,
            Multiplexing = false, // Would share a connection's implicit transactions among batches.
            Enlist = false, // An ambient transaction would put off the commit that a reply has announced.
            NoResetOnClose = true, // No statement leaves anything behind in the session.
            MaxAutoPrepare = 16,
            AutoPrepareMinUsages = 1,
            Timeout = WholeSeconds(options.ConnectTimeout),
            // An acceptor, whose connections are verified, bounds its waiting itself, and never cancels: see there.
            CommandTimeout = verify is null ? WholeSeconds(options.StatementTimeout + options.AnswerGrace) : 0,
            CancellationTimeout = -1, // Break at once: a server that hangs does not answer a cancellation either.
            IncludeErrorDetail = false, // The detail quotes data.
            PersistSecurityInfo = false,
        };
        if (settings.KeepAlive == 0 && settings.TcpKeepAliveTime == 0)
        {
            settings.TcpKeepAlive = true; // Finds out that the other machine is gone, in the times that follow.
            settings.TcpKeepAliveTime = 10;
            settings.TcpKeepAliveInterval = 5;
        }

        // Ours last: the server takes the last of two settings of the same name. A lock that is waited for fails first,
        // so that it can be told from a slow disk.
        settings.Options = string.Join(
            ' ',
            given.Options,
            $"-c statement_timeout={statement}",
            $"-c lock_timeout={Math.Max(1, statement * 3 / 4)}",
            "-c synchronous_commit=on",
            @"-c default_transaction_isolation=read\ committed",
            "-c default_transaction_read_only=off").Trim();

        var builder = new NpgsqlSlimDataSourceBuilder(settings.ConnectionString);
        builder.EnableArrays();
        builder.EnableTransportSecurity();
        if (verify is not null)
        {
            builder.UsePhysicalConnectionInitializer(
                _ => throw new NotSupportedException("Acceptors open their connections asynchronously."), verify);
        }

        return builder.Build();
    }

    private static int WholeSeconds(TimeSpan time) => Math.Max(1, (int)Math.Ceiling(time.TotalSeconds));
}
