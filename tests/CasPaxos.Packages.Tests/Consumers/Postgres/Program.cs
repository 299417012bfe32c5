using CasPaxos;
using CasPaxos.Postgres;
using CasPaxos.Registers;

// The databases of an initialised cluster are the arguments.
await using var cluster = await PostgresCluster.OpenAsync(args);
var client = new RegisterClient(cluster.Configuration, cluster.Acceptors);

var visits = client.Register<int>(new RegisterKey("visits"));
await visits.WriteAsync(41);
var seen = await visits.ReadAsync();
var attempt = await visits.TryWriteAsync(seen.Value + 1, expected: seen.ETag);
Console.WriteLine($"visits {(await visits.ReadAsync()).Value}, swapped {attempt.Applied}");
