using System.Net;
using System.Reflection;
using System.Security.Cryptography.X509Certificates;
using CasPaxos.Registers;
using CasPaxos.Orleans.Testing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Orleans.Configuration;

namespace CasPaxos.Silo.Tests;

/// <summary>An Orleans client of a <see cref="SiloProcessCluster"/>, as an application has one.</summary>
internal sealed class OrleansClient : IAsyncDisposable
{
    private readonly IHost _host;

    private OrleansClient(IHost host) => _host = host;

    public IClusterClient Grains => _host.Services.GetRequiredService<IClusterClient>();

    public IRegisterClient Registers => _host.Services.GetRequiredService<IRegisterClient>();

    /// <summary>Connects, or fails.</summary>
    /// <param name="gateway">The silo.</param>
    /// <param name="certificate">What to show; null for none.</param>
    /// <param name="tls">Whether to speak TLS without a certificate to show.</param>
    /// <param name="patience">How long it may take; null for a minute.</param>
    /// <param name="name">What it calls itself; null for what Orleans calls it.</param>
    public static async Task<OrleansClient> ConnectAsync(
        IPEndPoint gateway, X509Certificate2? certificate = null, bool tls = false, TimeSpan? patience = null,
        string? name = null)
    {
        var limit = patience ?? TimeSpan.FromMinutes(1);
        var builder = Host.CreateApplicationBuilder();
        builder.Logging.ClearProviders();
        builder.UseOrleansClient(client =>
        {
            client.UseStaticClustering(gateway);
            client.Configure<ClusterOptions>(cluster =>
                cluster.ClusterId = cluster.ServiceId = SiloProcessCluster.ClusterId);
            client.Configure<GatewayOptions>(gateways => gateways.GatewayListRefreshPeriod = TimeSpan.FromSeconds(1));
            client.Configure<ConnectionOptions>(
                connections => connections.OpenConnectionTimeout = limit / 2);
            client.AddCasPaxos();
            if (tls || certificate is not null)
            {
                client.UseTls(options =>
                {
                    options.LocalCertificate = certificate;
                    options.AllowAnyRemoteCertificate(); // What the silo demands is looked at here, not what we do.
                    options.OnAuthenticateAsClient = (_, authentication) => authentication.TargetHost = "silo";
                });
            }
        });
        var host = builder.Build();
        if (name is not null)
        {
            Rename(host, name);
        }

        try
        {
            await host.StartAsync().WaitAsync(limit);
            return new OrleansClient(host);
        }
        catch
        {
            host.Dispose();
            throw;
        }
    }

    /// <summary>Orleans draws the name itself, so this is what an attacker's own client would do.</summary>
    private static void Rename(IHost host, string name)
    {
        var details = host.Services.GetRequiredService(
            Assembly.Load("Orleans.Core").GetType("Orleans.LocalClientDetails", throwOnError: true)!);
        var id = details.GetType().GetProperty("ClientId")!;
        var make = id.PropertyType.GetMethod("Create", [typeof(string)])!;
        details.GetType().GetField("<ClientId>k__BackingField", BindingFlags.NonPublic | BindingFlags.Instance)!
            .SetValue(details, make.Invoke(null, [name]));
    }

    public async ValueTask DisposeAsync()
    {
        await _host.StopAsync();
        _host.Dispose();
    }
}
