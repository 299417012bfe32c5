using CasPaxos.Orleans;
using CasPaxos.Registers;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

// The databases of an initialised cluster are the arguments, after the silo's two ports.
var builder = Host.CreateApplicationBuilder();
builder.Logging.ClearProviders();
builder.UseOrleans(silo =>
{
    silo.UseLocalhostClustering(siloPort: int.Parse(args[0]), gatewayPort: int.Parse(args[1]));
    silo.AddCasPaxos(options =>
    {
        foreach (var database in args[2..])
        {
            options.Slots.Add(new CasPaxosSlotOptions { ConnectionString = database });
        }

        options.Slot = 0;
    });
});
using var host = builder.Build();
await host.StartAsync();

var visits = host.Services.GetRequiredService<IGrainFactory>().GetRegister<int>("visits");
await visits.WriteAsync(41);
var seen = await visits.ReadAsync();
var attempt = await visits.TryWriteAsync(seen.Value + 1, expected: seen.ETag);
Console.WriteLine($"visits {(await visits.ReadAsync()).Value}, swapped {attempt.Applied}");
await host.StopAsync();
