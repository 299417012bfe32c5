using System.Globalization;
using CasPaxos.Testing;
using Npgsql;

namespace CasPaxos.Orleans.Transactions;

/// <summary>A silo as a process of its own, with a way of its own to every database.</summary>
internal sealed class SiloUnderTest : LoggedProcess
{
    private readonly IReadOnlyList<TcpProxy> _ways;

    private SiloUnderTest(string log, IReadOnlyList<TcpProxy> ways, int gatewayPort, IEnumerable<string> databases)
        : base(
            log,
            [
                "dotnet", "exec", typeof(SiloHost).Assembly.Location, SiloHost.Verb,
                FreePorts.Next().ToString(CultureInfo.InvariantCulture),
                gatewayPort.ToString(CultureInfo.InvariantCulture), .. databases,
            ])
    {
        _ways = ways;
        GatewayPort = gatewayPort;
    }

    public int GatewayPort { get; }

    /// <summary>Starts one.</summary>
    public static SiloUnderTest Start(PostgresTestCluster postgres, string log)
    {
        TcpProxy[] ways = [.. postgres.Servers.Select(server => new TcpProxy(server.Port))];
        var silo = new SiloUnderTest(log, ways, FreePorts.Next(), postgres.ConnectionStrings.Zip(ways, Through));
        silo.Start();
        return silo;
    }

    /// <summary>
    /// Cuts the ways to all databases but one, and kills the silo when what it sent had time to arrive there: its last
    /// writes are then at a minority.
    /// </summary>
    public async Task DieAsync(int reached, TimeSpan pause)
    {
        for (var slot = 0; slot < _ways.Count; slot++)
        {
            _ways[slot].Mode = slot == reached ? ProxyMode.Pass : ProxyMode.Refuse;
        }

        await Task.Delay(pause);
        await KillAsync();
    }

    /// <summary>A new silo in its place.</summary>
    public void Restart()
    {
        foreach (var way in _ways)
        {
            way.Mode = ProxyMode.Pass;
        }

        Start();
    }

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        foreach (var way in _ways)
        {
            await way.DisposeAsync();
        }
    }

    private static string Through(string database, TcpProxy way) =>
        new NpgsqlConnectionStringBuilder(database) { Host = "127.0.0.1", Port = way.Port }.ConnectionString;
}
