using CasPaxos.Registers;

namespace CasPaxos.Postgres;

/// <summary>
/// The connections of this process to one slot's database, whoever asks it: clustering, grain storage, reminders and
/// the register service of a silo have one pool together. It is closed when the last of them lets go.
/// </summary>
/// <remarks>
/// How many connections each of them may have in use at a time is its own limit, kept by itself: a busy one never keeps
/// another waiting. What is idle serves all.
/// </remarks>
internal sealed class SharedConnections
{
    private static readonly Lock Registry = new();
    private static readonly Dictionary<Key, SharedConnections> Known = [];

    private readonly Key _key;
    private readonly SlotVerifier _verifier;
    private ConnectionPool _pool;
    private int _users;

    private SharedConnections(Key key, SlotVerifier verifier)
    {
        _key = key;
        _verifier = verifier;
        _pool = Open();
    }

    /// <summary>The pool to take connections from now.</summary>
    public ConnectionPool Pool => Volatile.Read(ref _pool);

    /// <summary>The pool of a slot; made if nobody has it yet.</summary>
    /// <param name="database">A connection string or a data source.</param>
    /// <param name="identity">Which acceptor it must be.</param>
    /// <param name="options">Limits, and the application's callback.</param>
    /// <param name="servers">The servers of the cluster's other slots, as far as this user saw them.</param>
    /// <exception cref="ArgumentException">
    /// The connection string is wrong, or the callback changed where it leads.
    /// </exception>
    public static SharedConnections Rent(
        SlotDatabase database, SlotIdentity identity, PostgresAcceptorOptions options, SlotServers servers)
    {
        var settings = database.Parse(identity.Slot);
        var key = new Key(
            database.DataSource is null
                ? new SlotDatabase(Connections.Effective(settings, options, verified: true).ConnectionString)
                : database,
            identity,
            options with { ConnectionsMax = 1 }); // A limit of the user, not of the pool.
        lock (Registry)
        {
            if (!Known.TryGetValue(key, out var shared))
            {
                var place = Connections.Place(settings, identity.Slot);
                shared = new SharedConnections(key, new SlotVerifier(place, identity, options, servers));
                Known.Add(key, shared);
            }
            else if (!shared._verifier.Add(servers))
            {
                shared.Renew(shared.Pool);
            }

            shared._users++;
            return shared;
        }
    }

    /// <summary>Lets go. Once for each <see cref="Rent"/>.</summary>
    public void Release(SlotServers servers)
    {
        _verifier.Remove(servers);
        lock (Registry)
        {
            if (--_users > 0)
            {
                return;
            }

            Known.Remove(_key);
        }

        Pool.Dispose();
    }

    /// <summary>
    /// Takes new connections from now on: those that hang would fill the pool, and the others are suspect.
    /// </summary>
    /// <param name="suspect">The pool that they are of; nothing is done if another call was first.</param>
    public void Renew(ConnectionPool suspect)
    {
        if (Pool != suspect)
        {
            return;
        }

        var fresh = Open();
        lock (Registry)
        {
            if (_pool == suspect && Known.ContainsKey(_key))
            {
                (_pool, fresh) = (fresh, suspect);
            }
        }

        fresh.Dispose();
    }

    private ConnectionPool Open() =>
        ConnectionPool.Open(_key.Database, _key.Identity.Slot, _key.Options, _verifier.VerifyAsync);

    /// <summary>What two users' connections must have in common to be shared: place, set-up, verification.</summary>
    private sealed record Key(SlotDatabase Database, SlotIdentity Identity, PostgresAcceptorOptions Options);
}
