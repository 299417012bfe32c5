using Microsoft.Extensions.Options;
using Orleans.Configuration;

namespace CasPaxos.Orleans;

/// <summary>Clustering in registers; section <c>Orleans:Clustering</c>, or any other.</summary>
public sealed class CasPaxosClusteringOptions : PassiveDatabasesOptions
{
    /// <summary>
    /// Of a client: how often it looks for gateways; null for what <see cref="GatewayOptions"/> say, 1 min unless set.
    /// Default null; 0.1 s to 1 h.
    /// </summary>
    public TimeSpan? GatewayRefreshPeriod { get; set; }

    /// <summary>Names every setting that is wrong, so that an operator sees all of them at once.</summary>
    internal sealed class Validator(IOptions<ClusterOptions> cluster, IServiceProvider services)
        : IValidateOptions<CasPaxosClusteringOptions>
    {
        /// <summary>The longest name of a silo behind that of its cluster: any address, port and generation.</summary>
        private const int SiloBytesMax = 100;

        public ValidateOptionsResult Validate(string? name, CasPaxosClusteringOptions options)
        {
            var errors = new ValidateOptionsResultBuilder();
            options.Check(errors, services);
            if (options.GatewayRefreshPeriod is { } period)
            {
                errors.Within(
                    period, TimeSpan.FromSeconds(0.1), TimeSpan.FromHours(1), nameof(GatewayRefreshPeriod));
            }

            var bytes = new MembershipKeys(cluster.Value).AlivePrefix.Length; // Escaped: one byte a character.
            if (bytes > RegisterKey.BytesMax - SiloBytesMax)
            {
                errors.AddError(
                    $"and {nameof(ClusterOptions.ClusterId)} are too long together: {bytes} bytes when escaped, of " +
                    $"at most {RegisterKey.BytesMax - SiloBytesMax}.",
                    nameof(ClusterOptions.ServiceId));
            }

            return errors.Build();
        }
    }
}
