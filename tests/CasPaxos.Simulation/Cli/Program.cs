using CasPaxos.Simulation;

return SimulationCommand.Create().Parse(args).Invoke();
