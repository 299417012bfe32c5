using CasPaxos.Client;

return await CommandLineProgram.RunAsync(args);
