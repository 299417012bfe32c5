using System.Diagnostics;
using System.Globalization;
using System.Net;
using CasPaxos.Silo;
using CasPaxos.Testing;

namespace CasPaxos.Orleans.Testing;

/// <summary>How to start the silos of a <see cref="SiloProcessCluster"/>.</summary>
public sealed record SiloProcessClusterOptions
{
    /// <summary>How many silos; each belongs to the slot of its number, others to none. Default 3.</summary>
    public int Silos { get; init; } = 3;

    /// <summary>More settings of every silo, by name; they win over the harness's own.</summary>
    public IReadOnlyDictionary<string, string> Settings { get; init; } = new Dictionary<string, string>();

    /// <summary>More settings of one silo, by its number; they win over all others.</summary>
    public Func<int, IReadOnlyDictionary<string, string>> SettingsOf { get; init; } =
        _ => new Dictionary<string, string>();

    /// <summary>What starts a silo, by its number, such as a program that enters a network first.</summary>
    public Func<int, IReadOnlyList<string>> LauncherOf { get; init; } = _ => [];

    /// <summary>
    /// The database of the cluster's membership; null for one of its own on the server of slot 0.
    /// </summary>
    public string? MembershipConnectionString { get; init; }

    /// <summary>Keeps the membership in registers of the slots' databases instead. Default false.</summary>
    public bool MembershipInRegisters { get; init; }
}

/// <summary>Silos, each a process of its own, over the servers of a <see cref="PostgresTestCluster"/>.</summary>
public sealed class SiloProcessCluster : IAsyncDisposable
{
    private readonly DirectoryInfo _folder;

    private SiloProcessCluster(
        DirectoryInfo folder, IReadOnlyList<SiloProcess> silos, IReadOnlyList<IPEndPoint> gateways, string membership)
    {
        _folder = folder;
        Silos = silos;
        Gateways = gateways;
        MembershipConnectionString = membership;
    }

    /// <summary>The Orleans cluster and service id of all silos and clients.</summary>
    public const string ClusterId = "caspaxos-test";

    /// <summary>The silos, in the order of their slots.</summary>
    public IReadOnlyList<SiloProcess> Silos { get; }

    /// <summary>Where Orleans clients connect, in the order of the silos: for static clustering.</summary>
    public IReadOnlyList<IPEndPoint> Gateways { get; }

    /// <summary>The HTTP APIs, in the order of the silos.</summary>
    public IReadOnlyList<Uri> HttpUrls => [.. Silos.Select(silo => silo.HttpUrl!)];

    /// <summary>The database of the cluster's membership, unless that is in registers.</summary>
    public string MembershipConnectionString { get; }

    /// <summary>Makes the membership tables, starts the silos and waits until all are ready.</summary>
    /// <param name="postgres">The databases of the slots; they stay the caller's.</param>
    /// <param name="options">Null for the defaults.</param>
    public static async Task<SiloProcessCluster> StartAsync(
        PostgresTestCluster postgres, SiloProcessClusterOptions? options = null)
    {
        options ??= new SiloProcessClusterOptions();
        var membership = options.MembershipConnectionString
            ?? postgres.Servers[0].ConnectionString($"membership_{Guid.NewGuid():n}");
        if (!options.MembershipInRegisters)
        {
            await ClusteringTables.ApplyAsync(membership, CancellationToken.None);
        }

        var folder = Directory.CreateTempSubdirectory("caspaxos-silos-");
        var settings = Enumerable.Range(0, options.Silos)
            .Select(number => SettingsOf(postgres, options, membership, number)).ToArray();
        var gateways = settings.Select(GatewayOf).ToArray();
        var silos = settings
            .Select((each, number) => SiloProcess.Start(
                each,
                Path.Combine(folder.FullName, $"silo-{number}.log"),
                launcher: options.LauncherOf(number)))
            .ToArray();
        var cluster = new SiloProcessCluster(folder, silos, gateways, membership);
        try
        {
            await Task.WhenAll(silos.Select(silo => silo.WaitUntilReadyAsync()));
            return cluster;
        }
        catch
        {
            await cluster.DisposeAsync();
            throw;
        }
    }

    /// <summary>Kills all silos and removes their logs.</summary>
    public async ValueTask DisposeAsync()
    {
        foreach (var silo in Silos)
        {
            await silo.DisposeAsync();
        }

        _folder.Delete(recursive: true);
    }

    /// <summary>Starts silos that have ended; waits until each sees all of them, and all acceptors at home.</summary>
    /// <exception cref="InvalidOperationException">That takes too long; says what is wrong.</exception>
    public async Task HealAsync()
    {
        var began = Stopwatch.GetTimestamp();
        var problem = "nobody was asked";
        while (problem is not null)
        {
            if (Stopwatch.GetElapsedTime(began) > TimeSpan.FromSeconds(240))
            {
                throw new InvalidOperationException($"The cluster does not become whole: {problem}");
            }

            // Also one that ends meanwhile: a silo that finds itself declared dead.
            foreach (var silo in Silos.Where(silo => silo.Id is null))
            {
                silo.Start();
            }

            await Task.Delay(100);
            problem = await ProblemAsync();
        }
    }

    /// <summary>What is wrong with the cluster, as its silos see it; null if nothing is.</summary>
    private async Task<string?> ProblemAsync()
    {
        try
        {
            await Task.WhenAll(Silos.Select(silo => silo.WaitUntilReadyAsync()));
            await using var clients = await SiloClients.OfEachAsync(this, [.. Enumerable.Range(0, Silos.Count)]);
            foreach (var client in clients.Clients)
            {
                var status = await client.StatusAsync().WaitAsync(TimeSpan.FromSeconds(5));
                if (!IsWhole(status, Silos.Count))
                {
                    return Describe(status);
                }
            }

            return null;
        }
#pragma warning disable CA1031 // Silos that start and end fail in many ways; what counts is whether it passes.
        catch (Exception failure)
#pragma warning restore CA1031
        {
            return failure.Message;
        }
    }

    /// <summary>For messages.</summary>
    public static string Describe(ServiceStatus status) => string.Join(
        "; ",
        status.Silos.Select(silo => $"{silo.Name} {silo.Address} {silo.State}")
            .Concat(status.Slots.Select(slot => $"slot {slot.Slot}: {slot.Problem ?? "serves"} at {Place(slot)}")));

    private static string Place(SlotStatusInfo slot) =>
        string.Join(", ", slot.Acceptors.Select(acceptor => $"{acceptor.Silo}{(acceptor.AtHome ? " (home)" : "")}"));

    private static bool IsWhole(ServiceStatus status, int silos) =>
        status.Silos.Count(silo => silo.State == "Active") == silos
        && status.Slots.All(slot => slot.Serves && slot.Acceptors.All(acceptor => acceptor is { AtHome: true }));

    private static Dictionary<string, string> SettingsOf(
        PostgresTestCluster postgres, SiloProcessClusterOptions options, string membership, int number)
    {
        var settings = new Dictionary<string, string>
        {
            ["Silo:SiloPort"] = Text(FreePorts.Next()),
            ["Silo:GatewayPort"] = Text(FreePorts.Next()),
            ["Silo:HttpUrl"] = $"http://127.0.0.1:{FreePorts.Next()}",
            ["Silo:ClusterId"] = ClusterId,
            ["Silo:ServiceId"] = ClusterId,
            ["Silo:Name"] = $"silo-{number}",
            ["Silo:Clustering"] = nameof(ClusteringKind.CasPaxos),
            ["Silo:DrainTime"] = "00:00:00",
        };
        if (!options.MembershipInRegisters)
        {
            settings["Silo:Clustering"] = nameof(ClusteringKind.AdoNet);
            settings["Silo:ClusteringConnectionString"] = membership;
        }

        for (var slot = 0; slot < postgres.ConnectionStrings.Count; slot++)
        {
            settings[$"CasPaxos:Slots:{slot}:ConnectionString"] = postgres.ConnectionStrings[slot];
        }

        if (number < postgres.ConnectionStrings.Count)
        {
            settings["CasPaxos:Slot"] = Text(number);
        }

        foreach (var (name, value) in options.Settings.Concat(options.SettingsOf(number)))
        {
            settings[name] = value;
        }

        return settings;
    }

    private static IPEndPoint GatewayOf(Dictionary<string, string> settings) => new(
        IPAddress.Parse(settings.GetValueOrDefault("Silo:AdvertisedIPAddress", "127.0.0.1")),
        int.Parse(settings["Silo:GatewayPort"], CultureInfo.InvariantCulture));

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
