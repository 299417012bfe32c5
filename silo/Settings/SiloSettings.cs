using System.Reflection;
using CasPaxos.Orleans;

namespace CasPaxos.Silo;

/// <summary>Reads and checks what the process is configured with.</summary>
internal static class SiloSettings
{
    /// <summary>The section of the register service.</summary>
    public const string RegistersSection = "CasPaxos";

    /// <summary>Checks the command line: nothing but settings may be left on it.</summary>
    /// <exception cref="SettingsException">Something is none.</exception>
    public static string[] CheckArguments(IReadOnlyList<string> arguments)
    {
        for (var i = 0; i < arguments.Count; i++)
        {
            var argument = arguments[i];
            if (!argument.StartsWith("--", StringComparison.Ordinal)
                || !argument.Contains(':', StringComparison.Ordinal))
            {
                throw new SettingsException(
                    [$"'{argument}' is neither a command nor a setting such as --CasPaxos:Slot=0."]);
            }

            if (!argument.Contains('=', StringComparison.Ordinal) && ++i == arguments.Count)
            {
                throw new SettingsException([$"{argument[2..]} has no value."]);
            }
        }

        return [.. arguments];
    }

    /// <summary>The options of the process, checked; those of the registers as far as their text goes.</summary>
    /// <exception cref="SettingsException">Settings are wrong or unknown.</exception>
    public static SiloHostOptions Read(IConfiguration configuration)
    {
        var errors = new List<string>();
        FindUnknown(configuration.GetSection(SiloHostOptions.Section), typeof(SiloHostOptions), errors);
        FindUnknown(configuration.GetSection(RegistersSection), typeof(CasPaxosOptions), errors);
        var options = Bind<SiloHostOptions>(configuration.GetSection(SiloHostOptions.Section), errors);
        var registers = Bind<CasPaxosOptions>(configuration.GetSection(RegistersSection), errors);
        if (options.Clustering == ClusteringKind.CasPaxos
            && ClusteringDatabases(options, registers, configuration).Count == 0)
        {
            errors.Add(
                $"{SiloHostOptions.Section}:{nameof(options.ClusteringDatabases)}: there are none, and not every " +
                "slot has a ConnectionString or a ConnectionName that is known: Clustering is CasPaxos.");
        }

        const string Endpoints = "Kestrel:Endpoints";
        if (configuration.GetSection(Endpoints).GetChildren().Any())
        {
            errors.Add($"{Endpoints}: would take the place of Silo:{nameof(options.HttpUrl)}, unchecked; use that.");
        }

        var result = new SiloHostOptionsValidator().Validate(null, options);
        if (result.Failed)
        {
            errors.AddRange(SettingsException.Name(SiloHostOptions.Section, result.Failures));
        }

        return errors.Count == 0 ? options : throw new SettingsException(errors);
    }

    /// <summary>Where the membership is, of a silo with <see cref="ClusteringKind.CasPaxos"/>.</summary>
    public static IReadOnlyList<string> ClusteringDatabases(
        SiloHostOptions host, CasPaxosOptions registers, IConfiguration configuration)
    {
        if (host.ClusteringDatabases.Count > 0)
        {
            return [.. host.ClusteringDatabases];
        }

        var databases = registers.Slots.Select(slot => ConnectionStringOf(slot, configuration)).OfType<string>();
        return databases.Count() == registers.Slots.Count
            ? [.. databases]
            : []; // Some of a cluster's databases are no cluster.
    }

    /// <summary>How a slot's database is reached; null if it is in grain storage, or its name is not known.</summary>
    public static string? ConnectionStringOf(CasPaxosSlotOptions slot, IConfiguration configuration) =>
        slot.ConnectionString
            ?? (slot.ConnectionName is { } name ? configuration.GetConnectionString(name) : null);

    private static T Bind<T>(IConfigurationSection section, List<string> errors)
        where T : new()
    {
        var options = new T();
        try
        {
            section.Bind(options);
        }
        catch (InvalidOperationException failure)
        {
            errors.Add(failure.Message);
        }

        return options;
    }

    /// <summary>A setting that is spelt wrong would be ignored, and its default would hold unnoticed.</summary>
    private static void FindUnknown(IConfigurationSection section, Type type, List<string> errors)
    {
        foreach (var child in section.GetChildren())
        {
            var property = type.GetProperty(
                child.Key, BindingFlags.Public | BindingFlags.Instance | BindingFlags.IgnoreCase);
            if (property is null || (!property.CanWrite && property.PropertyType == typeof(string)))
            {
                errors.Add($"{child.Path}: there is no such setting.");
            }
            else if (property.PropertyType == typeof(TlsSettings))
            {
                FindUnknown(child, typeof(TlsSettings), errors);
            }
            else if (property.PropertyType == typeof(IList<CasPaxosSlotOptions>))
            {
                foreach (var slot in child.GetChildren())
                {
                    FindUnknown(slot, typeof(CasPaxosSlotOptions), errors);
                }
            }
        }
    }
}
