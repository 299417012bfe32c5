using System.Globalization;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Orleans.Configuration;

namespace CasPaxos.Orleans.Transactions;

/// <summary>One silo, the whole of a process.</summary>
internal static class SiloHost
{
    public const string Verb = "silo";
    public const string ClusterId = "transactions";

    /// <param name="arguments">The verb, the silo's port, its gateway's port, and the databases.</param>
    public static async Task RunAsync(string[] arguments)
    {
        var builder = Host.CreateApplicationBuilder();
        builder.Logging.SetMinimumLevel(LogLevel.Warning);
        builder.UseOrleans(silo =>
        {
            silo.Configure<ClusterOptions>(options => options.ClusterId = options.ServiceId = ClusterId);
            silo.ConfigureEndpoints(
                "localhost", Port(arguments[1]), Port(arguments[2]), System.Net.Sockets.AddressFamily.InterNetwork);

            // A silo that was killed is to be noticed soon: what its transactions left is resolved only then.
            silo.Configure<ClusterMembershipOptions>(options =>
            {
                options.ProbeTimeout = TimeSpan.FromMilliseconds(500);
                options.NumMissedProbesLimit = 2;
                options.TableRefreshTimeout = TimeSpan.FromSeconds(2);
            });
            silo.UseCasPaxosClustering(options => Add(options.ConnectionStrings, arguments));
            silo.AddCasPaxosGrainStorageAsDefault(options => Add(options.ConnectionStrings, arguments));
            silo.UseTransactions();

            // What a dead silo holds locked is given up after these times; the defaults would take half a minute.
            silo.Configure<TransactionalStateOptions>(options =>
            {
                options.LockTimeout = TimeSpan.FromSeconds(2);
                options.LockAcquireTimeout = TimeSpan.FromSeconds(3);
                options.PrepareTimeout = TimeSpan.FromSeconds(3);
                options.RemoteTransactionPingFrequency = TimeSpan.FromSeconds(2);
            });
        });
        await builder.Build().RunAsync();
    }

    private static void Add(IList<string> databases, string[] arguments)
    {
        foreach (var database in arguments.AsSpan(3))
        {
            databases.Add(database);
        }
    }

    private static int Port(string text) => int.Parse(text, CultureInfo.InvariantCulture);
}
