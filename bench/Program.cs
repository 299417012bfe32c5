using System.CommandLine;
using System.Globalization;
using CasPaxos.Bench;

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
var postgres = new Command(
    "postgres", "Registers over three PostgreSQL servers, beside plain statements on one of them. Starts the servers.")
{
    concurrency,
    seconds,
    json,
};
postgres.SetAction(async parsed =>
{
    var report = new Report("postgres", parsed.GetValue(json));
    var numbers = parsed.GetValue(concurrency)!.Split(',').Select(n => int.Parse(n, CultureInfo.InvariantCulture));
    await PostgresBench.RunAsync([.. numbers], TimeSpan.FromSeconds(parsed.GetValue(seconds)), report);
    report.Print();
});

var burst = new Command(
    "burst", "50,000 operations at once, beside batches of 500, over three PostgreSQL servers. Starts the servers.")
{
    json,
};
burst.SetAction(async parsed =>
{
    var report = new Report("burst", parsed.GetValue(json));
    await BurstBench.RunAsync(report);
    report.Print();
});

var costs = new Command(
    "costs", "Requests, statements and commits an operation, over three PostgreSQL servers. Starts the servers.")
{
    json,
};
costs.SetAction(parsed => CostBench.RunAsync(parsed.GetValue(json)));

// A program of its own: this one needs no Orleans, and is in the solution filter that has none.
var orleans = new Command("orleans", "The register service on three silos, beside Orleans' own storage. Needs Orleans.")
{
    TreatUnmatchedTokensAsErrors = false,
};
orleans.SetAction(parsed => RunOrleansAsync(parsed));
var storage = new Command("storage", "Grain state in registers, beside Orleans' own storage. Needs Orleans.")
{
    TreatUnmatchedTokensAsErrors = false,
};
storage.SetAction(parsed => RunOrleansAsync(parsed, "storage"));

static async Task<int> RunOrleansAsync(ParseResult parsed, params string[] command)
{
    var project = Path.Combine(AppContext.BaseDirectory, "../../../orleans");
    string[] run = ["run", "-c", "Release", "--project", project, "--"];
    using var child = System.Diagnostics.Process.Start("dotnet", [.. run, .. command, .. parsed.UnmatchedTokens]);
    await child.WaitForExitAsync();
    return child.ExitCode;
}

return await new RootCommand("Benchmarks of CasPaxos.Orleans. Figures are ratios against a peer in the same run.")
{
    postgres,
    burst,
    costs,
    orleans,
    storage,
}.Parse(args).InvokeAsync();
