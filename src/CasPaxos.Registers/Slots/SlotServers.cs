using System.Collections.Concurrent;

namespace CasPaxos.Registers;

/// <summary>
/// Which server each slot of a cluster is on, as far as that can be told. Shared by the slots, so that one which comes
/// back late is compared too.
/// </summary>
internal sealed class SlotServers(bool sharingAllowed)
{
    private readonly ConcurrentDictionary<string, int> _slots = new(StringComparer.Ordinal);

    /// <summary>Notes the server of a slot.</summary>
    /// <returns>What is wrong with it, if another slot was there first and that is not allowed.</returns>
    public string? FindTwin(int slot, string? server) =>
        server is null || _slots.GetOrAdd(server, slot) is var first && (first == slot || sharingAllowed)
            ? null
            : $"slot {first} is on the same server ({server}). One failure would take both: slots need servers of " +
                "their own. For development there is the option AllowSharedServer.";
}
