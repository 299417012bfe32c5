using Npgsql;

namespace CasPaxos.Postgres;

/// <summary>
/// The way to one slot's database: a connection string, or a data source that the application has made and disposes of.
/// </summary>
/// <param name="ConnectionString">Null where there is a data source.</param>
/// <param name="DataSource">Null where there is a connection string.</param>
internal sealed record SlotDatabase(string? ConnectionString, NpgsqlDataSource? DataSource = null)
{
    /// <summary>Reads the settings and refuses what would make an acceptor unsafe.</summary>
    /// <exception cref="ArgumentException">They cannot be read, or lead to several servers.</exception>
    public NpgsqlConnectionStringBuilder Parse(int slot)
    {
        if (DataSource is NpgsqlMultiHostDataSource)
        {
            throw Connections.SeveralServers(slot, "data source");
        }

        return DataSource is null
            ? Connections.Parse(ConnectionString ?? "", slot)
            : Connections.Parse(DataSource.ConnectionString, slot, "data source");
    }

    /// <summary>Never the string itself: it may hold a password.</summary>
    public override string ToString() => DataSource is null ? "a connection string" : "a data source";
}
