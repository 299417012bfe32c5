using CasPaxos.Registers;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Orleans.Configuration;

namespace CasPaxos.Orleans;

/// <summary>
/// A grain directory in registers; section <c>Orleans:GrainDirectory:{name}</c> with <c>ProviderType</c>
/// <c>CasPaxos</c>. Without databases it is in the registers of the silo's own service, which must be added. The same
/// on every silo.
/// </summary>
public sealed class CasPaxosGrainDirectoryOptions : PassiveDatabasesOptions
{
    /// <summary>
    /// With databases, the age at which deleted registers are erased; see
    /// <see cref="RegisterClient.TombstoneAgeDefault"/>. Default 1 h; above 0.
    /// </summary>
    public TimeSpan TombstoneAge { get; set; } = RegisterClient.TombstoneAgeDefault;

    /// <summary>
    /// With databases, from the end of one sweep for deleted registers to the next; one silo of the cluster sweeps. 0
    /// for none. Default 10 min.
    /// </summary>
    public TimeSpan EraseInterval { get; set; } = TimeSpan.FromMinutes(10);

    /// <summary>Names every setting that is wrong, so that an operator sees all of them at once.</summary>
    internal sealed class Validator(
        IServiceProvider services, IServiceProviderIsService known, IOptions<ClusterOptions> cluster)
        : IValidateOptions<CasPaxosGrainDirectoryOptions>
    {
        public ValidateOptionsResult Validate(string? name, CasPaxosGrainDirectoryOptions options)
        {
            var errors = new ValidateOptionsResultBuilder();
            options.Check(errors, services, needed: false);
            if (!options.HasDatabases && !known.IsService(typeof(IRegisterClient)))
            {
                errors.AddError(
                    $"grain directory '{name}' has no registers: add the register service to the silo (AddCasPaxos), " +
                    "or name databases of its own here.",
                    nameof(ConnectionStrings));
            }

            errors.AboveZero(options.TombstoneAge, TimeSpan.MaxValue, nameof(TombstoneAge));
            errors.NotBelowZero(options.EraseInterval, nameof(EraseInterval));
            var bytes = new DirectoryKeys(cluster.Value, name ?? "").Prefix.Length;
            if (bytes > DirectoryKeys.PrefixBytesMax)
            {
                errors.AddError(
                    $"{nameof(ClusterOptions.ClusterId)} and the name of grain directory '{name}' are too long " +
                    $"together: {bytes} bytes when escaped, of at most {DirectoryKeys.PrefixBytesMax}.",
                    nameof(ClusterOptions.ServiceId));
            }

            return errors.Build();
        }
    }
}
