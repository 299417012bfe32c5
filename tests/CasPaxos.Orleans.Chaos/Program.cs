using System.CommandLine;
using CasPaxos.Orleans.Chaos;

var minutes = new Option<double>("--minutes")
{
    Description = "How long the load runs.",
    DefaultValueFactory = _ => 10,
};
var seed = new Option<int>("--seed")
{
    Description = "What happens when, and what the load chooses, depends on it alone.",
    DefaultValueFactory = _ => 1,
};
var workers = new Option<int>("--workers")
{
    Description = "Operations under way at a time for each silo, beside half as many on new registers.",
    DefaultValueFactory = _ => 4,
};
var root = new RootCommand(
    "Three silos over three PostgreSQL servers, all processes of their own, under load while one fault after the " +
    "other happens to one slot at a time. Exit status 1 if the history is not linearizable, an operation failed for " +
    "clients of a silo that lived, or they saw more than a second without a success.")
{
    minutes,
    seed,
    workers,
};
root.SetAction(async parsed =>
{
    using var run = new ChaosRun(
        TimeSpan.FromMinutes(Math.Max(0.5, parsed.GetValue(minutes))),
        parsed.GetValue(seed),
        Math.Max(1, parsed.GetValue(workers)));
    return await run.RunAsync() ? 0 : 1;
});
return await root.Parse(args).InvokeAsync();
