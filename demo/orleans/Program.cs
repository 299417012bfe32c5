using CasPaxos.Demo;

return await DemoCommand.RunAsync(
    args,
    "Registers of a service of three silos over three PostgreSQL servers under load, while one silo is killed with " +
    "-9 and comes back, and then one server. Exit status 0 only if nothing failed and the whole history is " +
    "linearizable.",
    secondsDefault: 40,
    secondsMin: 20,
    ServiceDemo.RunAsync);
