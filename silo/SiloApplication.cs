using System.Net;
using CasPaxos.Orleans;
using Microsoft.AspNetCore.HostFiltering;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Configuration.Json;
using Microsoft.Extensions.Options;
using Orleans.Configuration;

namespace CasPaxos.Silo;

/// <summary>Puts the process together: Orleans, the register service, and HTTP.</summary>
internal static class SiloApplication
{
    /// <summary>A key of the greatest length with every byte escaped, twice in a listing, and the rest.</summary>
    private const int RequestLineBytesMax = (2 * 3 * RegisterKey.BytesMax) + 2048;

    /// <summary>The process, not started.</summary>
    /// <param name="arguments">What the command line holds beside the command: settings.</param>
    /// <exception cref="SettingsException">Settings are wrong.</exception>
    public static WebApplication Build(IReadOnlyList<string> arguments)
    {
        var builder = CreateBuilder(arguments);
        var options = SiloSettings.Read(builder.Configuration);
        var tls = SiloTls.Load(options.Tls);
        var services = builder.Services;
        services.AddSingleton(options);
        var startLog = new StartLog();
        startLog.Configure(builder.Logging);
        services.AddSingleton(startLog);
        services.AddSingleton(TimeProvider.System);
        services.AddSingleton<BearerToken>();
        services.AddSingleton<RegisterApi>();
        services.AddHealthChecks().AddCasPaxos();
        services.AddHostedService<DrainService>();
        if (options.OtlpEndpoint is not null)
        {
            services.AddHostedService<OtlpExport>();
        }

        services.Configure<HostOptions>(host => host.ShutdownTimeout = options.DrainTime + options.ShutdownTimeout);
        AddHttp(builder, options, tls);
        builder.UseOrleans(silo => AddSilo(silo, options, tls, builder.Configuration));
        var application = builder.Build();
        Endpoints.Map(application);
        return application;
    }

    /// <summary>A builder with the settings of all sources.</summary>
    public static WebApplicationBuilder CreateBuilder(IReadOnlyList<string> arguments)
    {
        var builder = WebApplication.CreateBuilder(new WebApplicationOptions
        {
            Args = SiloSettings.CheckArguments(arguments),
            ContentRootPath = AppContext.BaseDirectory,
        });

        // An operator's appsettings.json in the current folder comes after the one that lies beside the program.
        var here = Path.Combine(Environment.CurrentDirectory, "appsettings.json");
        var sources = builder.Configuration.Sources;
        var last = sources.LastOrDefault(source => source is JsonConfigurationSource);
        if (File.Exists(here) && last is not null)
        {
            var source = new JsonConfigurationSource { Path = here };
            source.ResolveFileProvider();
            sources.Insert(sources.IndexOf(last) + 1, source);
        }

        return builder;
    }

    private static void AddHttp(WebApplicationBuilder builder, SiloHostOptions options, SiloTls? tls)
    {
        builder.WebHost.UseUrls(options.HttpUrl);
        if (new Uri(options.HttpUrl).IsLoopback)
        {
            // A page in a browser on this machine may have any name resolved to this address. "AllowedHosts" adds some.
            builder.Services.PostConfigure<HostFilteringOptions>(hosts => hosts.AllowedHosts =
            [
                "localhost", "127.0.0.1", "[::1]", new Uri(options.HttpUrl).Host,
                .. hosts.AllowedHosts.Where(host => host != "*"),
            ]);
        }

        builder.Services.AddOptions<KestrelServerOptions>().Configure<IOptions<CasPaxosOptions>>((kestrel, registers) =>
        {
            kestrel.AddServerHeader = false;

            // The API answers what is over the limit; the server breaks off what is far over it, unanswered.
            kestrel.Limits.MaxRequestBodySize = (2L * Math.Max(0, registers.Value.ValueBytesMax)) + 65_536;
            kestrel.Limits.MaxRequestLineSize = RequestLineBytesMax;
            kestrel.Limits.MaxConcurrentConnections = options.HttpConnectionsMax;
            kestrel.ConfigureHttpsDefaults(https => https.ServerCertificate = tls?.Certificate);
        });
    }

    private static void AddSilo(
        ISiloBuilder silo, SiloHostOptions options, SiloTls? tls, ConfigurationManager configuration)
    {
        silo.Configure<SiloOptions>(names => names.SiloName = options.EffectiveName);
        silo.Configure<ClusterMembershipOptions>(membership =>
        {
            membership.ProbeTimeout = options.ProbeTimeout;
            membership.NumMissedProbesLimit = options.MissedProbesMax;
        });
        AddClustering(silo, options, configuration);
        silo.ConfigureEndpoints(
            IPAddress.Parse(options.AdvertisedIPAddress),
            options.SiloPort,
            options.GatewayPort,
            options.ListenOnAnyAddress);
        if (tls is not null)
        {
            silo.UseTls(tls.Configure);
        }

        silo.AddIncomingGrainCallFilter<ClientAccessFilter>();
        silo.AddCasPaxos(configuration.GetSection(SiloSettings.RegistersSection));
    }

    private static void AddClustering(ISiloBuilder silo, SiloHostOptions options, ConfigurationManager configuration)
    {
        switch (options.Clustering)
        {
            case ClusteringKind.CasPaxos:
                var registers = new CasPaxosOptions();
                configuration.GetSection(SiloSettings.RegistersSection).Bind(registers);
                silo.UseCasPaxosClustering(clustering =>
                {
                    foreach (var database in SiloSettings.ClusteringDatabases(options, registers, configuration))
                    {
                        clustering.ConnectionStrings.Add(database);
                    }

                    clustering.StartTimeout = registers.StartTimeout;
                    clustering.AllowSharedServer = registers.AllowSharedServer;
                });
                break;
            case ClusteringKind.AdoNet:
                silo.UseAdoNetClustering(clustering =>
                {
                    clustering.Invariant = "Npgsql";
                    clustering.ConnectionString = options.ClusteringConnectionString;
                });
                break;
            default:
                silo.UseLocalhostClustering(
                    options.SiloPort,
                    options.GatewayPort,
                    options.PrimarySiloPort is { } port ? new IPEndPoint(IPAddress.Loopback, port) : null,
                    options.ServiceId,
                    options.ClusterId);
                break;
        }

        silo.Configure<ClusterOptions>(cluster =>
        {
            cluster.ClusterId = options.ClusterId;
            cluster.ServiceId = options.ServiceId;
        });
    }
}
