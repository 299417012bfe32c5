using CasPaxos.Demo;

return await DemoCommand.RunAsync(args);
