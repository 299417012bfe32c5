using CasPaxos.Orleans;
using CasPaxos.Registers;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Orleans.Configuration;
using Orleans.GrainDirectory;
using Orleans.Providers;
using Orleans.Runtime.Hosting;

[assembly: RegisterProvider("CasPaxos", "GrainDirectory", "Silo", typeof(CasPaxosGrainDirectoryProvider))]

namespace Orleans.Hosting;

/// <summary>Orleans' grain directory in registers.</summary>
public static class CasPaxosGrainDirectoryExtensions
{
    /// <summary>
    /// Makes the directory of all grains that name none one that is kept in registers: those of the silo's own
    /// service, which AddCasPaxos adds; or, where the options name databases, those in them. The grains of the register
    /// service itself are never in it.
    /// </summary>
    /// <param name="builder">The silo.</param>
    /// <param name="configure">Sets options; null for the silo's own service and the defaults.</param>
    /// <remarks>As of a directory with a name.</remarks>
    public static ISiloBuilder UseCasPaxosGrainDirectoryAsDefault(
        this ISiloBuilder builder, Action<CasPaxosGrainDirectoryOptions>? configure = null) =>
        builder.AddCasPaxosGrainDirectory(GrainDirectoryAttribute.DEFAULT_GRAIN_DIRECTORY, configure);

    /// <summary>The same, with options that need services.</summary>
    /// <param name="builder">The silo.</param>
    /// <param name="configure">Sets options.</param>
    public static ISiloBuilder UseCasPaxosGrainDirectoryAsDefault(
        this ISiloBuilder builder, Action<OptionsBuilder<CasPaxosGrainDirectoryOptions>> configure) =>
        builder.AddCasPaxosGrainDirectory(GrainDirectoryAttribute.DEFAULT_GRAIN_DIRECTORY, configure);

    /// <summary>
    /// Adds a directory that is kept in registers: those of the silo's own service, which AddCasPaxos adds; or, where
    /// the options name databases, those in them.
    /// </summary>
    /// <param name="builder">The silo.</param>
    /// <param name="name">The directory's name, as in <c>[GrainDirectory("name")]</c>.</param>
    /// <param name="configure">Sets options; null for the silo's own service and the defaults.</param>
    /// <remarks>
    /// The registers' keys begin with <c>directory/</c> and hold the grain's id: one of more than some 900 bytes throws
    /// <see cref="ArgumentException"/>. A call to a grain that must be looked up or placed fails with
    /// <see cref="RegisterGrainUnavailableException"/> or <see cref="RegisterGrainOutcomeUnknownException"/> while no
    /// quorum of the databases answers, or the silo is still starting, for longer than
    /// <see cref="PassiveDatabasesOptions.Timeout"/>. A silo whose options are wrong does not start: an
    /// <see cref="OrleansConfigurationException"/> names them.
    /// </remarks>
    public static ISiloBuilder AddCasPaxosGrainDirectory(
        this ISiloBuilder builder, string name, Action<CasPaxosGrainDirectoryOptions>? configure = null) =>
        builder.ConfigureServices(services => services.AddCasPaxosGrainDirectory(name, configure));

    /// <summary>The same, with options that need services.</summary>
    /// <param name="builder">The silo.</param>
    /// <param name="name">The directory's name.</param>
    /// <param name="configure">Sets options.</param>
    public static ISiloBuilder AddCasPaxosGrainDirectory(
        this ISiloBuilder builder, string name, Action<OptionsBuilder<CasPaxosGrainDirectoryOptions>> configure) =>
        builder.ConfigureServices(services => services.AddCasPaxosGrainDirectory(name, configure));

    /// <summary>The same, on the services of a silo.</summary>
    /// <param name="services">The services.</param>
    /// <param name="name">The directory's name.</param>
    /// <param name="configure">Sets options; null for the silo's own service and the defaults.</param>
    public static IServiceCollection AddCasPaxosGrainDirectory(
        this IServiceCollection services, string name, Action<CasPaxosGrainDirectoryOptions>? configure = null) =>
        services.AddCasPaxosGrainDirectory(name, options => options.Configure(configure ?? (static _ => { })));

    /// <summary>The same, on the services of a silo, with options that need services.</summary>
    /// <param name="services">The services.</param>
    /// <param name="name">The directory's name.</param>
    /// <param name="configure">Sets options.</param>
    public static IServiceCollection AddCasPaxosGrainDirectory(
        this IServiceCollection services, string name, Action<OptionsBuilder<CasPaxosGrainDirectoryOptions>> configure)
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentException.ThrowIfNullOrEmpty(name);
        ArgumentNullException.ThrowIfNull(configure);
        configure(
            services.AddProviderOptions<CasPaxosGrainDirectoryOptions, CasPaxosGrainDirectoryOptions.Validator>(name));
        services.AddGrainDirectory(name, Make);
        return services;
    }

    private static CasPaxosGrainDirectory Make(IServiceProvider services, string name)
    {
        var options = services.GetRequiredService<IOptionsMonitor<CasPaxosGrainDirectoryOptions>>().Get(name);
        var keys = new DirectoryKeys(services.GetRequiredService<IOptions<ClusterOptions>>().Value, name);
        var membership = services.GetRequiredService<IClusterMembershipService>();
        var silo = services.GetRequiredService<ILocalSiloDetails>();
        return options.HasDatabases
            ? new CasPaxosGrainDirectory(
                new DirectoryDatabases(
                    options,
                    name,
                    keys.Prefix,
                    services,
                    membership,
                    silo,
                    services.GetRequiredService<ILogger<CasPaxosGrainDirectory>>()),
                keys,
                options.Timeout)
            : new CasPaxosGrainDirectory(
                services.GetRequiredService<IRegisterClient>,
                keys,
                options.Timeout,
                nobodyServes: () => IsLast(silo.SiloAddress, membership.CurrentSnapshot));
    }

    /// <summary>True if a silo is leaving and no other one is active: the register service ends with it.</summary>
    private static bool IsLast(SiloAddress silo, ClusterMembershipSnapshot snapshot) =>
        snapshot.GetSiloStatus(silo) is SiloStatus.ShuttingDown or SiloStatus.Stopping or SiloStatus.Dead
        && snapshot.Members.Values.All(member => member.Status != SiloStatus.Active);
}

/// <summary>For <c>Orleans:GrainDirectory:{name}:ProviderType</c> = <c>CasPaxos</c>.</summary>
internal sealed class CasPaxosGrainDirectoryProvider : IProviderBuilder<ISiloBuilder>
{
    private const string Default = GrainDirectoryAttribute.DEFAULT_GRAIN_DIRECTORY;

    public void Configure(ISiloBuilder builder, string? name, IConfigurationSection configurationSection) =>
        builder.AddCasPaxosGrainDirectory(
            // Sections are named in any case, Default as a rule; Orleans knows the default directory by one name.
            name is null || name.Equals(Default, StringComparison.OrdinalIgnoreCase) ? Default : name,
            options => options.Configure(configurationSection.BindDatabases));
}
