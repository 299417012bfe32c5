using System.Runtime.Versioning;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace CasPaxos.Local;

/// <summary>
/// The file by which a client finds the cluster that <c>local</c> runs on this machine. The silo writes it, the client
/// reads it; both are built from this source.
/// </summary>
internal static class ContextFile
{
    /// <summary>The environment variable that names another file.</summary>
    public const string Variable = "CASPAXOS_CONTEXT";

    private static readonly JsonSerializerOptions Format = new(JsonSerializerDefaults.Web)
    {
        WriteIndented = true,
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = true,
    };

    /// <summary>Where the file is, or would be; null if nothing says so, not even a home folder.</summary>
    public static string? FindPath(Func<string, string?> environment)
    {
        if (environment(Variable) is { } named && !string.IsNullOrWhiteSpace(named))
        {
            return Path.GetFullPath(named);
        }

        var folder = Environment.GetFolderPath(
            Environment.SpecialFolder.LocalApplicationData, Environment.SpecialFolderOption.DoNotVerify);
        return folder.Length == 0 ? null : Path.Combine(folder, "caspaxos", "context.json");
    }

    /// <summary>What the file says, which may be of a cluster that is gone; null if there is no file.</summary>
    /// <exception cref="ContextException">It cannot be read, or is not of the format that is known.</exception>
    public static LocalContext? Read(string path)
    {
        try
        {
            using var document = JsonDocument.Parse(File.ReadAllBytes(path));

            // The version first: what else is in the file depends on it.
            return document.RootElement.ValueKind == JsonValueKind.Object
                && document.RootElement.TryGetProperty("version", out var written)
                && written.ValueKind == JsonValueKind.Number && written.TryGetInt32(out var version)
                ? Read(path, document, version)
                : throw new ContextException($"The context file {path} is none: it has no version. Remove it.");
        }
        catch (Exception absent) when (absent is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new ContextException($"The context file {path} cannot be read: {failure.Message}");
        }
        catch (JsonException malformed)
        {
            throw new ContextException($"The context file {path} is malformed; remove it. {malformed.Message}");
        }
    }

    /// <summary>Puts the file in the place of the one that may be there, all at once.</summary>
    /// <exception cref="ContextException">It cannot be written.</exception>
    [UnsupportedOSPlatform("windows")]
    public static void Write(string path, LocalContext context)
    {
        const UnixFileMode Owner = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        var unfinished = $"{path}.{Guid.NewGuid():n}";
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!, Owner | UnixFileMode.UserExecute);
            var options = new FileStreamOptions
            {
                Mode = FileMode.CreateNew,
                Access = FileAccess.Write,
                UnixCreateMode = Owner,
            };
            using (var file = new FileStream(unfinished, options))
            {
                JsonSerializer.Serialize(file, context, Format);
            }

            File.Move(unfinished, path, overwrite: true);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            if (File.Exists(unfinished))
            {
                File.Delete(unfinished);
            }

            throw new ContextException($"The context file {path} cannot be written: {failure.Message}");
        }
    }

    /// <summary>Removes the file if it is still of this cluster.</summary>
    public static void Remove(string path, LocalContext context)
    {
        try
        {
            if (Read(path) is { } found && found.ProcessMark == context.ProcessMark
                && found.ProcessId == context.ProcessId)
            {
                File.Delete(path);
            }
        }
        catch (Exception failure) when (failure is ContextException or IOException or UnauthorizedAccessException)
        {
            // Then it stays, and whoever reads it sees that its process is gone.
        }
    }

    private static LocalContext Read(string path, JsonDocument document, int version) =>
        version == LocalContext.CurrentVersion
            ? document.Deserialize<LocalContext>(Format) ?? throw new JsonException("it is empty.")
            : throw new ContextException(
                $"The context file {path} has version {version}, and this program knows version " +
                $"{LocalContext.CurrentVersion} only: use the silo and the client of one release.");
}

/// <summary>The context file is of no use; the message says which, why, and what to do.</summary>
internal sealed class ContextException(string message) : Exception(message);
