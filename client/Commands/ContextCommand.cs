using System.CommandLine;

namespace CasPaxos.Client;

/// <summary>Shows which cluster the client would use, and why. Asks nobody.</summary>
internal static class ContextCommand
{
    public static Command Create()
    {
        var command = new Command(
            "context",
            "Shows which cluster the other commands would use with the same options, and why. Connects to nothing.");
        CommandLineProgram.SetAction(command, context => Task.FromResult(Run(context)));
        return command;
    }

    private static int Run(CommandContext context)
    {
        var settings = context.Settings;
        var silos = settings as ConnectionSettings.Silos;
        var found = settings.Origin as ConnectionOrigin.Context;
        IReadOnlyList<string> databases = settings switch
        {
            ConnectionSettings.Direct direct => direct.ConnectionStrings,
            ConnectionSettings.Silos { Clustering: { } table } => [table],
            ConnectionSettings.Silos other => other.Databases,
            _ => throw new System.Diagnostics.UnreachableException(),
        };
        if (context.Printer.Json)
        {
            context.Printer.Object(json =>
            {
                json.WriteString("command", "context");
                json.WriteNumber("exitCode", ExitCodes.Applied);
                json.WriteString("origin", settings.Origin.Name);
                json.WriteString("why", settings.Origin.Why);
                json.WriteString("file", found?.Path);
                json.WriteString("clusterId", silos?.ClusterId);
                json.WriteString("serviceId", silos?.ServiceId);
                Write("gateways", silos?.Gateways ?? []);
                Write("databases", databases.Select(ConnectionText.Mask));
                Write("httpUrls", found?.Cluster.HttpUrls ?? []);

                void Write(string name, IEnumerable<string> values)
                {
                    json.WriteStartArray(name);
                    foreach (var value in values)
                    {
                        json.WriteStringValue(value);
                    }

                    json.WriteEndArray();
                }
            });
            return ExitCodes.Applied;
        }

        var printer = context.Printer;
        printer.Line(silos is null
            ? $"Databases without silos, {settings.Origin.Why}."
            : $"Cluster {silos.ClusterId}, service {silos.ServiceId}, {settings.Origin.Why}.");
        Print("Gateway", silos?.Gateways ?? []);
        Print("Database", databases.Select(ConnectionText.Mask));
        Print("HTTP", found?.Cluster.HttpUrls ?? []);
        return ExitCodes.Applied;

        void Print(string name, IEnumerable<string> values)
        {
            foreach (var value in values)
            {
                printer.Line($"  {name,-9} {value}");
            }
        }
    }
}
