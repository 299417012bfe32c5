using CasPaxos.Registers;
using Npgsql;

namespace CasPaxos.Postgres;

/// <summary>
/// Checks each new connection of a slot before anything is asked over it: is what the server confirms durable, and is
/// the database the acceptor that it is taken for (rule 5)?
/// </summary>
/// <param name="place">Slot and address, for messages.</param>
/// <param name="expected">Which acceptor the database must be.</param>
/// <param name="options">Limits.</param>
/// <param name="servers">The servers of the cluster's other slots, as far as they were seen.</param>
internal sealed class SlotVerifier(
    string place, SlotIdentity expected, PostgresAcceptorOptions options, SlotServers servers)
{
    private readonly Lock _gate = new();
    private readonly List<SlotServers> _servers = [servers];
    private string? _server;

    /// <summary>One more that shares the connections, and has seen other slots' servers.</summary>
    /// <returns>False if the connections that are open must be verified anew.</returns>
    public bool Add(SlotServers more)
    {
        lock (_gate)
        {
            _servers.Add(more);
            return more.FindTwin(expected.Slot, _server) is null;
        }
    }

    /// <summary>One that shares them no more.</summary>
    public void Remove(SlotServers one)
    {
        lock (_gate)
        {
            _servers.Remove(one);
        }
    }

    /// <summary>Lets a connection pass or refuses it.</summary>
    /// <exception cref="AcceptorUnavailableException">The connection must not be used; says why.</exception>
    public async Task VerifyAsync(NpgsqlConnection connection)
    {
        // Npgsql gives its initializer no token, and the wait must end all the same.
        using var deadline = new CancellationTokenSource(options.ConnectTimeout);
        ServerFacts server;
        DatabaseFacts? database;
        try
        {
            server = await ServerFacts.ReadAsync(connection, deadline.Token);
            database = server.Problem is null ? await DatabaseFacts.ReadAsync(connection, deadline.Token) : null;
        }
        catch (Exception failure) when (Failures.IsStorageTrouble(failure))
        {
            throw Failures.Describe(place, failure, sent: false);
        }

        var problem = server.Problem ?? FindProblem(database) ?? FindTwin(server.Name);
        if (problem is not null)
        {
            throw new AcceptorUnavailableException($"{place} refuses to serve: {problem}", mayHaveTakenEffect: false);
        }
    }

    /// <summary>What keeps a database from being the acceptor meant; null if it is that.</summary>
    public string? FindProblem(DatabaseFacts? database) =>
        StoredIdentity.FindProblem(database?.Identity, expected.ClusterId, expected.Slot, expected.Incarnation);

    private string? FindTwin(string server)
    {
        lock (_gate)
        {
            _server = server;
            return _servers.Select(seen => seen.FindTwin(expected.Slot, server)).OfType<string>().FirstOrDefault();
        }
    }
}
