using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using CasPaxos.Testing;

namespace CasPaxos.Packages.Tests;

/// <summary>
/// The packages of what has been built, in a folder, and applications that know nothing else of the project. All of it
/// is in a temporary folder, the restored packages too: none of another day is found by mistake.
/// </summary>
public sealed class PackageFeed : IAsyncLifetime
{
    /// <summary>No version that anybody publishes.</summary>
    public const string Version = "0.0.1-test";

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("caspaxos-packages-");

    /// <summary>The packages' files.</summary>
    public IReadOnlyList<string> Packages => [.. Directory.GetFiles(Feed, "*.nupkg")];

    /// <summary>True if the packages that need Orleans are among them.</summary>
    public bool HasOrleans => Packages.Any(
        package => Path.GetFileName(package).StartsWith("CasPaxos.Orleans.0", StringComparison.Ordinal));

    private string Feed => Path.Combine(_folder.FullName, "feed");

    /// <summary>Packs what has been built.</summary>
    public async Task InitializeAsync()
    {
        Directory.CreateDirectory(Feed);
        foreach (var project in Directory.GetDirectories(Checkout.PathOf("src")))
        {
            var name = Path.GetFileName(project);
            if (File.Exists(Path.Combine(project, "bin", "Release", "net10.0", $"{name}.dll")))
            {
                await DotnetAsync(Checkout.Root, [
                    "pack", project, "-c", "Release", "--no-build", "-o", Feed, $"-p:PackageVersion={Version}",
                ]);
            }
        }
    }

    /// <summary>Removes everything.</summary>
    public Task DisposeAsync()
    {
        _folder.Delete(recursive: true);
        return Task.CompletedTask;
    }

    /// <summary>Restores and builds an application, and runs it.</summary>
    /// <returns>What it printed.</returns>
    public async Task<string> RunAsync(string consumer, IReadOnlyList<string> arguments)
    {
        var project = Directory.CreateDirectory(Path.Combine(_folder.FullName, consumer)).FullName;
        foreach (var file in Directory.GetFiles(
            Checkout.PathOf("tests", "CasPaxos.Packages.Tests", "Consumers", consumer)))
        {
            File.Copy(file, Path.Combine(project, Path.GetFileName(file)));
        }

        await DotnetAsync(project, [
            "build", "-c", "Release", "-o", "out", $"-p:CasPaxosVersion={Version}",
            $"-p:RestoreAdditionalProjectSources={Feed}",
            $"-p:RestorePackagesPath={Path.Combine(_folder.FullName, "restored")}",
        ]);
        return await DotnetAsync(project, [Path.Combine("out", "Consumer.dll"), .. arguments]);
    }

    /// <summary>A port that nobody listens on.</summary>
    public static string FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port.ToString(CultureInfo.InvariantCulture);
    }

    private static async Task<string> DotnetAsync(string folder, IReadOnlyList<string> arguments)
    {
        var start = new ProcessStartInfo("dotnet", arguments)
        {
            WorkingDirectory = folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };

        // No build server that outlives the test.
        start.Environment["MSBUILDDISABLENODEREUSE"] = "1";
        start.Environment["DOTNET_CLI_USE_MSBUILD_SERVER"] = "0";
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync();
        var errors = process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync().WaitAsync(TimeSpan.FromMinutes(3));
        return process.ExitCode == 0
            ? (await output).Trim()
            : throw new InvalidOperationException(
                $"dotnet {string.Join(' ', arguments.Take(3))}… failed: {await output}{await errors}");
    }
}
