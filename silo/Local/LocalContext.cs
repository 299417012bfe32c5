using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Serialization;

namespace CasPaxos.Local;

/// <summary>A cluster on this machine, as <see cref="ContextFile"/> keeps it. It holds no secret.</summary>
/// <param name="Version">Of the format.</param>
/// <param name="ProcessId">The process that runs the cluster.</param>
/// <param name="ProcessMark">Tells that process from a later one with its id.</param>
/// <param name="ClusterId">The Orleans cluster.</param>
/// <param name="ServiceId">The Orleans service.</param>
/// <param name="Gateways">Host and port of each silo's gateway.</param>
/// <param name="HttpUrls">The address of each silo's HTTP API.</param>
internal sealed record LocalContext(
    int Version,
    int ProcessId,
    string ProcessMark,
    string ClusterId,
    string ServiceId,
    IReadOnlyList<string> Gateways,
    IReadOnlyList<string> HttpUrls)
{
    /// <summary>The one version that this program writes and reads.</summary>
    public const int CurrentVersion = 1;

    /// <summary>True while the process is there that runs the cluster.</summary>
    [JsonIgnore]
    public bool IsAlive => ProcessMark == MarkOf(ProcessId);

    /// <summary>A cluster that this process runs.</summary>
    public static LocalContext OfThisProcess(
        string clusterId, string serviceId, IReadOnlyList<string> gateways, IReadOnlyList<string> httpUrls) =>
        new(
            CurrentVersion,
            Environment.ProcessId,
            MarkOf(Environment.ProcessId) ?? throw new InvalidOperationException("This process cannot be found."),
            clusterId,
            serviceId,
            gateways,
            httpUrls);

    /// <summary>When a process started, in a form that only that one has; null if it is gone.</summary>
    private static string? MarkOf(int id)
    {
        if (!OperatingSystem.IsLinux())
        {
            try
            {
                using var process = Process.GetProcessById(id);
                return process.StartTime.ToUniversalTime().Ticks.ToString(CultureInfo.InvariantCulture);
            }
            catch (Exception gone) when (gone is ArgumentException or InvalidOperationException)
            {
                return null;
            }
        }

        try
        {
            // Not the time of day: what the system tells of that changes whenever the clock is set. The kernel counts
            // from the boot, of which there may have been another since.
            var stat = File.ReadAllText($"/proc/{id}/stat");
            var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' '); // The name may hold blanks and brackets.
            var boot = File.ReadAllText("/proc/sys/kernel/random/boot_id").Trim();
            return fields[0] is "Z" or "X" ? null : $"{boot}/{fields[19]}";
        }
        catch (IOException)
        {
            return null;
        }
    }
}
