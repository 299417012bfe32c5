using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Runtime.Versioning;
using System.Text.Json;
using CasPaxos.Testing;

namespace CasPaxos.Docs.Tests;

/// <summary>
/// Somebody who follows a page, with what the page expects of them: databases, and values for its examples.
/// </summary>
[UnsupportedOSPlatform("windows")]
internal sealed class PageReader : IAsyncDisposable
{
    private readonly List<Filling> _fillings;
    private readonly HashSet<Filling> _used = [];
    private readonly PostgresTestCluster? _databases;

    private PageReader(PageShell shell, List<Filling> fillings, PostgresTestCluster? databases = null) =>
        (Shell, _fillings, _databases) = (shell, fillings, databases);

    /// <summary>What a page writes, and what stands in its place here, where it is used.</summary>
    private sealed record Filling(string Written, Func<string> Here);

    public PageShell Shell { get; }

    /// <summary>Fillings that no block has needed: the page has changed.</summary>
    public IEnumerable<string> Unused => _fillings.Except(_used).Select(filling => filling.Written);

    /// <summary>A reader of a page.</summary>
    public static Task<PageReader> OfAsync(string page) => page switch
    {
        "README.md" => Task.FromResult(OfReadme()),
        "docs/getting-started.md" => Task.FromResult(OfGettingStarted()),
        "docs/grain-storage.md" => OfGrainStorageAsync(),
        "samples/README.md" => OfSamplesAsync(),
        _ => Task.FromResult(new PageReader(new PageShell(), [])),
    };

    /// <summary>The commands of a block, with the values of this machine in them.</summary>
    public string Fill(CommandBlock block)
    {
        var text = block.Text;
        foreach (var filling in _fillings.Where(filling => text.Contains(filling.Written, StringComparison.Ordinal)))
        {
            text = text.Replace(filling.Written, filling.Here(), StringComparison.Ordinal);
            _used.Add(filling);
        }

        Assert.DoesNotContain("…", text); // A placeholder that nothing fills.
        return text;
    }

    public async ValueTask DisposeAsync()
    {
        await Shell.DisposeAsync();
        if (_databases is not null)
        {
            await _databases.DisposeAsync();
        }
    }

    /// <summary>"The address that local printed": another one where the port is taken.</summary>
    private static PageReader OfReadme()
    {
        var shell = new PageShell();
        return new PageReader(shell, [new Filling("http://127.0.0.1:8080/", () =>
        {
            using var context = JsonDocument.Parse(File.ReadAllText(shell.Context));
            return context.RootElement.GetProperty("httpUrls")[0].GetString()!;
        })]);
    }

    /// <summary>Other folders and ports: the page's may be somebody's on this machine.</summary>
    private static PageReader OfGettingStarted()
    {
        var shell = new PageShell();
        var ports = FreeDecade();
        return new PageReader(shell,
        [
            new Filling("/tmp/try", () => Path.Combine(shell.Folder.FullName, "try")),
            new Filling("-p 550", () => $"-p {ports}"),
            new Filling("Port=550", () => $"Port={ports}"),
        ]);
    }

    /// <summary>The old storage, with its table, and initialised databases for the slots.</summary>
    private static async Task<PageReader> OfGrainStorageAsync()
    {
        var databases = await PostgresTestCluster.StartAsync(server: new PostgresServerOptions { InMemory = true });
        var old = await databases.Servers[0].CreateDatabaseAsync("old");
        await databases.Servers[0].ExecuteAsync(
            await File.ReadAllTextAsync(Checkout.PathOf("sql", "orleans-storage", "postgresql.sql")), "old");
        return new PageReader(
            new PageShell(),
            [
                new Filling("Host=old;…", () => old),
                new Filling("Host=db0;…", () => databases.ConnectionStrings[0]),
                new Filling("Host=db1;…", () => databases.ConnectionStrings[1]),
                new Filling("Host=db2;…", () => databases.ConnectionStrings[2]),
            ],
            databases);
    }

    /// <summary>Initialised databases, and ports of our own: the bank's may be somebody's on this machine.</summary>
    private static async Task<PageReader> OfSamplesAsync()
    {
        var databases = await PostgresTestCluster.StartAsync(server: new PostgresServerOptions { InMemory = true });
        var shell = new PageShell(new Dictionary<string, string>
        {
            ["SiloPort"] = FreePorts.Next().ToString(CultureInfo.InvariantCulture),
            ["GatewayPort"] = FreePorts.Next().ToString(CultureInfo.InvariantCulture),
            ["ASPNETCORE_URLS"] = $"http://127.0.0.1:{FreePorts.Next()}",
        });
        return new PageReader(
            shell,
            [.. databases.ConnectionStrings.Select((database, slot) =>
                new Filling($"--Databases:{slot} \"Host=…\"", () => $"--Databases:{slot} \"{database}\""))],
            databases);
    }

    /// <summary>All digits but the last of ports of which those that end with 0, 1 and 2 are free.</summary>
    private static int FreeDecade()
    {
        while (true)
        {
            var decade = FreePorts.Next() / 10;
            if (Enumerable.Range(decade * 10, 3).All(IsFree))
            {
                return decade;
            }
        }
    }

    private static bool IsFree(int port)
    {
        using var listener = new TcpListener(IPAddress.Loopback, port);
        try
        {
            listener.Start();
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
