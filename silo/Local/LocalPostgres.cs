using System.Globalization;
using System.Runtime.Versioning;
using Npgsql;

namespace CasPaxos.Silo;

/// <summary>One PostgreSQL server of a development cluster, on the loopback interface.</summary>
[UnsupportedOSPlatform("windows")]
internal sealed class LocalPostgres
{
    private readonly string _programs;
    private readonly string _folder;
    private readonly string _password;

    public LocalPostgres(string programs, string folder, int port, string password)
    {
        _programs = programs;
        _folder = folder;
        _password = password;
        Port = port;
    }

    public int Port { get; }

    private string Data => Path.Combine(_folder, "data");

    private string Log => Path.Combine(_folder, "log");

    /// <summary>The folder of PostgreSQL's programs; null if it is not installed.</summary>
    public static string? FindPrograms()
    {
        var folders = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator).ToList();
        const string Debian = "/usr/lib/postgresql";
        if (Directory.Exists(Debian))
        {
            folders.AddRange(Directory.GetDirectories(Debian)
                .OrderByDescending(folder =>
                    int.TryParse(Path.GetFileName(folder), CultureInfo.InvariantCulture, out var version) ? version : 0)
                .Select(folder => Path.Combine(folder, "bin")));
        }

        return folders.Find(folder =>
            File.Exists(Path.Combine(folder, "initdb")) && File.Exists(Path.Combine(folder, "pg_ctl")));
    }

    public string ConnectionString(string database) => new NpgsqlConnectionStringBuilder
    {
        Host = "127.0.0.1",
        Port = Port,
        Database = database,
        Username = "postgres",
        Password = _password,
    }.ConnectionString;

    /// <summary>Makes the database where there is none, and starts the server.</summary>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        Directory.CreateDirectory(_folder);
        if (!File.Exists(Path.Combine(Data, "PG_VERSION")))
        {
            await CreateAsync(cancellationToken);
        }

        await RunAsync(
            "pg_ctl",
            [
                "start", "-w", "-t", "60", "-D", Data, "-l", Path.Combine(Data, "server.log"),
                "-o", $"-p {Port} -c listen_addresses=127.0.0.1 -c unix_socket_directories=''",
            ],
            cancellationToken);
    }

    /// <summary>Stops the server: sessions are ended, nothing is lost.</summary>
    public async Task StopAsync()
    {
        if (File.Exists(Path.Combine(Data, "postmaster.pid")))
        {
            await RunAsync("pg_ctl", ["stop", "-w", "-m", "fast", "-D", Data], CancellationToken.None);
        }
    }

    private async Task CreateAsync(CancellationToken cancellationToken)
    {
        var password = Path.Combine(_folder, "password");
        try
        {
            var forOwner = new FileStreamOptions
            {
                Mode = FileMode.CreateNew,
                Access = FileAccess.Write,
                UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite, // Not a moment for others.
            };
            await using (var file = new StreamWriter(password, forOwner))
            {
                await file.WriteAsync(_password.AsMemory(), cancellationToken);
            }

            if (Programs.IsRoot)
            {
                await Programs.RunAsync(Log, ["chown", "postgres", _folder, password], cancellationToken);
            }

            await RunAsync(
                "initdb",
                [
                    "-D", Data, "-U", "postgres", "--auth=scram-sha-256", $"--pwfile={password}", "--encoding=UTF8",
                    "--no-locale",
                ],
                cancellationToken);
        }
        finally
        {
            File.Delete(password);
        }
    }

    /// <summary>Runs a program of PostgreSQL, as the user <c>postgres</c> when we are root.</summary>
    private Task RunAsync(string program, string[] arguments, CancellationToken cancellationToken)
    {
        string[] user = Programs.IsRoot ? ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups"] : [];
        return Programs.RunAsync(Log, [.. user, Path.Combine(_programs, program), .. arguments], cancellationToken);
    }
}
