using System.Reflection;
using Npgsql;

namespace CasPaxos.Silo;

/// <summary>The membership tables of Orleans in PostgreSQL: <c>sql/orleans/clustering.sql</c>.</summary>
internal static class ClusteringTables
{
    /// <summary>Applies the script; makes the database where it is not there.</summary>
    /// <returns>Where, for people: without user and password.</returns>
    /// <exception cref="ClusteringException">It cannot be done; the message holds no secret.</exception>
    public static Task<string> ApplyAsync(string connectionString, CancellationToken cancellationToken) =>
        InWordsAsync(connectionString, async settings =>
        {
            try
            {
                await ExecuteAsync(settings, Script(), cancellationToken);
            }
            catch (PostgresException missing) when (missing.SqlState == PostgresErrorCodes.InvalidCatalogName)
            {
                await CreateDatabaseAsync(settings, cancellationToken);
                await ExecuteAsync(settings, Script(), cancellationToken);
            }
        });

    private static async Task<string> InWordsAsync(
        string connectionString, Func<NpgsqlConnectionStringBuilder, Task> work)
    {
        var settings = new NpgsqlConnectionStringBuilder(connectionString) { Pooling = false };
        var place = $"{settings.Host}:{settings.Port}/{settings.Database ?? settings.Username}";
        try
        {
            await work(settings);
            return place;
        }
        catch (Exception failure) when (failure is NpgsqlException or TimeoutException or IOException)
        {
            var reason = failure is PostgresException answer
                ? $"{answer.MessageText} (SQLSTATE {answer.SqlState})"
                : failure.Message;
            throw new ClusteringException($"The membership tables in {place} cannot be made: {reason}.", failure);
        }
    }

    private static async Task CreateDatabaseAsync(
        NpgsqlConnectionStringBuilder settings, CancellationToken cancellationToken)
    {
        var name = settings.Database!.Replace("\"", "\"\"", StringComparison.Ordinal);
        var server = new NpgsqlConnectionStringBuilder(settings.ConnectionString) { Database = "postgres" };
        await ExecuteAsync(server, $"CREATE DATABASE \"{name}\"", cancellationToken);
    }

    private static async Task ExecuteAsync(
        NpgsqlConnectionStringBuilder settings, string sql, CancellationToken cancellationToken)
    {
        await using var connection = new NpgsqlConnection(settings.ConnectionString);
        await connection.OpenAsync(cancellationToken);
        await using var command = connection.CreateCommand();
#pragma warning disable CA2100 // Our own script, and a quoted name.
        command.CommandText = sql;
#pragma warning restore CA2100
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    private static string Script()
    {
        using var stream = Assembly.GetExecutingAssembly().GetManifestResourceStream("sql/clustering.sql")
            ?? throw new InvalidOperationException("The silo was built without sql/clustering.sql.");
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }
}

/// <summary>The membership tables cannot be made.</summary>
internal sealed class ClusteringException(string message, Exception innerException)
    : Exception(message, innerException);
