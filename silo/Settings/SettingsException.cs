using Microsoft.Extensions.Options;

namespace CasPaxos.Silo;

/// <summary>Settings are wrong; the message names each one, and holds no secret.</summary>
internal sealed class SettingsException(IEnumerable<string> errors)
    : Exception("wrong settings." + string.Concat(errors.Select(error => $"{Environment.NewLine}  {error}")))
{
    /// <summary>
    /// What Orleans found at the start; of the options of registers, each setting on a line of its own.
    /// </summary>
    public static SettingsException From(OrleansConfigurationException wrong)
    {
        var several = (wrong.InnerException as AggregateException)?.InnerExceptions ?? [];
        var named = several.Append(wrong.InnerException).OfType<OptionsValidationException>()
            .SelectMany(options => Name(SiloSettings.RegistersSection, options.Failures)).ToList();
        return new(named.Count > 0 ? named : [wrong.Message]);
    }

    /// <summary>
    /// Puts the section before the names: "Property Slot: 3 is none of …" becomes "CasPaxos:Slot: 3 is none of …".
    /// </summary>
    public static IEnumerable<string> Name(string section, IEnumerable<string> failures) =>
        from failure in failures
        from line in failure.Split('\n', ';')
        let text = line.Trim()
        where text.Length > 0
        select text.StartsWith("Property ", StringComparison.Ordinal)
            ? $"{section}:{text["Property ".Length..]}"
            : text;
}
