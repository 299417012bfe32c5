using System.Net;
using CasPaxos.Testing;

namespace CasPaxos.Orleans.Testing;

/// <summary>
/// A network of this machine for silos that are each in a namespace of their own, so that the way between two of them
/// can be cut without a word to either: packets are sent to a neighbour that is not there. Needs root. Leaves nothing
/// behind.
/// </summary>
public sealed class SiloNetwork : IAsyncDisposable, ILeftover
{
    private const string Nobody = "02:00:00:00:00:fe"; // A hardware address that no interface has.

    private static readonly Lazy<Task<string?>> Check = new(CheckAsync);

    private readonly string _name = $"cp{Random.Shared.Next(0x10000):x4}";
    private readonly string _subnet = $"198.18.{Random.Shared.Next(256)}"; // Meant for tests (RFC 2544).
    private readonly int _silos;

    private SiloNetwork(int silos)
    {
        _silos = silos;
        LeftoverCollector.Add(this);
    }

    /// <summary>Where the test process listens for the silos.</summary>
    public IPAddress Host => IPAddress.Parse($"{_subnet}.1");

    /// <summary>Null if such a network can be made here; otherwise why not.</summary>
    public static Task<string?> SkipReasonAsync() => Check.Value;

    /// <summary>Makes the network.</summary>
    public static async Task<SiloNetwork> CreateAsync(int silos)
    {
        var network = new SiloNetwork(silos);
        try
        {
            await RunAsync(string.Join('\n', network.Creation()));
            return network;
        }
        catch
        {
            await network.DisposeAsync();
            throw;
        }
    }

    /// <summary>Where a silo is.</summary>
    public IPAddress AddressOf(int silo) => IPAddress.Parse($"{_subnet}.{10 + silo}");

    /// <summary>What starts a program inside a silo's namespace; the process becomes the program's.</summary>
    public IReadOnlyList<string> LauncherOf(int silo) => ["ip", "netns", "exec", Namespace(silo)];

    /// <summary>Loses everything between a silo and all others from now on, in both directions.</summary>
    public Task CutAsync(int silo) => RunAsync(string.Join('\n', Pairs(silo).Select(pair =>
        $"ip -n {Namespace(pair.From)} neigh replace {AddressOf(pair.To)} lladdr {Nobody} dev eth0 nud permanent")));

    /// <summary>Undoes <see cref="CutAsync"/>.</summary>
    public Task JoinAsync(int silo) => RunAsync(string.Join('\n', Pairs(silo).Select(pair =>
        $"ip -n {Namespace(pair.From)} neigh del {AddressOf(pair.To)} dev eth0")));

    /// <summary>Removes the network.</summary>
    public ValueTask DisposeAsync()
    {
        Remove();
        return ValueTask.CompletedTask;
    }

    /// <inheritdoc/>
    public void Remove()
    {
        LeftoverCollector.Forget(this);
        var removal = Enumerable.Range(0, _silos).Select(silo => $"ip netns del {Namespace(silo)}")
            .Append($"ip link del {_name}");
        using var process = System.Diagnostics.Process.Start(
            "sh", ["-c", $"{{ {string.Join("; ", removal)}; }} 2>/dev/null"]);
        process.WaitForExit();
    }

    private static async Task<string?> CheckAsync()
    {
        if (!Processes.IsRoot)
        {
            return "Only root can make networks.";
        }

        try
        {
            var network = await CreateAsync(1);
            await network.DisposeAsync();
            return null;
        }
        catch (Exception failure) when (failure is InvalidOperationException or System.ComponentModel.Win32Exception)
        {
            return $"Network namespaces cannot be had here: {failure.Message}";
        }
    }

    private IEnumerable<string> Creation()
    {
        yield return "set -e";
        yield return $"ip link add {_name} type bridge";
        yield return $"ip addr add {Host}/24 dev {_name}";
        yield return $"ip link set {_name} up";
        for (var silo = 0; silo < _silos; silo++)
        {
            var inside = Namespace(silo);
            yield return $"ip netns add {inside}";
            yield return $"ip link add {inside} type veth peer name eth0 netns {inside}";
            yield return $"ip link set {inside} master {_name} up";
            yield return $"ip -n {inside} addr add {AddressOf(silo)}/24 dev eth0";
            yield return $"ip -n {inside} link set eth0 up";
            yield return $"ip -n {inside} link set lo up";
        }
    }

    private IEnumerable<(int From, int To)> Pairs(int silo) =>
        Enumerable.Range(0, _silos).Where(other => other != silo)
            .SelectMany(other => ((int, int)[])[(silo, other), (other, silo)]);

    private string Namespace(int silo) => $"{_name}-{silo}";

    private static Task RunAsync(string script) => Processes.RunAsync(Processes.Command("sh", "-ec", script));
}
