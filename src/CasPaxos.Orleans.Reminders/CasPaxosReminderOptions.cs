using CasPaxos.Registers;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace CasPaxos.Orleans;

/// <summary>
/// Reminders in registers; section <c>Orleans:Reminders</c>, or any other. Without databases they are in the registers
/// of the silo's own service, which must be added.
/// </summary>
public sealed class CasPaxosReminderOptions : PassiveDatabasesOptions
{
    /// <summary>Names every setting that is wrong, so that an operator sees all of them at once.</summary>
    internal sealed class Validator(IServiceProvider services, IServiceProviderIsService known)
        : IValidateOptions<CasPaxosReminderOptions>
    {
        public ValidateOptionsResult Validate(string? name, CasPaxosReminderOptions options)
        {
            var errors = new ValidateOptionsResultBuilder();
            options.Check(errors, services, needed: false);
            if (!options.HasDatabases && !known.IsService(typeof(IRegisterClient)))
            {
                errors.AddError(
                    "there are none, and the silo has no register service either: AddCasPaxos adds one.",
                    nameof(ConnectionStrings));
            }

            return errors.Build();
        }
    }
}
