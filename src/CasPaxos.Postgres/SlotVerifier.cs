using CasPaxos.Registers;
using Npgsql;

namespace CasPaxos.Postgres;

/// <summary>
/// Checks each new connection of a slot before anything is asked over it: is what the server confirms durable, and is
/// the database the acceptor that it is taken for (rule 5)?
/// </summary>
/// <param name="place">Slot and address, for messages.</param>
/// <param name="expected">Which acceptor the database must be.</param>
/// <param name="options">Limits, and whether slots may share a server.</param>
/// <param name="servers">The servers of the cluster's other slots, as far as they were seen.</param>
internal sealed class SlotVerifier(
    string place, SlotIdentity expected, PostgresAcceptorOptions options, ServerRegistry servers)
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

        if ((server.Problem ?? FindProblem(database) ?? FindTwin(server)) is { } problem)
        {
            throw new AcceptorUnavailableException($"{place} refuses to serve: {problem}", mayHaveTakenEffect: false);
        }
    }

    /// <summary>What keeps a database from being the acceptor meant; null if it is that.</summary>
    public string? FindProblem(DatabaseFacts? database)
    {
        const string remedy =
            "It may have forgotten promises. Give the slot a new, empty database as a new member; never restore an " +
            "old one.";
        return database switch
        {
            null => $"the database holds no acceptor: it was wiped, or never initialised. {remedy}",
            { FormatVersion: not SqlScripts.FormatVersion } =>
                $"its tables have format {database.FormatVersion}, this library reads {SqlScripts.FormatVersion}.",
            { Complete: false } =>
                "its initialisation was begun and not finished. Run the init again and let it resume.",
            _ when database.Identity.ClusterId != expected.ClusterId =>
                $"the database belongs to cluster {database.Identity.ClusterId}, not {expected.ClusterId}.",
            _ when database.Identity.Slot != expected.Slot =>
                $"the database is slot {database.Identity.Slot}, not {expected.Slot}: check the order of the " +
                "connection strings.",
            _ when database.Identity.Incarnation != expected.Incarnation =>
                $"the database is incarnation {database.Identity.Incarnation}, not {expected.Incarnation}. {remedy}",
            { Displaced.Length: > 0 } =>
                $"its {database.Displaced} is not the one it was initialised with: it is a copy, or was restored or " +
                $"promoted. {remedy}",
            _ => null,
        };
    }

    private string? FindTwin(ServerFacts server) =>
        servers.Claim(expected.Slot, server.SystemIdentifier) is { } twin && !options.AllowSharedServer
            ? $"slot {twin} is on the same server (system_identifier {server.SystemIdentifier}). One failure would " +
                "take both: slots need servers of their own. For development there is the option AllowSharedServer."
            : null;
}

/// <summary>
/// Which server each slot of a cluster is on. Shared by its slots, so that one which comes back late is compared too.
/// </summary>
internal sealed class ServerRegistry
{
    private readonly Lock _gate = new();
    private readonly Dictionary<long, int> _slots = [];

    /// <summary>Notes the server of a slot.</summary>
    /// <returns>Null, or another slot that was on that server first.</returns>
    public int? Claim(int slot, long systemIdentifier)
    {
        lock (_gate)
        {
            return _slots.TryAdd(systemIdentifier, slot) || _slots[systemIdentifier] == slot
                ? null
                : _slots[systemIdentifier];
        }
    }
}
