using CasPaxos.Orleans;
using CasPaxos.Registers;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;
using Orleans.Configuration;

namespace CasPaxos.Client;

/// <summary>The registers of silos.</summary>
internal sealed class SiloService : IRegisterService
{
    /// <summary>The least time for Orleans to connect to gateways that listen; otherwise that of an answer.</summary>
    private static readonly TimeSpan ConnectPatience = TimeSpan.FromSeconds(4);

    private readonly IHost _host;
    private readonly GrainRegisterClient _registers;
    private readonly TimeSpan _timeout;

    private SiloService(IHost host, TimeSpan timeout)
    {
        _host = host;
        _timeout = timeout;
        _registers = new GrainRegisterClient(
            host.Services.GetRequiredService<IClusterClient>(), new GrainRegisterClientOptions { Timeout = timeout });
    }

    public IRegisterClient Registers => _registers;

    public IReadOnlyList<string> Warnings => [];

    /// <exception cref="CommandFailedException">No gateway answers, or they are another cluster's.</exception>
    public static async Task<SiloService> ConnectAsync(
        ConnectionSettings.Silos settings, CancellationToken cancellationToken)
    {
        var gateways = settings.Gateways.Count > 0
            ? await GatewayProbe.FindAsync(settings.Gateways, settings.Origin, cancellationToken)
            : [];
        var failures = new ConnectFailures(patient: gateways.Count == 0);
        var host = Build(settings, gateways, failures);
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(settings.Timeout > ConnectPatience ? settings.Timeout : ConnectPatience);
        try
        {
            // Not every way of Orleans to connect looks at the token.
            await host.StartAsync(deadline.Token).WaitAsync(deadline.Token);
            return new SiloService(host, settings.Timeout);
        }
        catch (Exception failure) when (!cancellationToken.IsCancellationRequested)
        {
            host.Dispose();
            var reason = failure is OperationCanceledException
                ? failures.Last ?? "no answer in time"
                : CommandRunner.Sentence(failure.GetBaseException());
            var tried = gateways.Count > 0
                ? string.Join(", ", gateways.Select(gateway => gateway.EndPoint))
                : "the membership table, or to a gateway that it names";
            var start = settings.Origin is ConnectionOrigin.Assumed
                ? " 'caspaxos-silo local' starts a cluster that is found without them."
                : "";
            throw new CommandFailedException(
                ExitCodes.Failed,
                $"Cannot connect to {tried} ({settings.Origin.Why}): {reason}\n" +
                $"Are --cluster-id '{settings.ClusterId}', --service-id '{settings.ServiceId}' and the TLS options " +
                $"those of the silos? --verbose shows more.{start}");
        }
    }

    public async Task<Outcome.Unavailable?> PrepareAsync(RegisterKey key, CancellationToken cancellationToken) =>
        await Registers.ExecuteAsync(
            key,
            new Operation(new OperationId(Guid.NewGuid()), new Change.Read()),
            _timeout,
            cancellationToken) as Outcome.Unavailable;

    public Task<ServiceStatus> StatusAsync(CancellationToken cancellationToken) =>
        _registers.StatusAsync(cancellationToken);

    public async ValueTask DisposeAsync()
    {
        // A silo learns of our end by the closed connection as well; politeness must not keep the caller waiting.
        using var limit = new CancellationTokenSource(TimeSpan.FromMilliseconds(500));
        try
        {
            await _host.StopAsync(limit.Token).WaitAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            return; // The end of the process closes what is left.
        }

        _host.Dispose();
    }

    private static IHost Build(
        ConnectionSettings.Silos settings, IReadOnlyList<Gateway> gateways, ConnectFailures failures)
    {
        // Empty: neither files of the current folder nor variables of the environment configure this client.
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
        builder.Logging.ClearProviders();
        if (settings.Verbose)
        {
            builder.Logging.AddConsole(console => console.LogToStandardErrorThreshold = LogLevel.Trace);
        }

        builder.UseOrleansClient(client =>
        {
            client.Configure<ClusterOptions>(cluster =>
            {
                cluster.ClusterId = settings.ClusterId;
                cluster.ServiceId = settings.ServiceId;
            });
            client.Configure<ClientMessagingOptions>(messaging =>
            {
                // The service answers in time by itself; this is for silos that are gone.
                messaging.ResponseTimeout = settings.Timeout + TimeSpan.FromSeconds(2);

                // A cancelled operation still says whether it may have been applied.
                messaging.WaitForCancellationAcknowledgement = true;
            });
            client.Configure<ConnectionOptions>(connection =>
            {
                connection.OpenConnectionTimeout = TimeSpan.FromSeconds(2);
                connection.ConnectionRetryDelay = TimeSpan.FromMilliseconds(200);
            });
            client.UseConnectionRetryFilter(failures);
            AddClustering(client, settings, gateways);
            if (settings.Tls is { } tls)
            {
                AddTls(client, tls, gateways);
            }
        });
        builder.Services.RemoveAll<IHostLifetime>(); // Ctrl-C is ours: there may be something to say.
        builder.Services.AddSingleton<IHostLifetime, NoLifetime>();
        return builder.Build();
    }

    private static void AddClustering(
        IClientBuilder client, ConnectionSettings.Silos settings, IReadOnlyList<Gateway> gateways)
    {
        if (settings.Databases.Count > 0)
        {
            string[] databases = [.. settings.Databases.Select(database => Parse(database).ConnectionString)];
            client.UseCasPaxosClustering(options =>
            {
                foreach (var database in databases)
                {
                    options.ConnectionStrings.Add(database);
                }

                options.StartTimeout = TimeSpan.Zero; // The connection as a whole is tried again.
                options.AllowSharedServer = settings.AllowSharedServer;
            });
            return;
        }

        if (settings.Clustering is not { } connectionString)
        {
            client.UseStaticClustering([.. gateways.Select(gateway => gateway.EndPoint)]);
            return;
        }

        var membership = Parse(connectionString);
        membership.Timeout = 3;
        client.UseAdoNetClustering(options =>
        {
            options.Invariant = "Npgsql";
            options.ConnectionString = membership.ConnectionString;
        });
    }

    private static NpgsqlConnectionStringBuilder Parse(string connectionString)
    {
        try
        {
            return new NpgsqlConnectionStringBuilder(connectionString);
        }
        catch (Exception failure) when (failure is ArgumentException or FormatException or KeyNotFoundException)
        {
            // Without the cause: its message may quote the string, and the string may hold a password.
            throw CommandFailedException.Usage(
                "The clustering connection string cannot be read: it has an unknown keyword or a malformed value.");
        }
    }

    private static void AddTls(IClientBuilder client, TlsSettings tls, IReadOnlyList<Gateway> gateways) =>
        client.UseTls(options =>
        {
            options.LocalCertificate = tls.Certificate;
            options.RemoteCertificateValidation = (certificate, _, errors) => tls.Trusts(certificate, errors);
            options.OnAuthenticateAsClient = (connection, authentication) =>
            {
                var endPoint = connection.RemoteEndPoint as System.Net.IPEndPoint;
                authentication.TargetHost = tls.Host
                    ?? gateways.FirstOrDefault(gateway => gateway.EndPoint.Equals(endPoint))?.Host
                    ?? endPoint?.Address.ToString()
                    ?? "localhost";
            };
        });

    /// <summary>
    /// Tries again, and remembers what went wrong. Gateways that were just seen to listen get one more chance: they
    /// have refused us. Those of a membership table may have died long ago, so the others are tried until time is up.
    /// </summary>
    private sealed class ConnectFailures(bool patient) : IClientConnectionRetryFilter
    {
        private int _tries;

        public string? Last { get; private set; }

        public async Task<bool> ShouldRetryConnectionAttempt(Exception exception, CancellationToken cancellationToken)
        {
            Last = CommandRunner.Sentence(exception.GetBaseException());
            await Task.Delay(TimeSpan.FromMilliseconds(200), cancellationToken)
                .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            return (patient || ++_tries < 2) && !cancellationToken.IsCancellationRequested;
        }
    }

    private sealed class NoLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
