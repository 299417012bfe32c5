using System.Text.Json;

namespace CasPaxos.Orleans;

/// <summary>
/// Where a grain is active, as it is stored: JSON, which people can read with any tool. Which grain is in the key.
/// </summary>
/// <param name="Format">The version of the encoding; <see cref="FormatNow"/>.</param>
/// <param name="Silo">The silo, as Orleans writes it: <c>10.1.2.3:11111@5678</c>.</param>
/// <param name="Activation">The activation, as Orleans writes it.</param>
/// <param name="MembershipVersion">
/// That of the membership table when the activation was registered: a silo that a newer table does not have is dead.
/// </param>
internal sealed record DirectoryRecord(int Format, string Silo, string Activation, long MembershipVersion)
{
    /// <summary>The encoding that this code writes, and the newest that it reads.</summary>
    public const int FormatNow = 1;

    // A record that lacks something is none: half an address would send calls nowhere.
    private static readonly JsonSerializerOptions Json = new(JsonSerializerOptions.Web)
    {
        RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = true,
    };

    public static byte[] Encode(GrainAddress address) => JsonSerializer.SerializeToUtf8Bytes(
        new DirectoryRecord(
            FormatNow,
            address.SiloAddress!.ToParsableString(),
            address.ActivationId.ToParsableString(),
            address.MembershipVersion.Value),
        Json);

    /// <summary>Reads what a register holds; null if it does not exist.</summary>
    /// <exception cref="InvalidDataException">This is no address, or of a version that is not known.</exception>
    public static GrainAddress? Decode(RegisterKey key, GrainId grain, Snapshot snapshot)
    {
        if (!snapshot.Exists)
        {
            return null;
        }

        var record = FormattedJson.Decode<DirectoryRecord>(
            key, "address of a grain", FormatNow, Json, () => snapshot.Payload);
        try
        {
            return new GrainAddress
            {
                GrainId = grain,
                SiloAddress = SiloAddress.FromParsableString(record.Silo),
                ActivationId = ActivationId.FromParsableString(record.Activation),
                MembershipVersion = new MembershipVersion(record.MembershipVersion),
            };
        }
        catch (Exception failure)
            when (failure is FormatException or ArgumentException or OverflowException or IndexOutOfRangeException)
        {
            throw new InvalidDataException(
                $"Register '{key}' holds no address of a grain: silo '{record.Silo}', activation " +
                $"'{record.Activation}'. {failure.Message}",
                failure);
        }
    }
}
