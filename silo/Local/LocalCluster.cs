using System.Runtime.Versioning;
using System.Security.Cryptography;
using CasPaxos.Local;
using CasPaxos.Orleans;
using CasPaxos.Postgres;
using Microsoft.Extensions.Logging.Abstractions;
using Orleans.Configuration;

namespace CasPaxos.Silo;

/// <summary>Three PostgreSQL servers, and three silos that need no particular one of them.</summary>
[UnsupportedOSPlatform("windows")]
internal sealed class LocalCluster(string programs, DirectoryInfo? data) : IAsyncDisposable
{
    private const int Slots = 3;
    private const string ClusterId = "caspaxos-local";
    private const int PostgresPort = 15_432;
    private const int SiloPort = 11_111;
    private const int GatewayPort = 30_000;
    private const int HttpPort = 8080;

    private readonly string _folder =
        data?.FullName ?? Path.Combine(Path.GetTempPath(), $"caspaxos-local-{Guid.NewGuid():n}");
    private readonly PortFinder _ports = new();
    private readonly List<LocalPostgres> _servers = [];
    private readonly List<LocalSilo> _silos = [];
    private readonly List<int> _gateways = [];
    private LocalAnnouncement? _announcement;

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        Directory.CreateDirectory(_folder);
        var password = await PasswordAsync(cancellationToken);
        for (var slot = 0; slot < Slots; slot++)
        {
            var folder = Path.Combine(_folder, $"postgres-{slot}");
            _servers.Add(new LocalPostgres(programs, folder, _ports.Next(PostgresPort), password));
        }

        await Task.WhenAll(_servers.Select(server => server.StartAsync(cancellationToken)));
        string[] connectionStrings = [.. _servers.Select(server => server.ConnectionString("postgres"))];
        await InitializeAsync(connectionStrings, cancellationToken);

        // What silos of an earlier run have left in it: none of them can be alive, their servers were not.
        await ForgetSilosAsync(connectionStrings);
        for (var slot = 0; slot < Slots; slot++)
        {
            _silos.Add(StartSilo(slot, connectionStrings));
        }

        await Task.WhenAll(_silos.Select(silo => silo.WaitUntilReadyAsync(cancellationToken)));
        _announcement = LocalAnnouncement.Make(
            ContextFile.FindPath(Environment.GetEnvironmentVariable),
            LocalContext.OfThisProcess(
                ClusterId,
                ClusterId,
                [.. _gateways.Select(port => $"127.0.0.1:{port}")],
                [.. _silos.Select(silo => silo.HttpUrl.ToString())]));
    }

    public string Describe() => string.Join(
        Environment.NewLine,
        [
            .. _silos.Select((silo, slot) =>
                $"Slot {slot}: HTTP {silo.HttpUrl}  gateway 127.0.0.1:{_gateways[slot]}  " +
                $"PostgreSQL 127.0.0.1:{_servers[slot].Port}"),
            $"Orleans cluster id and service id: {ClusterId}. Data and logs: {_folder}" +
                (data is null ? ", removed at the end." : ", kept."),
            _announcement?.Text ?? "",
            $"Try:  curl -X PUT --data hello {_silos[0].HttpUrl}registers/greeting",
            $"      curl -i {_silos[1].HttpUrl}registers/greeting",
        ]);

    /// <summary>Tells of every silo that ends, until the token is cancelled.</summary>
    public async Task WatchAsync(Action<string> tell, CancellationToken cancellationToken)
    {
        await foreach (var end in Task.WhenEach(_silos.Select(silo => silo.WaitForEndAsync(cancellationToken))))
        {
            tell(await end);
        }
    }

    public async ValueTask DisposeAsync()
    {
        _announcement?.Withdraw(); // First: nobody shall be sent to what is about to stop.
        await Task.WhenAll(_silos.Select(silo => silo.StopAsync()));
        _silos.ForEach(silo => silo.Dispose());
        foreach (var server in _servers)
        {
            try
            {
                await server.StopAsync();
            }
            catch (LocalException failure)
            {
                Console.Error.WriteLine(failure.Message);
            }
        }

        if (data is null && Directory.Exists(_folder))
        {
            Directory.Delete(_folder, recursive: true);
        }
    }

    private static async Task InitializeAsync(string[] connectionStrings, CancellationToken cancellationToken)
    {
        try
        {
            // Resumes what an earlier run may have left unfinished.
            var options = new PostgresInitOptions { Resume = true };
            await PostgresCluster.InitializeAsync(connectionStrings, options, cancellationToken);
        }
        catch (PostgresClusterException)
        {
            // They are a cluster already; if they are not, this says what they are.
            await using var cluster = await PostgresCluster.OpenAsync(
                connectionStrings, cancellationToken: cancellationToken);
        }
    }

    private static async Task ForgetSilosAsync(string[] connectionStrings)
    {
        var options = new CasPaxosClusteringOptions();
        foreach (var connectionString in connectionStrings)
        {
            options.ConnectionStrings.Add(connectionString);
        }

        var cluster = new ClusterOptions { ClusterId = ClusterId, ServiceId = ClusterId };
        await using var services = new ServiceCollection().BuildServiceProvider();
        await using var membership = new CasPaxosMembershipTable(
            options, cluster, services, NullLogger.Instance);
        await membership.DeleteMembershipTableEntries(ClusterId);
    }

    /// <summary>The password of all servers, kept where only we can read it.</summary>
    private async Task<string> PasswordAsync(CancellationToken cancellationToken)
    {
        var file = Path.Combine(_folder, "password");
        if (!File.Exists(file))
        {
            await using var created = new FileStream(file, new FileStreamOptions
            {
                Mode = FileMode.CreateNew,
                Access = FileAccess.Write,
                UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
            });
            await using var writer = new StreamWriter(created);
            await writer.WriteAsync(RandomNumberGenerator.GetHexString(32));
        }

        return await File.ReadAllTextAsync(file, cancellationToken);
    }

    private LocalSilo StartSilo(int slot, string[] connectionStrings)
    {
        _gateways.Add(_ports.Next(GatewayPort));
        var url = new Uri($"http://127.0.0.1:{_ports.Next(HttpPort)}");
        var settings = new Dictionary<string, string>
        {
            ["Silo:Name"] = $"local-{slot}",
            ["Silo:SiloPort"] = $"{_ports.Next(SiloPort)}",
            ["Silo:GatewayPort"] = $"{_gateways[slot]}",
            ["Silo:HttpUrl"] = url.ToString(),
            ["Silo:ClusterId"] = ClusterId,
            ["Silo:ServiceId"] = ClusterId,
            ["Silo:Clustering"] = nameof(ClusteringKind.CasPaxos),
            ["Silo:DrainTime"] = "00:00:00",
            ["CasPaxos:Slot"] = $"{slot}",
        };
        for (var other = 0; other < connectionStrings.Length; other++)
        {
            settings[$"CasPaxos:Slots:{other}:ConnectionString"] = connectionStrings[other];
        }

        return LocalSilo.Start(Path.Combine(_folder, $"silo-{slot}.log"), url, settings);
    }
}
