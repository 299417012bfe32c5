using CasPaxos.Demo;

return await DemoCommand.RunAsync(
    args,
    "Registers over three PostgreSQL servers under load, while one server is killed with -9 and comes back. " +
    "Exit status 0 only if nothing failed and the whole history is linearizable.",
    secondsDefault: 30,
    secondsMin: 9,
    PostgresDemo.RunAsync);
