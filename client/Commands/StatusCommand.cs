using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using CasPaxos.Orleans;

namespace CasPaxos.Client;

/// <summary>Shows silos, slots and acceptors.</summary>
internal static class StatusCommand
{
    public static Command Create()
    {
        var command = new Command(
            "status",
            "Shows the silos, the slots (which serve, and why others do not), where their acceptors are, and whether " +
            "there is a quorum: exit code 0 if so, 4 if not.");
        CommandLineProgram.SetAction(command, RunAsync);
        return command;
    }

    private static async Task<int> RunAsync(CommandContext context)
    {
        await using var service = await context.ConnectAsync();
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(context.Token);
        deadline.CancelAfter(context.Settings.Timeout);
        var status = await service.StatusAsync(deadline.Token).WaitAsync(deadline.Token);
        var exitCode = status.HasQuorum ? ExitCodes.Applied : ExitCodes.Unavailable;
        if (context.Printer.Json)
        {
            context.Printer.Object(json => Write(json, status, service.Warnings, exitCode));
        }
        else
        {
            Print(context.Printer, status, service.Warnings);
        }

        if (!status.HasQuorum)
        {
            context.Printer.Note("No quorum: registers can be neither read nor changed until more slots serve.");
        }

        return exitCode;
    }

    private static void Print(Printer printer, ServiceStatus status, IReadOnlyList<string> warnings)
    {
        printer.Line(string.Create(
            CultureInfo.InvariantCulture,
            $"Cluster {status.ClusterId}, epoch {status.Epoch}; quorum: {(status.HasQuorum ? "yes" : "NO")} " +
            $"({status.Slots.Count(slot => slot.Serves)} of {status.Slots.Count} slots serve; prepare needs " +
            $"{status.PrepareQuorum}, accept {status.AcceptQuorum})"));
        if (status.Silos.Count > 0)
        {
            printer.Line("");
            PrintAll(printer, SiloTable(status.Silos));
        }

        printer.Line("");
        PrintAll(printer, SlotTable(status.Slots, status.Silos.Count > 0));
        foreach (var slot in status.Slots.Where(slot => !slot.Serves))
        {
            printer.Line(Redaction.Apply($"Slot {slot.Slot} does not serve: {slot.Problem}"));
        }

        foreach (var warning in warnings)
        {
            printer.Line(Redaction.Apply($"Warning: {warning}"));
        }
    }

    private static TextTable SiloTable(IEnumerable<SiloStatusInfo> silos)
    {
        var table = new TextTable("SILO", "NAME", "STATE", "SLOT");
        foreach (var silo in silos)
        {
            table.Add(silo.Address, silo.Name, silo.State, Text(silo.Slot));
        }

        return table;
    }

    /// <summary>A row an acceptor; the slot's own columns stand in the first of them.</summary>
    private static TextTable SlotTable(IEnumerable<SlotStatusInfo> slots, bool withSilos)
    {
        string[] own = ["SLOT", "SERVES", "EPOCH", "FLOOR", "VERSION FLOOR", "ROWS (ABOUT)"];
        var table = new TextTable(withSilos ? [.. own, "SHARD", "ACCEPTOR ON", "REACHABLE", "AT HOME"] : own);
        foreach (var slot in slots)
        {
            string[] first =
            [
                Text(slot.Slot), slot.Serves ? "yes" : "NO", Text(slot.Epoch), slot.Floor ?? "-",
                Text(slot.VersionFloor),
                slot.RowsEstimate is < 0 ? "-" : Text(slot.RowsEstimate), // Negative: never analysed.
            ];
            if (!withSilos)
            {
                table.Add(first);
                continue;
            }

            foreach (var acceptor in slot.Acceptors)
            {
                table.Add(
                [
                    .. acceptor == slot.Acceptors[0] ? first : ["", "", "", "", "", ""],
                    Text(acceptor.Shard), acceptor.Silo ?? "nowhere", acceptor.Reachable ? "yes" : "NO",
                    acceptor.AtHome ? "yes" : "no",
                ]);
            }
        }

        return table;
    }

    private static void Write(
        Utf8JsonWriter json, ServiceStatus status, IReadOnlyList<string> warnings, int exitCode)
    {
        json.WriteString("command", "status");
        json.WriteNumber("exitCode", exitCode);
        json.WriteBoolean("quorum", status.HasQuorum);
        json.WriteString("clusterId", status.ClusterId);
        json.WriteNumber("epoch", status.Epoch);
        json.WriteNumber("prepareQuorum", status.PrepareQuorum);
        json.WriteNumber("acceptQuorum", status.AcceptQuorum);
        json.WritePropertyName("silos");
        JsonSerializer.Serialize(json, status.Silos, JsonSerializerOptions.Web);
        json.WritePropertyName("slots");
        JsonSerializer.Serialize(
            json,
            status.Slots.Select(slot => slot with
            {
                Problem = slot.Problem is { } problem ? Redaction.Apply(problem) : null,
            }),
            JsonSerializerOptions.Web);
        json.WritePropertyName("warnings");
        JsonSerializer.Serialize(json, warnings, JsonSerializerOptions.Web);
    }

    private static void PrintAll(Printer printer, TextTable table)
    {
        foreach (var line in table.Lines())
        {
            printer.Line(line);
        }
    }

    private static string Text(long? number) => number?.ToString(CultureInfo.InvariantCulture) ?? "-";
}
