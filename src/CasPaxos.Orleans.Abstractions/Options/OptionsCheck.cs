using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace CasPaxos.Orleans;

/// <summary>One options object of a silo or client that is looked at before it starts.</summary>
internal abstract class OptionsCheck
{
    /// <summary>What is wrong; null if nothing is.</summary>
    public abstract OptionsValidationException? Find(IServiceProvider services);

    /// <summary>What is wrong with options, as the exception that ends a start.</summary>
    /// <param name="wrong">At least one; each becomes an inner exception.</param>
    public static OrleansConfigurationException ToException(IReadOnlyList<OptionsValidationException> wrong) =>
        new(string.Join(' ', wrong.Select(Describe)), wrong.Count == 1 ? wrong[0] : new AggregateException(wrong));

    private static string Describe(OptionsValidationException wrong)
    {
        var name = wrong.OptionsName.Length == 0 ? "" : $" '{wrong.OptionsName}'";
        return $"{wrong.OptionsType.Name}{name}: {wrong.Message}";
    }
}

/// <summary>The options of one type and name.</summary>
/// <param name="name">Empty for options without a name.</param>
internal sealed class OptionsCheck<TOptions, TValidator>(string name) : OptionsCheck
    where TOptions : class
    where TValidator : class, IValidateOptions<TOptions>
{
    public string Name => name;

    public override OptionsValidationException? Find(IServiceProvider services)
    {
        var options = services.GetRequiredService<IOptionsMonitor<TOptions>>().Get(name);
        var result = ActivatorUtilities.CreateInstance<TValidator>(services).Validate(name, options);
        return result.Failed ? new OptionsValidationException(name, typeof(TOptions), result.Failures) : null;
    }
}

/// <summary>Checks all options of this project at once, so that an operator sees every mistake together.</summary>
internal sealed class ProviderOptionsValidator(IServiceProvider services, IEnumerable<OptionsCheck> checks)
    : IConfigurationValidator
{
    /// <exception cref="OrleansConfigurationException">Settings are wrong; the message names each.</exception>
    public void ValidateConfiguration()
    {
        var wrong = checks.Select(check => check.Find(services)).OfType<OptionsValidationException>().ToList();
        if (wrong.Count > 0)
        {
            throw OptionsCheck.ToException(wrong);
        }
    }
}
