using Microsoft.Extensions.Options;

namespace CasPaxos.Orleans;

/// <summary>Names every setting that is wrong, so that an operator sees all of them at once.</summary>
internal sealed class CasPaxosOptionsValidator : IValidateOptions<CasPaxosOptions>
{
    public ValidateOptionsResult Validate(string? name, CasPaxosOptions options)
    {
        var errors = new ValidateOptionsResultBuilder();
        var slots = options.Slots.Count;
        if (slots is 0 or > Configuration.SlotsMax)
        {
            errors.AddError(
                $"there are {slots} slots; a cluster has 1 to {Configuration.SlotsMax}.", nameof(options.Slots));
        }

        for (var i = 0; i < slots; i++)
        {
            Check(options.Slots[i], $"{nameof(options.Slots)}:{i}", errors);
        }

        if (options.Slot is { } slot && (slot < 0 || slot >= slots))
        {
            errors.AddError($"{slot} is none of the {slots} slots; they count from 0.", nameof(options.Slot));
        }

        errors.Within(options.Shards, 1, CasPaxosOptions.ShardsMax, nameof(options.Shards));
        errors.AboveZero(options.Timeout, TimeSpan.FromMinutes(10), nameof(options.Timeout));
        errors.AboveZero(options.AcceptorTimeout, TimeSpan.FromMinutes(1), nameof(options.AcceptorTimeout));
        errors.Within(options.ValueBytesMax, 1, 64 * 1024 * 1024, nameof(options.ValueBytesMax));
        errors.Within(options.ProposersMax, 1, int.MaxValue, nameof(options.ProposersMax));
        errors.AboveZero(options.TombstoneAge, TimeSpan.MaxValue, nameof(options.TombstoneAge));
        errors.NotBelowZero(options.StartTimeout, nameof(options.StartTimeout));
        errors.NotBelowZero(options.EraseInterval, nameof(options.EraseInterval));
        return errors.Build();
    }

    private static void Check(CasPaxosSlotOptions slot, string path, ValidateOptionsResultBuilder errors)
    {
        if (string.IsNullOrWhiteSpace(slot.ConnectionString) != slot.IsInGrainStorage)
        {
            errors.AddError(
                $"needs a {nameof(slot.ConnectionString)} or a {nameof(slot.GrainStorage)}, and not both.", path);
        }

        if (slot.IsInGrainStorage && (slot.Incarnation ?? Guid.Empty) == Guid.Empty)
        {
            errors.AddError(
                "is missing: a slot in grain storage needs a random id of its own, chosen once.",
                $"{path}:{nameof(slot.Incarnation)}");
        }
    }
}
