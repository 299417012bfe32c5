using CasPaxos.Orleans;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Orleans.Providers;

[assembly: RegisterProvider("CasPaxos", "Reminders", "Silo", typeof(CasPaxosReminderProvider))]

namespace Orleans.Hosting;

/// <summary>Orleans reminders in registers.</summary>
public static class CasPaxosReminderExtensions
{
    /// <summary>
    /// Adds reminders that are kept in registers: those of the silo's own service, which AddCasPaxos adds; or, where
    /// the options name databases, those in them.
    /// </summary>
    /// <param name="builder">The silo.</param>
    /// <param name="configure">Sets options; null for the silo's own service and the defaults.</param>
    /// <remarks>
    /// The registers' keys begin with <c>reminders/</c> and hold the grain's id: one of more than some 900 bytes throws
    /// <see cref="ArgumentException"/>. A majority of the service's slots must be in PostgreSQL: those in grain storage
    /// cannot be listed. A silo whose options are wrong does not start: an <see cref="OrleansConfigurationException"/>
    /// names them.
    /// </remarks>
    public static ISiloBuilder UseCasPaxosReminders(
        this ISiloBuilder builder, Action<CasPaxosReminderOptions>? configure = null) =>
        builder.ConfigureServices(services => services.UseCasPaxosReminders(configure));

    /// <summary>The same with options from a section such as <c>Orleans:Reminders</c>.</summary>
    public static ISiloBuilder UseCasPaxosReminders(this ISiloBuilder builder, IConfiguration section) =>
        builder.UseCasPaxosReminders(options => options.Configure(section.BindDatabases));

    /// <summary>The same, with options that need services.</summary>
    public static ISiloBuilder UseCasPaxosReminders(
        this ISiloBuilder builder, Action<OptionsBuilder<CasPaxosReminderOptions>> configure) =>
        builder.ConfigureServices(services => services.UseCasPaxosReminders(configure));

    /// <summary>The same, on the services of a silo.</summary>
    public static IServiceCollection UseCasPaxosReminders(
        this IServiceCollection services, Action<CasPaxosReminderOptions>? configure = null) =>
        services.UseCasPaxosReminders(options => options.Configure(configure ?? (static _ => { })));

    /// <summary>The same, on the services of a silo, with options that need services.</summary>
    public static IServiceCollection UseCasPaxosReminders(
        this IServiceCollection services, Action<OptionsBuilder<CasPaxosReminderOptions>> configure)
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentNullException.ThrowIfNull(configure);
        services.AddReminders();
        configure(services.AddProviderOptions<CasPaxosReminderOptions, CasPaxosReminderOptions.Validator>());
        services.AddSingleton<IReminderTable, CasPaxosReminderTable>();
        return services;
    }
}

/// <summary>For <c>Orleans:Reminders:ProviderType</c> = <c>CasPaxos</c>.</summary>
internal sealed class CasPaxosReminderProvider : IProviderBuilder<ISiloBuilder>
{
    public void Configure(ISiloBuilder builder, string? name, IConfigurationSection configurationSection) =>
        builder.UseCasPaxosReminders(configurationSection);
}
