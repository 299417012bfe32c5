using CasPaxos.Orleans;
using Microsoft.Extensions.Options;
using Orleans.Providers;

namespace Orleans.Hosting;

/// <summary>Grain storage in CASPaxos registers.</summary>
public static class CasPaxosGrainStorageSiloBuilderExtensions
{
    /// <summary>
    /// Adds a grain storage that keeps states in registers: those of the silo's register service
    /// (<see cref="CasPaxosSiloBuilderExtensions.AddCasPaxos(ISiloBuilder, Action{CasPaxosOptions})"/>), or of the
    /// databases that its options name.
    /// </summary>
    /// <param name="builder">The silo.</param>
    /// <param name="name">The storage's name, as in <c>[PersistentState("state", "name")]</c>.</param>
    /// <param name="configure">Sets options; null for the defaults.</param>
    /// <remarks>
    /// A silo whose options are wrong does not start: an <see cref="OrleansConfigurationException"/> names them.
    /// </remarks>
    public static ISiloBuilder AddCasPaxosGrainStorage(
        this ISiloBuilder builder, string name, Action<CasPaxosGrainStorageOptions>? configure = null) =>
        builder.ConfigureServices(services => services.AddCasPaxosGrainStorage(name, configure));

    /// <summary>The same, with options that need services.</summary>
    /// <param name="builder">The silo.</param>
    /// <param name="name">The storage's name.</param>
    /// <param name="configure">Sets options.</param>
    public static ISiloBuilder AddCasPaxosGrainStorage(
        this ISiloBuilder builder, string name, Action<OptionsBuilder<CasPaxosGrainStorageOptions>> configure) =>
        builder.ConfigureServices(services => services.AddCasPaxosGrainStorage(name, configure));

    /// <summary>Adds the storage that grains use which name none.</summary>
    /// <param name="builder">The silo.</param>
    /// <param name="configure">Sets options; null for the defaults.</param>
    public static ISiloBuilder AddCasPaxosGrainStorageAsDefault(
        this ISiloBuilder builder, Action<CasPaxosGrainStorageOptions>? configure = null) =>
        builder.AddCasPaxosGrainStorage(ProviderConstants.DEFAULT_STORAGE_PROVIDER_NAME, configure);

    /// <summary>The same, with options that need services.</summary>
    /// <param name="builder">The silo.</param>
    /// <param name="configure">Sets options.</param>
    public static ISiloBuilder AddCasPaxosGrainStorageAsDefault(
        this ISiloBuilder builder, Action<OptionsBuilder<CasPaxosGrainStorageOptions>> configure) =>
        builder.AddCasPaxosGrainStorage(ProviderConstants.DEFAULT_STORAGE_PROVIDER_NAME, configure);
}
