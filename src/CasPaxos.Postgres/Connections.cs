using Npgsql;

namespace CasPaxos.Postgres;

/// <summary>Turns an application's connection string into connections that an acceptor may rely on.</summary>
internal static class Connections
{
    /// <summary>The most that the driver allows.</summary>
    private const int PoolSizeMax = 1024;

    /// <summary>Reads a connection string and refuses what would make an acceptor unsafe.</summary>
    /// <exception cref="ArgumentException">Not a connection string, or one that names several servers.</exception>
    public static NpgsqlConnectionStringBuilder Parse(
        string connectionString, int slot, string what = "connection string")
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
                $"The {what} of slot {slot} cannot be read: it has an unknown keyword or a malformed value.",
                nameof(connectionString));
        }

        if (string.IsNullOrEmpty(settings.Host) || settings.Host.Contains(',', StringComparison.Ordinal))
        {
            throw SeveralServers(slot, what);
        }

        if (settings.Multiplexing && what == "data source")
        {
            throw new ArgumentException(
                $"The data source of slot {slot} multiplexes. It would share a connection's implicit transactions " +
                "among batches: switch Multiplexing off.",
                nameof(connectionString));
        }

        return settings;
    }

    /// <summary>Slot and where its connection string leads, for messages: no user and no password.</summary>
    public static string Place(NpgsqlConnectionStringBuilder settings, int slot) =>
        $"Slot {slot} at {settings.Host}:{settings.Port}/{settings.Database ?? settings.Username}";

    /// <summary>What is said of a way that does not lead to one server.</summary>
    public static ArgumentException SeveralServers(int slot, string what) => new(
        $"The {what} of slot {slot} must name exactly one host: a slot is one server, and a client that moves to " +
        "another would find other promises there.");

    /// <summary>A pool of connections, each verified when it is opened.</summary>
    /// <exception cref="ArgumentException">The application's callback changed where the connections lead.</exception>
    public static NpgsqlDataSource Open(
        NpgsqlConnectionStringBuilder given,
        int slot,
        PostgresAcceptorOptions options,
        Func<NpgsqlConnection, Task>? verify)
    {
        var builder = new NpgsqlDataSourceBuilder(Effective(given, options, verify is not null).ConnectionString);
        if (options.ConfigureDataSource is { } configure)
        {
            configure(slot, builder);
            var changed = builder.ConnectionStringBuilder;
            if ((changed.Host, changed.Port, changed.Database) != (given.Host, given.Port, given.Database))
            {
                throw new ArgumentException(
                    $"{nameof(options.ConfigureDataSource)} changed where slot {slot} leads. Name the host, the port " +
                    "and the database in the connection string.");
            }

            Secure(changed, options, verify is not null); // Whatever it changed, an acceptor relies on these.
        }

        if (verify is not null)
        {
            builder.UsePhysicalConnectionInitializer(
                _ => throw new NotSupportedException("Acceptors open their connections asynchronously."), verify);
        }

        return builder.Build();
    }

    /// <summary>The settings of an application's connection string, with those that an acceptor relies on.</summary>
    /// <param name="given">The application's.</param>
    /// <param name="options">Limits.</param>
    /// <param name="verified">True for the connections of an acceptor.</param>
    public static NpgsqlConnectionStringBuilder Effective(
        NpgsqlConnectionStringBuilder given, PostgresAcceptorOptions options, bool verified)
    {
        var settings = new NpgsqlConnectionStringBuilder(given.ConnectionString);
        settings.ApplicationName = string.IsNullOrEmpty(given.ApplicationName) ? "caspaxos" : given.ApplicationName;
        Secure(settings, options, verified);
        return settings;
    }

    /// <summary>What an acceptor's session is set to.</summary>
    public static IReadOnlyList<(string Name, string Value)> Session(PostgresAcceptorOptions options)
    {
        var statement = (long)options.StatementTimeout.TotalMilliseconds;

        // A lock that is waited for fails first, so that it can be told from a slow disk.
        return
        [
            ("statement_timeout", $"{statement}"),
            ("lock_timeout", $"{Math.Max(1, statement * 3 / 4)}"),
            ("synchronous_commit", "on"),
            ("default_transaction_isolation", "read committed"),
            ("default_transaction_read_only", "off"),
        ];
    }

    private static void Secure(NpgsqlConnectionStringBuilder settings, PostgresAcceptorOptions options, bool verified)
    {
        // Users limit themselves, so that a pool can be shared: see SharedConnections.
        settings.MaxPoolSize = verified ? PoolSizeMax : options.ConnectionsMax;
        settings.MinPoolSize = 0;
        settings.Pooling = true;
        settings.Multiplexing = false; // Would share a connection's implicit transactions among batches.
        settings.Enlist = false; // An ambient transaction would put off the commit that a reply has announced.
        settings.NoResetOnClose = true; // No statement leaves anything behind in the session.
        settings.MaxAutoPrepare = 16;
        settings.AutoPrepareMinUsages = 1;
        settings.Timeout = WholeSeconds(options.ConnectTimeout);

        // An acceptor, whose connections are verified, bounds its waiting itself, and never cancels: see there.
        settings.CommandTimeout = verified ? 0 : WholeSeconds(options.StatementTimeout + options.AnswerGrace);
        settings.CancellationTimeout = -1; // Break at once: a server that hangs answers no cancellation either.
        settings.IncludeErrorDetail = false; // The detail quotes data.
        settings.PersistSecurityInfo = false;
        if (settings.KeepAlive == 0 && settings.TcpKeepAliveTime == 0)
        {
            settings.TcpKeepAlive = true; // Finds out that the other machine is gone, in the times that follow.
            settings.TcpKeepAliveTime = 10;
            settings.TcpKeepAliveInterval = 5;
        }

        // Ours last: the server takes the last of two settings of the same name.
        var session = Session(options).Select(setting =>
            $"-c {setting.Name}={setting.Value.Replace(" ", @"\ ", StringComparison.Ordinal)}");
        var ours = string.Join(' ', session);
        settings.Options = settings.Options?.EndsWith(ours, StringComparison.Ordinal) == true
            ? settings.Options
            : $"{settings.Options} {ours}".Trim();
    }

    private static int WholeSeconds(TimeSpan time) => Math.Max(1, (int)Math.Ceiling(time.TotalSeconds));
}
