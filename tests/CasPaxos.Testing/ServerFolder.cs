namespace CasPaxos.Testing;

/// <summary>A temporary folder for a server's data; on request a small file system of its own.</summary>
internal sealed class ServerFolder
{
    private const string BallastName = "ballast";
    private const string SharedMemory = "/dev/shm";

    private readonly bool _mounted;
    private readonly bool _sudo;

    private ServerFolder(string path, bool mounted, bool sudo) => (Path, _mounted, _sudo) = (path, mounted, sudo);

    public string Path { get; }

    public string Data => System.IO.Path.Combine(Path, "data");

    public string Log => System.IO.Path.Combine(Path, "log");

    /// <summary>Creates the folder.</summary>
    /// <param name="sizeLimit">Bytes of the file system; null for a plain folder.</param>
    /// <param name="inMemory">Whether to put it into the memory that every Linux offers as a file system.</param>
    /// <exception cref="NotSupportedException">A file system is asked for, and we may not mount one.</exception>
    public static async Task<ServerFolder> CreateAsync(long? sizeLimit, bool inMemory)
    {
        var path = inMemory && Directory.Exists(SharedMemory)
            ? Directory.CreateDirectory($"{SharedMemory}/caspaxos-{Guid.NewGuid():n}").FullName
            : Directory.CreateTempSubdirectory("caspaxos-").FullName;
        var sudo = false;
        if (sizeLimit is { } size)
        {
            var owner = Processes.IsRoot ? "postgres" : Environment.UserName;
            string[] mount = ["mount", "-t", "tmpfs", "-o", $"size={size},mode=700,uid={owner}", "caspaxos", path];
            sudo = !Processes.IsRoot;
            var start = sudo
                ? Processes.Command("sudo", ["-n", .. mount])
                : Processes.Command(mount[0], mount.AsSpan(1));
            var (mounted, output) = await TryMountAsync(start);
            if (!mounted)
            {
                Directory.Delete(path);
                throw new NotSupportedException($"A small file system is needed and cannot be mounted: {output}");
            }
        }
        else if (Processes.IsRoot)
        {
            await Processes.RunAsync(Processes.Command("chown", "postgres", path));
        }

        return new ServerFolder(path, sizeLimit is not null, sudo);
    }

    /// <summary>Leaves no room on the small file system.</summary>
    public async Task FillAsync()
    {
        if (!_mounted)
        {
            throw new InvalidOperationException("Only a server that was started with a size limit can be filled.");
        }

        var ballast = System.IO.Path.Combine(Path, BallastName);
        try
        {
            await using var file = new FileStream(ballast, FileMode.Append, FileAccess.Write, FileShare.None, 1);
            var block = new byte[4096];
            while (true)
            {
                await file.WriteAsync(block);
            }
        }
        catch (IOException)
        {
            // Full, as wanted.
        }
    }

    /// <summary>Gives the room back.</summary>
    public void Free() => File.Delete(System.IO.Path.Combine(Path, BallastName));

    /// <summary>Removes everything. Does not throw: it also runs when the process ends.</summary>
    public void Remove()
    {
        try
        {
            if (_mounted)
            {
                var unmount = _sudo
                    ? Processes.Command("sudo", "-n", "umount", "--lazy", Path)
                    : Processes.Command("umount", "--lazy", Path);
                System.Diagnostics.Process.Start(unmount)?.WaitForExit();
            }

            Directory.Delete(Path, recursive: true);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            Console.Error.WriteLine($"The folder {Path} could not be removed: {failure.Message}");
        }
    }

    private static async Task<(bool Succeeded, string Output)> TryMountAsync(System.Diagnostics.ProcessStartInfo start)
    {
        try
        {
            return await Processes.TryRunAsync(start);
        }
        catch (System.ComponentModel.Win32Exception failure)
        {
            return (false, failure.Message);
        }
    }
}
