using Microsoft.Extensions.Configuration;

namespace CasPaxos.Orleans;

/// <summary>Databases by configuration.</summary>
internal static class DatabaseSections
{
    /// <summary>
    /// Sets options from a section. Beside the lists it may have the one <c>ServiceKey</c>, <c>ConnectionName</c> or
    /// <c>ConnectionString</c> that Orleans' own providers have: the only database of a cluster of one slot.
    /// </summary>
    /// <exception cref="OrleansConfigurationException">
    /// A value is not of its setting's type, or there are both a list and the one.
    /// </exception>
    public static void BindDatabases(this IConfiguration section, PassiveDatabasesOptions options)
    {
        section.BindTo(options);
        Add(section, "ConnectionString", options.ConnectionStrings);
        Add(section, "ConnectionName", options.ConnectionNames);
        Add(section, "ServiceKey", options.ServiceKeys);
    }

    private static void Add(IConfiguration section, string name, IList<string> list)
    {
        if (section[name] is not { Length: > 0 } only)
        {
            return;
        }

        var path = section is IConfigurationSection { Path: var found } ? $"{found}:" : "";
        if (section.GetSection($"{name}s").GetChildren().Any())
        {
            throw new OrleansConfigurationException(
                $"{path}{name} and {path}{name}s are both set: keep the list, with one item for each slot.");
        }

        list.Add(only);
    }
}
