using System.Net;
using System.Net.Sockets;
using CasPaxos.Orleans.Testing;
using CasPaxos.Testing;

namespace CasPaxos.Silo.Tests;

/// <summary>A silo that cannot start says why in one message that names the setting, and no stack trace.</summary>
[Collection(SiloCollection.Name)]
public sealed class StartTests(SiloFixture silo)
{
    private const string Secret = "sesame-marker";

    [Fact]
    public async Task Settings_that_are_wrong_are_named_all_at_once()
    {
        var (exitCode, output) = await RunAsync("run", new()
        {
            ["CasPaxos:Slto"] = "1",
            ["Silo:SiloPort"] = "70000",
            ["Silo:AdvertisedIPAddress"] = "0.0.0.0",
            ["Silo:Clustering"] = "AdoNet",
            ["Silo:ClusteringConnectionString"] = $"Host=a;Pasword={Secret}",
            ["Silo:ClusteringDatabases:1"] = $"Host=a;Pasword={Secret}",
            ["Silo:HttpUrl"] = "https://127.0.0.1:1",
            ["Silo:BearerToken"] = "short",
            ["Silo:DrainTime"] = "01:00:00",
            ["Silo:Tls:AuthorityPath"] = "/nowhere",
        });

        Assert.Equal(1, exitCode);
        Assert.All(
            [
                "CasPaxos:Slto", "Silo:SiloPort", "Silo:AdvertisedIPAddress", "Silo:ClusteringConnectionString",
                "Silo:ClusteringDatabases:0", "Silo:HttpUrl", "Silo:BearerToken", "Silo:DrainTime",
                "Silo:Tls:AuthorityPath",
            ],
            setting => Assert.Contains($"\n  {setting}:", output, StringComparison.Ordinal));
        Silent(output);
    }

    [Theory]
    [InlineData("run", "CasPaxos:Slots", "there are 0 slots")]
    [InlineData("init", "CasPaxos:Slots", "there are 0 slots")]
    [InlineData("innit", "'innit'", "neither a command")]
    [InlineData("run --Silo:SiloPort=abc", "Silo:SiloPort", "abc")]
    [InlineData("run --Silo:Name", "Silo:Name", "no value")]
    [InlineData("run --Silo:HttpUrl=http://0.0.0.0:8080", "Silo:HttpUrl", "from other machines")]
    [InlineData("run --Silo:HttpUrl=http://*:8080", "Silo:HttpUrl", "such as")]
    [InlineData("run --Silo:HttpUrl=http://loopback:8080", "Silo:HttpUrl", "such as")]
    [InlineData("run --Silo:HttpUrl=http://me@127.0.0.1:8080", "Silo:HttpUrl", "such as")]
    [InlineData("run --Kestrel:Endpoints:All:Url=http://0.0.0.0:8080", "Kestrel:Endpoints", "Silo:HttpUrl")]
    [InlineData(
        "run --Silo:HttpUrl=http://10.1.2.3:8080 --Silo:BearerToken=a-token-of-some-length", "Silo:HttpUrl", "https")]
    [InlineData("run --Silo:Clustering=CasPaxos", "Silo:ClusteringDatabases", "there are none")]
    [InlineData(
        "run --Silo:Clustering=CasPaxos --CasPaxos:Slots:0:ConnectionString=Host=a --CasPaxos:Slots:1:GrainStorage=b",
        "Silo:ClusteringDatabases",
        "not every slot has a ConnectionString")]
    [InlineData(
        "init --CasPaxos:Slots:0:ConnectionString=Host=a --CasPaxos:Slots:1:GrainStorage=b",
        "CasPaxos:Slots: slot 1",
        "InitializeCasPaxosAsync()")]
    public async Task A_command_line_that_is_wrong_is_explained(string command, string setting, string reason)
    {
        var (exitCode, output) = await RunAsync(command, []);

        Assert.Equal(1, exitCode);
        Assert.Contains(setting, output, StringComparison.Ordinal);
        Assert.Contains(reason, output, StringComparison.Ordinal);
        Silent(output);
    }

    [Fact]
    public async Task A_port_that_is_taken_is_told_by_the_name_of_its_setting()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var port = ((IPEndPoint)listener.LocalEndpoint).Port;

        var (exitCode, output) = await RunAsync("run", new()
        {
            ["CasPaxos:Slots:0:ConnectionString"] = "Host=127.0.0.1;Port=1",
            ["Silo:GatewayPort"] = $"{port}",
        });

        Assert.Equal(2, exitCode);
        Assert.Contains($"Silo:GatewayPort: 127.0.0.1:{port}", output, StringComparison.Ordinal);
        Silent(output);
    }

    [SkippableFact]
    public async Task A_wrong_password_ends_the_start_and_is_in_no_output()
    {
        SiloFixture.Need();
        await RequirePasswordAsync("guarded", "the right one");
        var settings = new Dictionary<string, string>
        {
            ["CasPaxos:StartTimeout"] = "00:00:01",
            ["Logging:LogLevel:Default"] = "Trace",
            ["Logging:LogLevel:Orleans"] = "Trace",
            ["Logging:LogLevel:Microsoft"] = "Trace",
        };
        for (var slot = 0; slot < 3; slot++)
        {
            settings[$"CasPaxos:Slots:{slot}:ConnectionString"] =
                silo.Postgres.Servers[slot].ConnectionString("postgres", "guarded") + ";Password=" + Secret;
        }

        var run = await RunAsync("run", settings);
        var init = await RunAsync("init", settings);
        settings["Silo:Clustering"] = "AdoNet";
        settings["Silo:ClusteringConnectionString"] = settings["CasPaxos:Slots:0:ConnectionString"];
        var clustered = await RunAsync("init", settings);
        var clusteredRun = await RunAsync("run", settings);

        Assert.All([run, init, clustered, clusteredRun], one =>
        {
            Assert.Equal(2, one.ExitCode);
            Assert.Contains("28P01", one.Output, StringComparison.Ordinal);
            Assert.DoesNotContain(Secret, one.Output, StringComparison.Ordinal);
        });
    }

    [SkippableFact]
    public async Task A_running_silo_with_a_slot_that_refuses_it_never_tells_the_password()
    {
        SiloFixture.Need();
        await RequirePasswordAsync("halfway", "the right one");
        var wrong = silo.Postgres.Servers[2].ConnectionString("postgres", "halfway") + ";Password=" + Secret;
        await using var silos = await SiloProcessCluster.StartAsync(silo.Postgres, new SiloProcessClusterOptions
        {
            Silos = 1,
            Settings = new Dictionary<string, string> { ["CasPaxos:Slots:2:ConnectionString"] = wrong },
        });

        var ready = await silo.Http.GetStringAsync(new Uri(silos.HttpUrls[0], "health/ready"));

        Assert.Contains("28P01", ready, StringComparison.Ordinal);
        Assert.DoesNotContain(Secret, ready, StringComparison.Ordinal);
        Assert.DoesNotContain(Secret, silos.Silos[0].ReadLog(), StringComparison.Ordinal);
    }

    [SkippableFact]
    public async Task An_init_makes_the_cluster_once_and_then_refuses()
    {
        SiloFixture.Need();
        var server = silo.Postgres.Servers[0];
        var settings = new Dictionary<string, string>
        {
            ["CasPaxos:AllowSharedServer"] = "true",
            ["Silo:ClusteringConnectionString"] = server.ConnectionString("init_membership"),
            ["Silo:ClusteringDatabases:0"] = await server.CreateDatabaseAsync("init_registers"),
        };
        for (var slot = 0; slot < 3; slot++)
        {
            settings[$"CasPaxos:Slots:{slot}:ConnectionString"] = await server.CreateDatabaseAsync($"init_{slot}");
        }

        var first = await RunAsync("init", settings);
        var second = await RunAsync("init --resume", settings);

        Assert.Equal(0, first.ExitCode);
        Assert.Contains("1 slots, 1 must promise, 1 must accept", first.Output, StringComparison.Ordinal);
        Assert.Contains("3 slots, 2 must promise, 2 must accept", first.Output, StringComparison.Ordinal);
        Assert.Contains("Warning:", first.Output, StringComparison.Ordinal);
        Assert.Contains("/init_membership", first.Output, StringComparison.Ordinal);
        Assert.Equal(2, second.ExitCode);
        Assert.Contains("An acceptor is there already", second.Output, StringComparison.Ordinal);
        Silent(second.Output);
    }

    /// <summary>A login of its own that every server asks for its password; the others go on without.</summary>
    private async Task RequirePasswordAsync(string user, string password)
    {
        foreach (var server in silo.Postgres.Servers)
        {
            var access = Path.Combine(server.DataFolder, "pg_hba.conf");
            var rules = await File.ReadAllTextAsync(access);
            await File.WriteAllTextAsync(access, $"host all {user} 127.0.0.1/32 scram-sha-256\n{rules}");
            await server.ExecuteAsync($"CREATE ROLE {user} LOGIN PASSWORD '{password}'");
            await server.ReloadAsync();
        }
    }

    private static void Silent(string output)
    {
        Assert.DoesNotContain("   at ", output, StringComparison.Ordinal);
        Assert.DoesNotContain(Secret, output, StringComparison.Ordinal);
    }

    private static async Task<(int ExitCode, string Output)> RunAsync(
        string command, Dictionary<string, string> settings)
    {
        settings.TryAdd("Silo:SiloPort", $"{FreePorts.Next()}");
        settings.TryAdd("Silo:GatewayPort", $"{FreePorts.Next()}");
        settings.TryAdd("Silo:HttpUrl", $"http://127.0.0.1:{FreePorts.Next()}");
        var log = Path.GetTempFileName();
        try
        {
            await using var process = SiloProcess.Start(settings, log, command);
            var exitCode = await process.WaitForExitAsync();
            return (exitCode, process.ReadLog());
        }
        finally
        {
            File.Delete(log);
        }
    }
}
