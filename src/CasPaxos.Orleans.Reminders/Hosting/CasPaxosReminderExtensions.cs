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
    /// cannot be listed. A silo whose options are wrong does not start: an <see cref="OptionsValidationException"/>
    /// names them.
    /// </remarks>
    public static ISiloBuilder UseCasPaxosReminders(
        this ISiloBuilder builder, Action<CasPaxosReminderOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        builder.AddReminders();
        builder.Services
            .AddOptionsWithValidateOnStart<CasPaxosReminderOptions, CasPaxosReminderOptions.Validator>()
            .Configure(configure ?? (_ => { }));
        builder.Services.AddSingleton<IReminderTable, CasPaxosReminderTable>();
        return builder;
    }

    /// <summary>The same with options from a section such as <c>Orleans:Reminders</c>.</summary>
    public static ISiloBuilder UseCasPaxosReminders(this ISiloBuilder builder, IConfiguration section) =>
        builder.UseCasPaxosReminders(section.Bind);
}

/// <summary>For <c>Orleans:Reminders:ProviderType</c> = <c>CasPaxos</c>.</summary>
internal sealed class CasPaxosReminderProvider : IProviderBuilder<ISiloBuilder>
{
    public void Configure(ISiloBuilder builder, string? name, IConfigurationSection configurationSection) =>
        builder.UseCasPaxosReminders(configurationSection);
}
