using System.Collections;
using System.Globalization;
using System.Reflection;
using System.Text;
using System.Xml.Linq;
using CasPaxos.Orleans;
using CasPaxos.Postgres;
using CasPaxos.Registers;
using CasPaxos.Testing;

namespace CasPaxos.Silo.Tests;

/// <summary>
/// Writes docs/configuration.md from the options' own documentation, so that the page says what the code does.
/// </summary>
internal static class ConfigurationReference
{
    /// <summary>Section or place, options, and what they are for.</summary>
    private static readonly (string Title, Type Options, string Where)[] Pages =
    [
        ("The host of a silo", typeof(SiloHostOptions), "Section `Silo` of `caspaxos-silo`."),
        ("The register service", typeof(CasPaxosOptions), "`siloBuilder.AddCasPaxos(…)`; section `CasPaxos`."),
        ("A slot of the service", typeof(CasPaxosSlotOptions), "Section `CasPaxos:Slots:N`."),
        ("A client of the service", typeof(GrainRegisterClientOptions),
            "`clientBuilder.AddCasPaxos(…)`; section `CasPaxos:Client`."),
        ("Grain storage", typeof(CasPaxosGrainStorageOptions),
            "`siloBuilder.AddCasPaxosGrainStorage(…)`; section `Orleans:GrainStorage:{name}` with `ProviderType` " +
            "`CasPaxos`."),
        ("Clustering", typeof(CasPaxosClusteringOptions),
            "`UseCasPaxosClustering(…)` of silos and clients; section `Orleans:Clustering` with `ProviderType` " +
            "`CasPaxos`."),
        ("Reminders", typeof(CasPaxosReminderOptions),
            "`siloBuilder.UseCasPaxosReminders(…)`; section `Orleans:Reminders` with `ProviderType` `CasPaxos`."),
        ("Grain directory", typeof(CasPaxosGrainDirectoryOptions),
            "`siloBuilder.UseCasPaxosGrainDirectoryAsDefault(…)` and `AddCasPaxosGrainDirectory(…)`; section " +
            "`Orleans:GrainDirectory:{name}` with `ProviderType` `CasPaxos`."),
        ("Registers without Orleans", typeof(RegisterClientOptions), "Given to `RegisterClient`."),
        ("Rounds and retries", typeof(ProposerSettings), "`RegisterClientOptions.Proposer`."),
        ("PostgreSQL acceptors", typeof(PostgresAcceptorOptions), "Given to `PostgresCluster.OpenAsync`."),
        ("Initialisation", typeof(PostgresInitOptions), "Given to `PostgresCluster.InitializeAsync`."),
    ];

    public static string Write()
    {
        var page = new StringBuilder(
            """
            # Configuration

            Every setting, from the documentation of the options in the code; a test keeps this page as they are. In
            configuration a list's items are numbered (`ConnectionStrings:0`), and times are written `00:00:05`. A wrong
            setting stops the start, with its name, its value and what it may be.

            """);
        foreach (var (title, options, where) in Pages)
        {
            page.Append(CultureInfo.InvariantCulture, $"\n## {title}\n\n`{options.Name}`. {where}\n\n");
            page.Append("| setting | type | |\n| --- | --- | --- |\n");
            foreach (var property in PropertiesOf(options))
            {
                page.Append(
                    CultureInfo.InvariantCulture,
                    $"| `{property.Name}` | {TypeOf(property.PropertyType)} | {Documentation.Of(property)} |\n");
            }
        }

        return page.ToString();
    }

    private static IEnumerable<PropertyInfo> PropertiesOf(Type options) =>
        options.GetProperties(BindingFlags.Public | BindingFlags.Instance)
            .Where(property => property.CanWrite || property.PropertyType != typeof(string)
                && property.PropertyType.IsAssignableTo(typeof(IEnumerable)));

    private static string TypeOf(Type type) => Nullable.GetUnderlyingType(type) is { } inner ? TypeOf(inner)
        : type == typeof(TimeSpan) ? "time"
        : type == typeof(bool) ? "true or false"
        : type == typeof(int) || type == typeof(long) ? "number"
        : type == typeof(string) ? "text"
        : type.IsAssignableTo(typeof(Delegate)) ? "code"
        : type.IsEnum ? string.Join(" or ", Enum.GetNames(type).Select(name => $"`{name}`"))
        : type != typeof(string) && type.IsAssignableTo(typeof(IEnumerable)) ? "list"
        : $"`{type.Name}`";

    /// <summary>The documentation files beside the assemblies.</summary>
    private static class Documentation
    {
        private static readonly Dictionary<Assembly, Dictionary<string, XElement>> Files = [];

        public static string Of(PropertyInfo property)
        {
            var declaring = property.DeclaringType!;
            if (!Files.TryGetValue(declaring.Assembly, out var members))
            {
                var file = Path.Combine(
                    AppContext.BaseDirectory, Path.ChangeExtension(declaring.Assembly.ManifestModule.Name, ".xml"));
                members = XDocument.Load(file).Descendants("member")
                    .ToDictionary(member => member.Attribute("name")!.Value);
                Files.Add(declaring.Assembly, members);
            }

            var summary = members.GetValueOrDefault($"P:{declaring.FullName}.{property.Name}")?.Element("summary");
            return summary is null
                ? "As Orleans has it."
                : string.Join(' ', Text(summary).Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries))
                    .Replace("|", "\\|", StringComparison.Ordinal);
        }

        private static string Text(XElement element) => string.Concat(element.Nodes().Select(node => node switch
        {
            XText text => text.Value,
            XElement { Name.LocalName: "see" } reference =>
                $"`{reference.Attribute("cref")?.Value.Split('.')[^1].Split('(')[0]}`",
            XElement { Name.LocalName: "c" } code => $"`{code.Value}`",
            XElement other => $" {Text(other)} ",
            _ => "",
        }));
    }
}

/// <summary>The page of all settings.</summary>
public sealed class ConfigurationReferenceTests
{
    /// <summary>
    /// To write the page anew: <c>CASPAXOS_WRITE_DOCS=1 dotnet test --filter ConfigurationReference</c>.
    /// </summary>
    [Fact]
    public void The_page_of_all_settings_says_what_the_options_say()
    {
        var page = Checkout.PathOf("docs", "configuration.md");
        if (Environment.GetEnvironmentVariable("CASPAXOS_WRITE_DOCS") is not null)
        {
            File.WriteAllText(page, ConfigurationReference.Write());
        }

        Assert.Equal(ConfigurationReference.Write(), File.ReadAllText(page));
    }
}
