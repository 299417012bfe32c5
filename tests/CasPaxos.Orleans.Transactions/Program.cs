using System.CommandLine;
using CasPaxos.Orleans.Transactions;

if (args is [SiloHost.Verb, ..])
{
    await SiloHost.RunAsync(args);
    return 0;
}

var recoveries = new Option<int>("--recoveries")
{
    Description = "How many silos are killed, one after the other.",
    DefaultValueFactory = _ => 200,
};
var seed = new Option<int>("--seed")
{
    Description = "Which silo is killed, and when.",
    DefaultValueFactory = _ => 1,
};
var root = new RootCommand(
    "Orleans transactions over three silos and three PostgreSQL servers, all processes of their own. Silos are " +
    "killed in the middle of transactions, with their last writes at one server of three. Exit status 1 if a " +
    "transaction was applied to one grain and not to the other, or otherwise than its caller was told.")
{
    recoveries,
    seed,
};
root.SetAction(async parsed =>
{
    var result = await RecoveryCampaign.RunAsync(
        Math.Max(1, parsed.GetValue(recoveries)), parsed.GetValue(seed), Console.WriteLine);
    foreach (var problem in result.Problems)
    {
        Console.WriteLine(problem);
    }

    Console.WriteLine(
        $"{result.Recoveries} recoveries, {result.Committed} transactions committed, {result.Aborted} aborted, "
        + $"{result.InDoubt} in doubt, {result.Problems.Count} problems");
    return result.Problems.Count == 0 ? 0 : 1;
});
return await root.Parse(args).InvokeAsync();
