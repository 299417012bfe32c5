using CasPaxos.Orleans;
using CasPaxos.Postgres;

namespace CasPaxos.Silo;

/// <summary><c>init</c>: makes a cluster of new, empty databases.</summary>
internal static class InitCommand
{
    /// <summary>Who initialises slots in grain storage: whoever adds the storages.</summary>
    private const string Elsewhere =
        "call services.InitializeCasPaxosAsync(), once, on the application's own host, which adds the grain storages";

    public static async Task<int> RunAsync(bool resume, IReadOnlyList<string> arguments)
    {
        using var stop = new StopSignal();
        try
        {
            var configuration = SiloApplication.CreateBuilder(arguments).Configuration;
            var host = SiloSettings.Read(configuration);
            var registers = new CasPaxosOptions();
            configuration.GetSection(SiloSettings.RegistersSection).Bind(registers);
            foreach (var slot in registers.Slots)
            {
                slot.ConnectionString = SiloSettings.ConnectionStringOf(slot, configuration);
            }

            await RunAsync(host, registers, resume, stop.Token);
            return ExitCodes.Done;
        }
        catch (Exception wrong) when (wrong is SettingsException or ArgumentException)
        {
            return ConsoleText.Complain(wrong.Message, ExitCodes.WrongSettings);
        }
        catch (Exception refused) when (refused is PostgresClusterException or ClusteringException)
        {
            return ConsoleText.Complain(refused.Message, ExitCodes.NotStarted);
        }
        catch (OperationCanceledException)
        {
            return ConsoleText.Complain("interrupted; run it again with --resume to finish.", ExitCodes.Failed);
        }
    }

    /// <summary>Initialises the membership tables and the slots, and says on the console what was done.</summary>
    public static async Task RunAsync(
        SiloHostOptions host, CasPaxosOptions registers, bool resume, CancellationToken cancellationToken)
    {
        var connectionStrings = ConnectionStrings(registers);
        if (host.ClusteringDatabases.Count > 0)
        {
            Console.WriteLine("The databases of the membership:");
            await InitializeAsync([.. host.ClusteringDatabases], registers, resume, cancellationToken);
        }

        if (!string.IsNullOrWhiteSpace(host.ClusteringConnectionString))
        {
            var place = await ClusteringTables.ApplyAsync(host.ClusteringConnectionString, cancellationToken);
            Console.WriteLine($"Membership tables are in {place}.");
        }

        if (connectionStrings.Count == 0)
        {
            Console.WriteLine($"The slots are in grain storage: {Elsewhere}.");
            return;
        }

        await InitializeAsync(connectionStrings, registers, resume, cancellationToken);
    }

    private static async Task InitializeAsync(
        IReadOnlyList<string> connectionStrings,
        CasPaxosOptions registers,
        bool resume,
        CancellationToken cancellationToken)
    {
        var result = await PostgresCluster.InitializeAsync(
            connectionStrings,
            new PostgresInitOptions { Resume = resume, AllowSharedServer = registers.AllowSharedServer },
            cancellationToken);
        var made = result.Configuration;
        Console.WriteLine(
            $"Cluster {made.ClusterId}, epoch {made.Epoch}: {made.Slots} slots, {made.PrepareQuorum} must promise, " +
            $"{made.AcceptQuorum} must accept.");
        for (var slot = 0; slot < made.Slots; slot++)
        {
            Console.WriteLine($"Slot {slot}: incarnation {made.Incarnations[slot]}.");
        }

        foreach (var warning in result.Warnings)
        {
            Console.WriteLine($"Warning: {warning}");
        }
    }

    private static List<string> ConnectionStrings(CasPaxosOptions registers)
    {
        var slots = registers.Slots;
        if (slots.Count is 0 or > Configuration.SlotsMax)
        {
            throw new SettingsException(
                [$"CasPaxos:Slots: there are {slots.Count} slots; a cluster has 1 to {Configuration.SlotsMax}."]);
        }

        var connectionStrings = slots.Select(slot => slot.ConnectionString).OfType<string>().ToList();
        if (connectionStrings.Count == 0 || connectionStrings.Count == slots.Count)
        {
            return connectionStrings;
        }

        var others = slots.Index().Where(slot => slot.Item.ConnectionString is null).Select(slot => slot.Index);
        throw new SettingsException(
        [
            $"CasPaxos:Slots: slot {string.Join(", ", others)} has no ConnectionString, nor a ConnectionName that is " +
            "known, and slots are initialised " +
            $"all at once. If it is in grain storage, {Elsewhere}: that initialises PostgreSQL slots too.",
        ]);
    }
}
