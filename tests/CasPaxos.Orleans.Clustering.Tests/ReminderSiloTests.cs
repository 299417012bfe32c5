using System.Collections.Concurrent;
using System.Net;
using CasPaxos.Testing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Orleans.Configuration;

namespace CasPaxos.Orleans.Clustering.Tests;

/// <summary>A grain that is reminded.</summary>
public interface IRemindedGrain : IGrainWithStringKey
{
    /// <summary>Asks to be reminded soon.</summary>
    Task RemindAsync(string name);

    /// <summary>Its reminders, by name.</summary>
    Task<IReadOnlyList<string>> ListAsync();

    /// <summary>Asks to be reminded no more.</summary>
    Task ForgetAsync(string name);
}

/// <summary>Notes its reminders.</summary>
public sealed class RemindedGrain : Grain, IRemindedGrain, IRemindable
{
    internal static readonly ConcurrentDictionary<string, int> Reminded = new();

    public Task RemindAsync(string name) =>
        this.RegisterOrUpdateReminder(name, TimeSpan.FromMilliseconds(200), TimeSpan.FromMinutes(1));

    public async Task<IReadOnlyList<string>> ListAsync() =>
        [.. (await this.GetReminders()).Select(reminder => reminder.ReminderName)];

    public async Task ForgetAsync(string name) =>
        await this.UnregisterReminder((await this.GetReminder(name))!);

    public Task ReceiveReminder(string reminderName, TickStatus status)
    {
        Reminded.AddOrUpdate(reminderName, 1, (_, count) => count + 1);
        return Task.CompletedTask;
    }
}

/// <summary>Reminders of a real silo, in its own register service and in databases asked directly.</summary>
[Collection(DatabasesCollection.Name)]
public sealed class ReminderSiloTests(RegisterDatabases databases)
{
    [SkippableTheory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_grain_is_reminded_also_by_a_silo_that_starts_later(bool passive)
    {
        RegisterDatabases.Need();
        var (service, name) = (Make.Name(), Guid.NewGuid().ToString("n"));
        using (var first = await StartAsync(databases.Postgres, service, passive))
        {
            var grain = first.Services.GetRequiredService<IGrainFactory>().GetGrain<IRemindedGrain>("g");
            await grain.RemindAsync(name);
            await grain.RemindAsync(name + "-forgotten");
            await UntilAsync(name, 1);
            await grain.ForgetAsync(name + "-forgotten");
            await first.StopAsync();
        }

        using var second = await StartAsync(databases.Postgres, service, passive);
        var same = second.Services.GetRequiredService<IGrainFactory>().GetGrain<IRemindedGrain>("g");

        Assert.Equal([name], await same.ListAsync());
        await same.RemindAsync(name);
        await UntilAsync(name, 2);
        await second.StopAsync();
    }

    private static async Task<IHost> StartAsync(PostgresTestCluster postgres, string service, bool passive)
    {
        var builder = Host.CreateApplicationBuilder();
        builder.Logging.ClearProviders();
        builder.UseOrleans(silo =>
        {
            silo.ConfigureEndpoints(IPAddress.Loopback, FreePorts.Next(), FreePorts.Next());
            silo.Configure<ClusterOptions>(cluster => cluster.ServiceId = cluster.ClusterId = service);
            silo.UseCasPaxosClustering(options => Make.Databases(options, postgres.ConnectionStrings));
            silo.Configure<ReminderOptions>(options => options.MinimumReminderPeriod = TimeSpan.FromSeconds(1));
            if (passive)
            {
                silo.UseCasPaxosReminders(options => Make.Databases(options, postgres.ConnectionStrings));
                return;
            }

            silo.UseCasPaxosReminders();
            silo.AddCasPaxos(options =>
            {
                options.Slot = 0;
                foreach (var database in postgres.ConnectionStrings)
                {
                    options.Slots.Add(new CasPaxosSlotOptions { ConnectionString = database });
                }
            });
        });
        var host = builder.Build();
        await host.StartAsync();
        return host;
    }

    private static Task UntilAsync(string name, int times) => Eventually.HoldsAsync(
        () => Task.FromResult(RemindedGrain.Reminded.GetValueOrDefault(name) >= times));
}
