using CasPaxos.Registers;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace CasPaxos.Orleans;

/// <summary>
/// Names every setting of a storage that is wrong, so that an operator sees all of them when the silo starts.
/// </summary>
internal sealed class CasPaxosGrainStorageOptionsValidator(
    IServiceProvider services, IServiceProviderIsService known)
    : IValidateOptions<CasPaxosGrainStorageOptions>
{
    private const int KeyPrefixMax = 64;

    public ValidateOptionsResult Validate(string? name, CasPaxosGrainStorageOptions options)
    {
        var errors = new ValidateOptionsResultBuilder();
        options.Check(errors, services, needed: false);
        if (!options.HasDatabases && !known.IsService(typeof(IRegisterClient)))
        {
            errors.AddError(
                $"grain storage '{name}' has no registers: add the register service to the silo (AddCasPaxos), or " +
                $"name the databases here, in {nameof(options.ConnectionStrings)}, " +
                $"{nameof(options.ConnectionNames)} or {nameof(options.ServiceKeys)}.",
                nameof(options.ConnectionStrings));
        }

        if (options.KeyPrefix is not { Length: > 0 and <= KeyPrefixMax } prefix
            || prefix.AsSpan().ContainsAnyExceptInRange('!', '~') || prefix.AsSpan().ContainsAny('/', '%'))
        {
            errors.AddError(
                $"'{options.KeyPrefix}' is not 1 to {KeyPrefixMax} printable ASCII characters without '/' and '%'.",
                nameof(options.KeyPrefix));
        }

        errors.AboveZero(options.TombstoneAge, TimeSpan.MaxValue, nameof(options.TombstoneAge));
        errors.Within(options.ValueBytesMax, 1024, 64 * 1024 * 1024, nameof(options.ValueBytesMax));
        errors.Within(options.ProposersMax, 1, int.MaxValue, nameof(options.ProposersMax));
        errors.Within(options.ProposerBytesMax, 1024 * 1024, long.MaxValue, nameof(options.ProposerBytesMax));
        errors.NotBelowZero(options.EraseInterval, nameof(options.EraseInterval));
        return errors.Build();
    }
}
