using System.Diagnostics;
using System.Globalization;
using CasPaxos.Testing;
using Npgsql;

namespace CasPaxos.Orleans.Transactions;

/// <summary>A silo as a process of its own, with a way of its own to every database.</summary>
internal sealed class SiloUnderTest : IAsyncDisposable
{
    private readonly IReadOnlyList<TcpProxy> _ways;
    private readonly IReadOnlyList<string> _databases;
    private readonly string _log;
    private readonly int _siloPort = FreePorts.Next();
    private Process _process;

    public SiloUnderTest(PostgresTestCluster postgres, string log)
    {
        _log = log;
        _ways = [.. postgres.Servers.Select(server => new TcpProxy(server.Port))];
        _databases =
        [
            .. postgres.ConnectionStrings.Zip(_ways, (database, way) =>
                new NpgsqlConnectionStringBuilder(database) { Host = "127.0.0.1", Port = way.Port }.ConnectionString),
        ];
        _process = Start();
    }

    public int GatewayPort { get; } = FreePorts.Next();

    /// <summary>What it has printed.</summary>
    public string ReadLog() => File.ReadAllText(_log);

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

        _process.Dispose();
        _process = Start();
    }

    public async ValueTask DisposeAsync()
    {
        await KillAsync();
        _process.Dispose();
        foreach (var way in _ways)
        {
            await way.DisposeAsync();
        }
    }

    private async Task KillAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill(); // SIGKILL.
            await _process.WaitForExitAsync();
        }
    }

    private Process Start()
    {
        string[] arguments =
        [
            "-c", "log=$1; shift; exec \"$@\" >>\"$log\" 2>&1", "sh", _log,
            "dotnet", "exec", typeof(SiloHost).Assembly.Location, SiloHost.Verb,
            _siloPort.ToString(CultureInfo.InvariantCulture), GatewayPort.ToString(CultureInfo.InvariantCulture),
            .. _databases,
        ];
        return Process.Start(new ProcessStartInfo("sh", arguments))!;
    }
}
