using System.Globalization;
using System.Net;
using CasPaxos.Orleans.Testing;
using CasPaxos.Testing;
using Npgsql;

namespace CasPaxos.Orleans.Fault.Tests;

/// <summary>
/// Three silos that reach each database by a way of their own, which can be slowed down and cut; where namespaces can
/// be had, each in one, so that the ways between silos can be cut too.
/// </summary>
public sealed class IsolatedCluster : IAsyncLifetime
{
    private const int Size = 3;

    private readonly List<TcpProxy> _proxies = [];
    private PostgresTestCluster? _postgres;
    private SiloNetwork? _network;
    private SiloProcessCluster? _silos;

    public SiloProcessCluster Silos => _silos!;

    public SiloNetwork Network => _network!;

    /// <summary>Null if ways between silos can be cut; otherwise why not.</summary>
    public string? NetworkSkipReason { get; private set; }

    /// <summary>The way of a silo to the database of a slot.</summary>
    public TcpProxy Way(int silo, int slot) => _proxies[(silo * Size) + slot];

    public async Task InitializeAsync()
    {
        if (PostgresBinaries.SkipReason is not null)
        {
            return;
        }

        _postgres = await PostgresTestCluster.StartAsync();
        NetworkSkipReason = await SiloNetwork.SkipReasonAsync();
        _network = NetworkSkipReason is null ? await SiloNetwork.CreateAsync(Size) : null;
        for (var way = 0; way < Size * Size; way++)
        {
            _proxies.Add(new TcpProxy(_postgres.Servers[way % Size].Port, _network?.Host));
        }

        // The membership has a way of its own, which is never cut.
        _proxies.Add(new TcpProxy(_postgres.Servers[0].Port, _network?.Host));
        _silos = await SiloProcessCluster.StartAsync(_postgres, new SiloProcessClusterOptions
        {
            MembershipConnectionString = Through(_postgres.Servers[0].ConnectionString("membership"), _proxies[^1]),
            Settings = FaultCluster.QuickDetection,
            SettingsOf = SettingsOf,
            LauncherOf = silo => _network?.LauncherOf(silo) ?? [],
        });
    }

    public async Task DisposeAsync()
    {
        if (_silos is not null)
        {
            await _silos.DisposeAsync();
        }

        foreach (var proxy in _proxies)
        {
            await proxy.DisposeAsync();
        }

        if (_network is not null)
        {
            await _network.DisposeAsync();
        }

        if (_postgres is not null)
        {
            await _postgres.DisposeAsync();
        }
    }

    /// <summary>Waits until every silo sees all silos, and all acceptors at home.</summary>
    public Task HealAsync()
    {
        Skip.If(PostgresBinaries.SkipReason is not null, PostgresBinaries.SkipReason);
        return Silos.HealAsync();
    }

    private Dictionary<string, string> SettingsOf(int silo)
    {
        var settings = new Dictionary<string, string>();
        for (var slot = 0; slot < Size; slot++)
        {
            settings[$"CasPaxos:Slots:{slot}:ConnectionString"] =
                Through(_postgres!.ConnectionStrings[slot], Way(silo, slot));
        }

        if (_network is not null)
        {
            var address = _network.AddressOf(silo).ToString();
            settings["Silo:AdvertisedIPAddress"] = address;
            settings["Silo:AllowOpenHttp"] = "true";
            settings["Silo:HttpUrl"] = string.Create(CultureInfo.InvariantCulture, $"http://{address}:8080");
        }

        return settings;
    }

    private string Through(string connectionString, TcpProxy proxy) =>
        new NpgsqlConnectionStringBuilder(connectionString)
        {
            Host = (_network?.Host ?? IPAddress.Loopback).ToString(),
            Port = proxy.Port,
        }.ConnectionString;
}
