using System.CommandLine;
using System.Globalization;
using CasPaxos.Bench;

if (args is [GrainSilo.Command, var kind, var siloPort, var gatewayPort, var primaryPort, .. var databases])
{
    await GrainSilo.RunAsync(
        Enum.Parse<StorageKind>(kind),
        int.Parse(siloPort, CultureInfo.InvariantCulture),
        int.Parse(gatewayPort, CultureInfo.InvariantCulture),
        int.Parse(primaryPort, CultureInfo.InvariantCulture),
        databases);
    return 0;
}

var concurrency = new Option<string>("--concurrency")
{
    Description = "How many operations at a time, one run for each number.",
    DefaultValueFactory = _ => "1,16,64,256",
};
var seconds = new Option<double>("--seconds")
{
    Description = "Measured time of each run; a fifth of it more is spent warming up.",
    DefaultValueFactory = _ => 5,
};
var json = new Option<bool>("--json") { Description = "One JSON object a line instead of a table." };
var memory = new Option<int>("--memory")
{
    Description = "Instead: the memory of a silo that has served so many registers.",
};
var root = new RootCommand(
    "The register service on three silos and three servers, beside grains with Orleans' own ADO.NET storage on one " +
    "of the servers. Starts everything.")
{
    concurrency,
    seconds,
    json,
    memory,
};
root.SetAction(async parsed =>
{
    if (parsed.GetValue(memory) is > 0 and var registers)
    {
        await OrleansBench.MemoryAsync(registers, parsed.GetValue(json));
        return;
    }

    var report = new Report("orleans", parsed.GetValue(json));
    await OrleansBench.RunAsync(Numbers(parsed), TimeSpan.FromSeconds(parsed.GetValue(seconds)), report);
    report.Print();
});
var storage = new Command(
    "storage",
    "Grains that write their state with every call: in registers over three servers, by the register service and by " +
    "the storage itself, beside Orleans' own ADO.NET storage on one server, and on a primary with two synchronous " +
    "standbys; their reads of the storage, sealed and agreed; then the longest time without a write when a server " +
    "is killed. One silo of each.")
{
    concurrency,
    seconds,
    json,
};
storage.SetAction(parsed => StorageBench.RunAsync(
    Numbers(parsed), TimeSpan.FromSeconds(parsed.GetValue(seconds)), parsed.GetValue(json)));
root.Add(storage);
var distance = new Command(
    "distance",
    "A client 15 and 50 ms away that changes the register which 64 clients nearby keep busy, beside a register that " +
    "it has for itself. Three silos, three servers.")
{
    seconds,
    json,
};
distance.SetAction(async parsed =>
{
    var report = new Report("distance", parsed.GetValue(json));
    await DistanceBench.RunAsync(TimeSpan.FromSeconds(parsed.GetValue(seconds)), report);
    report.Print();
});
root.Add(distance);
var reminders = new Command(
    "reminders",
    "How long silos take to have all their reminders: three with 30,000 and one with 100,000, in registers over " +
    "three servers and in Orleans' own ADO.NET table on one of them.")
{
    json,
};
reminders.SetAction(parsed => ReminderBench.RunAsync(parsed.GetValue(json)));
root.Add(reminders);
var overload = new Command(
    "overload",
    "More than the service can do: three times its rate for a minute, and 50,000 puts, reads and grain writes at " +
    "once, with a minute's time and with the default. Three silos, three servers; some minutes.")
{
    seconds,
    json,
};
overload.SetAction(async parsed =>
{
    var duration = TimeSpan.FromSeconds(parsed.GetValue(seconds));
    return await OverloadBench.RunAsync(duration, parsed.GetValue(json)) ? 0 : 1;
});
root.Add(overload);

int[] Numbers(ParseResult parsed) =>
    [.. parsed.GetValue(concurrency)!.Split(',').Select(number => int.Parse(number, CultureInfo.InvariantCulture))];

return await root.Parse(args).InvokeAsync();
