using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using Orleans.Configuration;

namespace CasPaxos.Orleans;

/// <summary>
/// How every options type of this project is registered: checked when a silo or client starts, and logged then, as
/// those of Orleans' own providers are.
/// </summary>
internal static class ProviderOptions
{
    /// <summary>Adds options with their check and their line in the log. Twice for one name is once.</summary>
    /// <param name="services">The services of a silo or client.</param>
    /// <param name="name">Null for options without a name.</param>
    /// <typeparam name="TOptions">The options.</typeparam>
    /// <typeparam name="TValidator">
    /// Knows what is wrong with them. Made with the services at the start; not itself a service, so that the exception
    /// for wrong options is Orleans' own, whoever asks for them first.
    /// </typeparam>
    public static OptionsBuilder<TOptions> AddProviderOptions<TOptions, TValidator>(
        this IServiceCollection services, string? name = null)
        where TOptions : class, new()
        where TValidator : class, IValidateOptions<TOptions>
    {
        name ??= Options.DefaultName;
        if (!services.Select(service => service.ImplementationInstance).OfType<OptionsCheck<TOptions, TValidator>>()
            .Any(known => known.Name == name))
        {
            services.AddSingleton<OptionsCheck>(new OptionsCheck<TOptions, TValidator>(name));
            services.TryAddEnumerable(
                ServiceDescriptor.Singleton<IConfigurationValidator, ProviderOptionsValidator>());
            if (name.Length == 0)
            {
                services.ConfigureFormatter<TOptions>();
            }
            else
            {
                services.ConfigureNamedOptionForLogging<TOptions>(name);
            }
        }

        return services.AddOptions<TOptions>(name);
    }

    /// <summary>Sets options from a section.</summary>
    /// <exception cref="OrleansConfigurationException">A value is not of its setting's type.</exception>
    public static void BindTo(this IConfiguration section, object options)
    {
        try
        {
            section.Bind(options);
        }
        catch (InvalidOperationException wrong)
        {
            throw new OrleansConfigurationException(wrong.Message, wrong);
        }
    }
}
