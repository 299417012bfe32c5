using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace CasPaxos.Orleans;

/// <summary>
/// The keys of reminders: <c>reminders/{service}/{place}/{grain}/{name}</c>, the place on the ring as eight hexadecimal
/// digits, so that a range of the ring is a range of keys.
/// </summary>
internal sealed class ReminderKeys(string serviceId)
{
    /// <summary>A longer grain or name, as it is escaped, has its hash in its place: keys are limited.</summary>
    private const int PartMax = 400;

    /// <summary>All keys of the service begin with it.</summary>
    public string Prefix { get; } = $"{ReservedKeys.Reminders}{Uri.EscapeDataString(serviceId)}/";

    /// <summary>The key of a reminder.</summary>
    public RegisterKey Of(GrainId grain, string name) => new($"{PrefixOf(grain)}{Part(name)}");

    /// <summary>All keys of a grain begin with it.</summary>
    public string PrefixOf(GrainId grain) => $"{Place(grain.GetUniformHashCode())}/{Part(grain.ToString())}/";

    /// <summary>Above all keys of a place of the ring, below those of the next: the digit follows the slash.</summary>
    public RegisterKey Behind(uint place) => new($"{Place(place)}0");

    private string Place(uint place) => string.Create(CultureInfo.InvariantCulture, $"{Prefix}{place:x8}");

    // No escaped text has the sign of the number in it.
    private static string Part(string text) => Uri.EscapeDataString(text) is { Length: <= PartMax } escaped
        ? escaped
        : $"#{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)))}";
}
