namespace CasPaxos.Testing;

/// <summary>Finds the programs of PostgreSQL on this machine.</summary>
public static class PostgresBinaries
{
    private static readonly Lazy<string?> FoundFolder = new(Find);

    /// <summary>The folder of <c>initdb</c> and <c>postgres</c>; null if there is none.</summary>
    public static string? Folder => FoundFolder.Value;

    /// <summary>
    /// Null if servers can be started here; otherwise why tests have to be skipped. On a build server nothing is
    /// skipped: where <c>CI</c> is set, a missing PostgreSQL is a failure.
    /// </summary>
    /// <exception cref="InvalidOperationException">There is no PostgreSQL, and <c>CI</c> is set.</exception>
    public static string? SkipReason
    {
        get
        {
            if (Folder is not null)
            {
                return null;
            }

            const string reason = "PostgreSQL is not installed: no initdb on PATH or in /usr/lib/postgresql/*/bin.";
            return string.IsNullOrEmpty(Environment.GetEnvironmentVariable("CI"))
                ? reason
                : throw new InvalidOperationException(reason + " CI is set, so this is a failure.");
        }
    }

    /// <summary>The path of a program.</summary>
    public static string PathOf(string program) =>
        Path.Combine(Folder ?? throw new InvalidOperationException(SkipReason), program);

    private static string? Find()
    {
        var candidates = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator).ToList();
        const string debian = "/usr/lib/postgresql";
        if (Directory.Exists(debian))
        {
            candidates.AddRange(Directory.GetDirectories(debian)
                .OrderByDescending(folder => int.TryParse(Path.GetFileName(folder), out var version) ? version : 0)
                .Select(folder => Path.Combine(folder, "bin")));
        }

        // A distribution may link single programs into a folder of PATH; all of them are where the link leads.
        return candidates
            .Select(folder => Path.Combine(folder, "initdb"))
            .Where(File.Exists)
            .Select(program => File.ResolveLinkTarget(program, returnFinalTarget: true)?.FullName ?? program)
            .Select(program => Path.GetDirectoryName(program)!)
            .FirstOrDefault(folder => File.Exists(Path.Combine(folder, "postgres")));
    }
}
