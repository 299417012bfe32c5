using System.CommandLine;
using CasPaxos.Silo;

var root = new RootCommand(
    "One silo of a CASPaxos register service. Settings come from appsettings.json, from the environment " +
    "(CasPaxos__Slot=0) and from the command line (--CasPaxos:Slot=0), the later winning.");
var run = new Command("run", "Runs the silo until it is told to stop. The default.");
foreach (var command in (Command[])[root, run])
{
    command.TreatUnmatchedTokensAsErrors = false; // Settings, each looked at where they are read.
    command.SetAction((parsed, cancellation) => RunCommand.RunAsync(parsed.UnmatchedTokens, cancellation));
}

root.Add(run);

var resume = new Option<bool>("--resume") { Description = "Finishes an init that was interrupted." };
var init = new Command(
    "init",
    "Initialises the databases of all slots, once, and the membership tables where they are configured. Refuses a " +
    "database that belongs to a cluster already.")
{
    resume,
};
init.TreatUnmatchedTokensAsErrors = false;
init.SetAction((parsed, _) => InitCommand.RunAsync(parsed.GetValue(resume), parsed.UnmatchedTokens));
root.Add(init);

var data = new Option<DirectoryInfo?>("--data")
{
    Description = "Keeps the databases in this folder, and uses those that are in it. Default: a temporary folder.",
};
var local = new Command(
    "local",
    "Runs a whole cluster for development on this machine until Ctrl-C: three PostgreSQL servers and three silos.")
{
    data,
};
local.SetAction((parsed, _) => LocalCommand.RunAsync(parsed.GetValue(data)));
root.Add(local);


// Every command stops in its own order and takes its time for it.
return await root.Parse(args).InvokeAsync(new InvocationConfiguration { ProcessTerminationTimeout = null });
