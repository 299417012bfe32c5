using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Orleans.Storage;

namespace CasPaxos.Orleans;

/// <summary>Names every setting that is wrong, so that an operator sees all of them at once.</summary>
internal sealed class CasPaxosOptionsValidator(IServiceProvider services) : IValidateOptions<CasPaxosOptions>
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
            Check(options.Slots[i], i, errors);
        }

        if (!options.AllowSharedServer)
        {
            CheckShared(options, errors);
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
        errors.Within(options.ProposerBytesMax, 1024 * 1024, long.MaxValue, nameof(options.ProposerBytesMax));
        errors.AboveZero(options.TombstoneAge, TimeSpan.MaxValue, nameof(options.TombstoneAge));
        errors.NotBelowZero(options.StartTimeout, nameof(options.StartTimeout));
        errors.NotBelowZero(options.EraseInterval, nameof(options.EraseInterval));
        return errors.Build();
    }

    private void Check(CasPaxosSlotOptions slot, int number, ValidateOptionsResultBuilder errors)
    {
        var path = $"{nameof(CasPaxosOptions.Slots)}:{number}";
        var databases = slot.Databases(number);
        var places = databases.Count + (slot.IsInGrainStorage ? 1 : 0);
        if (places != 1)
        {
            errors.AddError(
                $"has {places} places, and needs one: a {nameof(slot.ConnectionString)}, a " +
                $"{nameof(slot.ConnectionName)}, a {nameof(slot.ServiceKey)} or a {nameof(slot.GrainStorage)}.",
                path);
        }

        foreach (var database in databases)
        {
            if (database.FindProblem(services) is { } problem)
            {
                errors.AddError(problem, database.Setting);
            }
        }

        if (slot.IsInGrainStorage && services.GetKeyedService<IGrainStorage>(slot.GrainStorage) is null)
        {
            errors.AddError(
                $"no grain storage named '{slot.GrainStorage}' was added to the silo.",
                $"{path}:{nameof(slot.GrainStorage)}");
        }

        if (slot.IsInGrainStorage && (slot.Incarnation ?? Guid.Empty) == Guid.Empty)
        {
            errors.AddError(
                "is missing: a slot in grain storage needs a random id of its own, chosen once.",
                $"{path}:{nameof(slot.Incarnation)}");
        }
    }

    private static void CheckShared(CasPaxosOptions options, ValidateOptionsResultBuilder errors)
    {
        var shared = options.Slots.Where(slot => slot.IsInGrainStorage).GroupBy(slot => slot.GrainStorage)
            .Where(same => same.Count() > 1);
        foreach (var same in shared)
        {
            errors.AddError(
                $"several slots are in grain storage '{same.Key}'. One failure would take them all; for development " +
                $"there is the option {nameof(options.AllowSharedServer)}.",
                nameof(options.Slots));
        }
    }
}
