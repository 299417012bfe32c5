using Npgsql;

namespace CasPaxos.Postgres;

/// <summary>Limits of one acceptor's connection to its database.</summary>
public sealed record PostgresAcceptorOptions
{
    /// <summary>The most connections in use for listings, beside <see cref="ConnectionsMax"/>: 2.</summary>
    public const int ScanConnectionsMax = 2;

    /// <summary>
    /// The longest that the server works on one batch before it rolls it back. Default 1 s; 10 ms to 60 s. A batch that
    /// got no answer at all is given up <see cref="AnswerGrace"/> later.
    /// </summary>
    public TimeSpan StatementTimeout { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>
    /// The longest wait for a connection: for a free one of the pool, or for a new one to open and be verified.
    /// Default 1 s; 10 ms to 60 s. A call therefore ends within the sum of this and the two other times.
    /// </summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>
    /// How long beyond <see cref="StatementTimeout"/> the server's answer may be on its way. Default 250 ms; 0 to 10 s.
    /// </summary>
    public TimeSpan AnswerGrace { get; init; } = TimeSpan.FromMilliseconds(250);

    /// <summary>
    /// The most connections to the database in use, so also the most batches under way. Default 4; 1 to 100. A few
    /// suffice: each carries a whole batch. What is idle is shared with others of this process.
    /// </summary>
    public int ConnectionsMax { get; init; } = 4;

    /// <summary>
    /// For development only: slots may be databases of one server, which then is a single point of failure. Reported as
    /// a warning instead of refused. Default false.
    /// </summary>
    public bool AllowSharedServer { get; init; }

    /// <summary>
    /// Finishes the data source of each slot: a password provider for tokens that rotate, certificates, Kerberos. Given
    /// the slot's number. Called whenever a pool is made, which is at the start and after a connection was lost. It
    /// must not change host, port and database, and sets no connection initializer; what an acceptor relies on is set
    /// after it. Not called for data sources that the application has made. Default null. From code only.
    /// </summary>
    public Action<int, NpgsqlDataSourceBuilder>? ConfigureDataSource { get; init; }

    /// <summary>Checks every setting.</summary>
    /// <exception cref="ArgumentException">One or more are outside their ranges; names all of them.</exception>
    internal void Validate()
    {
        var errors = new List<string>();
        CheckRange(errors, nameof(StatementTimeout), StatementTimeout, TimeSpan.FromMilliseconds(10), 60);
        CheckRange(errors, nameof(ConnectTimeout), ConnectTimeout, TimeSpan.FromMilliseconds(10), 60);
        CheckRange(errors, nameof(AnswerGrace), AnswerGrace, TimeSpan.Zero, 10);
        if (ConnectionsMax is < 1 or > 100)
        {
            errors.Add($"{nameof(ConnectionsMax)} is {ConnectionsMax}, must be 1 to 100.");
        }

        if (errors.Count > 0)
        {
            throw new ArgumentException(string.Join(' ', errors));
        }
    }

    private static void CheckRange(List<string> errors, string name, TimeSpan value, TimeSpan least, int mostSeconds)
    {
        if (value < least || value > TimeSpan.FromSeconds(mostSeconds))
        {
            errors.Add($"{name} is {value}, must be {least.TotalMilliseconds} ms to {mostSeconds} s.");
        }
    }
}
