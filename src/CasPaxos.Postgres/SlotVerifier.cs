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

        var problem = server.Problem ?? FindProblem(database) ?? servers.FindTwin(expected.Slot, server.Name);
        if (problem is not null)
        {
            throw new AcceptorUnavailableException($"{place} refuses to serve: {problem}", mayHaveTakenEffect: false);
        }
    }

    /// <summary>What keeps a database from being the acceptor meant; null if it is that.</summary>
    public string? FindProblem(DatabaseFacts? database) =>
        StoredIdentity.FindProblem(database?.Identity, expected.ClusterId, expected.Slot, expected.Incarnation);
}
