using System.Runtime.Versioning;
using CasPaxos.Local;

namespace CasPaxos.Silo;

/// <summary>Lets clients on this machine find a development cluster without options, where that is possible.</summary>
internal sealed class LocalAnnouncement
{
    private readonly string? _path; // Null: nothing was written.
    private readonly LocalContext _context;

    private LocalAnnouncement(string? path, LocalContext context, string text) =>
        (_path, _context, Text) = (path, context, text);

    /// <summary>How a client finds the cluster, for people.</summary>
    public string Text { get; }

    /// <summary>
    /// Writes the context file. One of another cluster that runs is left: its user must not find this one in its place.
    /// Without the file the cluster is as good, so what is in the way is told, and stops nothing.
    /// </summary>
    /// <param name="path">Of the file; null where there is no place for one.</param>
    /// <param name="context">The cluster.</param>
    [UnsupportedOSPlatform("windows")]
    public static LocalAnnouncement Make(string? path, LocalContext context)
    {
        var options = $"--cluster-id {context.ClusterId} --service-id {context.ServiceId} " +
            string.Join(' ', context.Gateways.Select(gateway => $"--gateway {gateway}"));
        LocalAnnouncement Nowhere(string why) => new(null, context, $"{why} caspaxos finds this one by {options}");

        if (path is null)
        {
            return Nowhere($"There is no home folder for the context file, and {ContextFile.Variable} names none.");
        }

        try
        {
            if (ContextFile.Read(path) is { IsAlive: true } other)
            {
                return Nowhere($"The context file {path} is of another cluster, which process {other.ProcessId} runs.");
            }

            ContextFile.Write(path, context);
            return new(path, context, $"caspaxos finds it without options, by the context file {path}.");
        }
        catch (ContextException failure)
        {
            return Nowhere(failure.Message);
        }
    }

    /// <summary>Removes the file, if it is still ours.</summary>
    public void Withdraw()
    {
        if (_path is not null)
        {
            ContextFile.Remove(_path, _context);
        }
    }
}
