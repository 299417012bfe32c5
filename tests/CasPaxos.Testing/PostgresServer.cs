using System.Diagnostics;
using Npgsql;

namespace CasPaxos.Testing;

/// <summary>
/// A real PostgreSQL server of its own, in a temporary folder, on a free port of the loopback interface; it can be
/// stopped, killed, paused and filled. Its flushes are real. Leaves nothing behind, also when the process ends early.
/// </summary>
public sealed class PostgresServer : IAsyncDisposable, ILeftover
{
    private readonly ServerFolder _folder;
    private readonly PostgresServerOptions _options;
    private Process? _postmaster;
    private bool _disposed;

    private PostgresServer(ServerFolder folder, PostgresServerOptions options)
    {
        _folder = folder;
        _options = options;
        Port = FreePorts.Next();
        LeftoverCollector.Add(this);
    }

    /// <summary>The port on 127.0.0.1. The same after a restart.</summary>
    public int Port { get; }

    /// <summary>Where the data is.</summary>
    public string DataFolder => _folder.Data;

    /// <summary>True from a start to the next stop or kill.</summary>
    public bool IsRunning => _postmaster is not null;

    /// <summary>A new server, running.</summary>
    /// <exception cref="NotSupportedException">A size limit is asked for, and nothing can be mounted.</exception>
    public static async Task<PostgresServer> StartAsync(PostgresServerOptions? options = null)
    {
        options ??= new PostgresServerOptions();
        var server = new PostgresServer(await ServerFolder.CreateAsync(options.SizeLimit, options.InMemory), options);
        try
        {
            await server.CreateDataAsync();
            await server.RestartAsync();
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    /// <summary>Leads to a database of the server, as its superuser.</summary>
    public string ConnectionString(string database = "postgres", string user = "postgres") =>
        $"Host=127.0.0.1;Port={Port};Database={database};Username={user}";

    /// <summary>Creates a database.</summary>
    /// <returns>Its connection string.</returns>
    public async Task<string> CreateDatabaseAsync(string name)
    {
        await ExecuteAsync($"CREATE DATABASE \"{name}\"");
        return ConnectionString(name);
    }

    /// <summary>Lets it read its settings and access rules again; connections made after this have them.</summary>
    public async Task ReloadAsync()
    {
        const string loaded = "SELECT pg_conf_load_time()";
        var before = await ExecuteAsync(loaded);
        await ExecuteAsync("SELECT pg_reload_conf()");
        while (Equals(await ExecuteAsync(loaded), before))
        {
            await Task.Delay(10);
        }
    }

    /// <summary>Runs statements as superuser, over a connection of their own.</summary>
    /// <returns>The first column of the first row; null if there is none.</returns>
    public async Task<object?> ExecuteAsync(string sql, string database = "postgres")
    {
        await using var connection = new NpgsqlConnection(ConnectionString(database) + ";Pooling=false");
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        return await command.ExecuteScalarAsync();
    }

    /// <summary>Starts it, or starts it again after a stop, a kill or a crash.</summary>
    public async Task RestartAsync()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (_postmaster is not null)
        {
            await StopAsync();
        }

        _postmaster = Process.Start(Processes.AsPostgresInto(
            _folder.Log, "postgres", "-D", _folder.Data, "-p", $"{Port}"))!;
        await WaitUntilReadyAsync();
    }

    /// <summary>Stops it in order: sessions are ended, nothing is lost.</summary>
    public Task StopAsync() => EndAsync(id => Processes.Signal(id, Processes.SigInt));

    /// <summary>Kills all of its processes at once. What the system has, it still writes: no loss of power.</summary>
    public Task KillAsync() => EndAsync(id =>
    {
        // Stopped first, so that it starts no new child while we count them.
        Processes.Signal(id, Processes.SigStop);
        foreach (var member in Processes.Family(id))
        {
            Processes.Signal(member, Processes.SigKill);
        }
    });

    /// <summary>Stops all of its processes where they are: connections stay open, and nothing is answered.</summary>
    public Task PauseAsync() => SignalAll(Processes.SigStop);

    /// <summary>Lets it go on after a pause.</summary>
    public Task ResumeAsync() => SignalAll(Processes.SigCont);

    /// <summary>Leaves no room on its file system. Needs <see cref="PostgresServerOptions.SizeLimit"/>.</summary>
    public Task FillDiskAsync() => _folder.FillAsync();

    /// <summary>Gives the room back.</summary>
    public Task FreeDiskAsync()
    {
        _folder.Free();
        return Task.CompletedTask;
    }

    /// <summary>What the server has logged.</summary>
    public string ReadLog() => File.Exists(_folder.Log) ? File.ReadAllText(_folder.Log) : "";

    /// <summary>Ends it at once and removes its folder.</summary>
    public ValueTask DisposeAsync()
    {
        Remove();
        return ValueTask.CompletedTask;
    }

    /// <summary>The same without waiting for tasks: for the end of the process.</summary>
    public void Remove()
    {
        if (_disposed)
        {
            return;
        }

        _disposed = true;
        LeftoverCollector.Forget(this);
        if (_postmaster is { } postmaster)
        {
            var family = Processes.Family(postmaster.Id);
            foreach (var member in family)
            {
                Processes.Signal(member, Processes.SigCont);
            }

            // Immediate shutdown: needs no room on the disk, and gives the shared memory back.
            Processes.Signal(postmaster.Id, Processes.SigQuit);
            if (!postmaster.WaitForExit(TimeSpan.FromSeconds(6)))
            {
                foreach (var member in Processes.Family(postmaster.Id))
                {
                    Processes.Signal(member, Processes.SigKill);
                }

                postmaster.WaitForExit();
            }

            postmaster.Dispose();
            _postmaster = null;
        }

        _folder.Remove();
    }

    private async Task CreateDataAsync()
    {
        if (_options.CopyOf is { } original)
        {
            await Processes.RunAsync(Processes.Command("cp", "-a", original.DataFolder, _folder.Data));
            File.Delete(Path.Combine(_folder.Data, "postmaster.pid"));
            if (_options.AsReplica)
            {
                await File.WriteAllTextAsync(Path.Combine(_folder.Data, "standby.signal"), "");
            }
        }
        else
        {
            // Only the creation is not flushed; the server itself flushes as in real life.
            await Processes.RunAsync(Processes.AsPostgres(
                "initdb", "-D", _folder.Data, "-U", "postgres", "--auth=trust", "--encoding=UTF8", "--no-locale",
                "--no-sync", "--wal-segsize=1"));
        }

        var settings = new Dictionary<string, string>
        {
            ["listen_addresses"] = "127.0.0.1",
            ["unix_socket_directories"] = "",
            ["shared_buffers"] = "64MB",
            ["max_connections"] = "100",
            ["min_wal_size"] = "4MB",
            ["max_wal_size"] = _options.SizeLimit is null ? "512MB" : "16MB",
            ["fsync"] = "on",
            ["log_line_prefix"] = "%m [%p] ",
            ["log_destination"] = "stderr",
            ["logging_collector"] = "off",
            ["deadlock_timeout"] = "200ms",
        };
        foreach (var (name, value) in _options.Settings)
        {
            settings[name] = value;
        }

        await File.AppendAllLinesAsync(
            Path.Combine(_folder.Data, "postgresql.conf"),
            settings.Select(setting => $"{setting.Key} = '{setting.Value}'"));
    }

    private async Task WaitUntilReadyAsync()
    {
        var deadline = DateTime.UtcNow.AddSeconds(30);
        while (true)
        {
            try
            {
                await using var connection = new NpgsqlConnection(ConnectionString() + ";Pooling=false;Timeout=5");
                await connection.OpenAsync();
                return;
            }
            catch (NpgsqlException) when (DateTime.UtcNow < deadline && !_postmaster!.HasExited)
            {
                await Task.Delay(30);
            }
            catch (NpgsqlException failure)
            {
                throw new InvalidOperationException($"The server did not start: {ReadLog()}", failure);
            }
        }
    }

    private async Task EndAsync(Action<int> end)
    {
        if (_postmaster is not { } postmaster)
        {
            return;
        }

        var family = Processes.Family(postmaster.Id);
        end(postmaster.Id);
        await postmaster.WaitForExitAsync();
        while (family.Any(Processes.IsAlive))
        {
            await Task.Delay(5);
        }

        postmaster.Dispose();
        _postmaster = null;
    }

    private Task SignalAll(int signal)
    {
        if (_postmaster is { } postmaster)
        {
            // The postmaster first: then there are no new children while the others are signalled.
            foreach (var member in Processes.Family(postmaster.Id))
            {
                Processes.Signal(member, signal);
            }
        }

        return Task.CompletedTask;
    }
}
