namespace CasPaxos.Orleans;

/// <summary>
/// The keys in which Orleans' own state is kept: whoever changes it there can stop silos, or lead them astray. They are
/// closed to clients of the service and to HTTP, unless <c>CasPaxosOptions.ClientsMayUseReservedKeys</c> opens them
/// (rule 25). The whole list is here.
/// </summary>
public static class ReservedKeys
{
    /// <summary>Membership tables.</summary>
    public const string Membership = "membership/";

    /// <summary>Reminders.</summary>
    public const string Reminders = "reminders/";

    /// <summary>Grain directories.</summary>
    public const string Directory = "directory/";

    /// <summary>States of grains, where their storage has no prefix of its own; see <c>KeyPrefix</c>.</summary>
    public const string Grains = "grains/";

    /// <summary>What each reserved key begins with.</summary>
    public static IReadOnlyList<string> Prefixes { get; } = [Membership, Reminders, Directory, Grains];
}
