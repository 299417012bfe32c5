using OpenTelemetry;
using OpenTelemetry.Exporter;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace CasPaxos.Silo;

/// <summary>Sends metrics and traces of the registers and of Orleans by OTLP, from the start to the end.</summary>
internal sealed class OtlpExport(SiloHostOptions options) : IHostedService, IDisposable
{
    /// <summary>The meter and the activity source of the registers.</summary>
    private const string Registers = "CasPaxos";

    /// <summary>The meter of Orleans, and where the names of its activity sources begin.</summary>
    private const string Orleans = "Microsoft.Orleans";

    private MeterProvider? _metrics;
    private TracerProvider? _traces;

    public Task StartAsync(CancellationToken cancellationToken)
    {
        var resource = ResourceBuilder.CreateDefault()
            .AddService(options.ServiceId, serviceInstanceId: options.EffectiveName);
        _metrics = Sdk.CreateMeterProviderBuilder()
            .SetResourceBuilder(resource)
            .AddMeter(Registers, Orleans)
            .AddOtlpExporter(Configure)
            .Build();
        _traces = Sdk.CreateTracerProviderBuilder()
            .SetResourceBuilder(resource)
            .AddSource(Registers, Orleans, $"{Orleans}.*")
            .AddOtlpExporter(Configure)
            .Build();
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Sends what is left.</summary>
    public void Dispose()
    {
        _traces?.Dispose();
        _metrics?.Dispose();
    }

    private void Configure(OtlpExporterOptions exporter)
    {
        exporter.Endpoint = new Uri(options.OtlpEndpoint!);
        exporter.Protocol = OtlpExportProtocol.Grpc;
        exporter.TimeoutMilliseconds = 2000; // A collector that is silent must not hold up the end of the silo.
    }
}
