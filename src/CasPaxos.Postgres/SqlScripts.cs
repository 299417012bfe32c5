using System.Reflection;

namespace CasPaxos.Postgres;

/// <summary>The statements of <c>sql/postgres</c>, the same files that an administrator can read and apply.</summary>
internal static class SqlScripts
{
    /// <summary>Of the tables and functions. A database with another one is refused.</summary>
    public const int FormatVersion = 3;

    /// <summary>All scripts of a new acceptor, in the order in which they are applied.</summary>
    public static string Everything() => string.Join(
        '\n', Read("schema.sql"), Read("functions.sql"), Read("single.sql"), Read("role.sql"));

    private static string Read(string file)
    {
        using var stream = Assembly.GetExecutingAssembly().GetManifestResourceStream($"sql/{file}")
            ?? throw new InvalidOperationException($"The library was built without sql/{file}.");
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }
}
