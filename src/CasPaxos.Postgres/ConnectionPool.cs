using System.Collections.Concurrent;
using System.Globalization;
using Npgsql;

namespace CasPaxos.Postgres;

/// <summary>Connections to one database, each set up and verified once, before it is used.</summary>
internal abstract class ConnectionPool : IDisposable
{
    /// <summary>Takes a connection.</summary>
    public abstract ValueTask<NpgsqlConnection> TakeAsync(CancellationToken cancellationToken);

    /// <summary>Gives it back, in whatever state it is.</summary>
    public abstract ValueTask GiveBackAsync(NpgsqlConnection connection);

    /// <summary>Closes what is idle now, and what is in use when it comes back.</summary>
    public abstract void Dispose();

    /// <param name="database">A connection string or a data source.</param>
    /// <param name="slot">The slot's number, for the application's callback.</param>
    /// <param name="options">Limits.</param>
    /// <param name="verify">Asked about every connection that is opened; null for none.</param>
    /// <exception cref="ArgumentException">The callback made a connection that leads elsewhere.</exception>
    public static ConnectionPool Open(
        SlotDatabase database, int slot, PostgresAcceptorOptions options, Func<NpgsqlConnection, Task>? verify) =>
        database.DataSource is { } given
            ? new Held(given, options, verify)
            : new Owned(Connections.Open(database.Parse(slot), slot, options, verify));

    /// <summary>The driver's own pool.</summary>
    private sealed class Owned(NpgsqlDataSource source) : ConnectionPool
    {
        public override ValueTask<NpgsqlConnection> TakeAsync(CancellationToken cancellationToken) =>
            source.OpenConnectionAsync(cancellationToken);

        public override ValueTask GiveBackAsync(NpgsqlConnection connection) => connection.DisposeAsync();

        public override void Dispose() => source.Dispose();
    }

    /// <summary>
    /// Connections of a data source that is the application's. It says nothing about when it opens one, and resets the
    /// session of one that is given back; so they are kept open here, set up and verified when they are first taken.
    /// </summary>
    private sealed class Held(
        NpgsqlDataSource source, PostgresAcceptorOptions options, Func<NpgsqlConnection, Task>? verify) : ConnectionPool
    {
        private readonly ConcurrentStack<NpgsqlConnection> _idle = new();
        private volatile bool _closed;

        public override async ValueTask<NpgsqlConnection> TakeAsync(CancellationToken cancellationToken)
        {
            while (_idle.TryPop(out var known))
            {
                if (known.State == System.Data.ConnectionState.Open)
                {
                    return known;
                }

                await known.DisposeAsync();
            }

            var connection = await source.OpenConnectionAsync(cancellationToken);
            try
            {
                await SetUpAsync(connection, cancellationToken);
                if (verify is not null)
                {
                    await verify(connection);
                }

                return connection;
            }
            catch
            {
                await connection.DisposeAsync();
                throw;
            }
        }

        public override async ValueTask GiveBackAsync(NpgsqlConnection connection)
        {
            if (!_closed && connection.State == System.Data.ConnectionState.Open)
            {
                _idle.Push(connection);
                if (!_closed)
                {
                    return;
                }

                Dispose(); // Closed meanwhile: what was pushed must not stay.
                return;
            }

            await connection.DisposeAsync();
        }

        public override void Dispose()
        {
            _closed = true;
            while (_idle.TryPop(out var connection))
            {
                connection.Dispose();
            }
        }

        private async Task SetUpAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
        {
            await using var command = connection.CreateCommand();
#pragma warning disable CA2100 // Numbers and words of our own.
            command.CommandText = string.Join(';', Connections.Session(options).Select(setting =>
                string.Create(CultureInfo.InvariantCulture, $"SET {setting.Name} = '{setting.Value}'")));
#pragma warning restore CA2100
            await command.ExecuteNonQueryAsync(cancellationToken);
        }
    }
}
