using System.Buffers;
using System.Buffers.Binary;
using System.IO.Pipelines;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Orleans.Runtime.Messaging;
using Orleans.Serialization;

namespace CasPaxos.Orleans;

/// <summary>How a gateway receives connections.</summary>
internal sealed class GatewayGuardOptions
{
    /// <summary>A connection that has not said who it is by then ends. Default 10 s.</summary>
    public TimeSpan PreambleTimeout { get; set; } = TimeSpan.FromSeconds(10);
}

/// <summary>
/// Ends connections to a gateway whose client does not call itself as clients do (rule 25). Orleans takes any name, and
/// sends what is for that name to whoever had it last: a client with the name of a silo's own client would receive that
/// silo's answers in its place, and pass for the silo.
/// </summary>
internal sealed partial class GatewayGuard(
    Serializer<GatewayPreamble> serializer, IOptions<GatewayGuardOptions> options, ILogger<GatewayGuard> logger)
{
    private const int LengthBytes = sizeof(int);
    private const int PreambleBytesMax = 1024; // Orleans' own limit.
    private const int ClientKeyLength = 32;

    private static readonly SearchValues<byte> Digits = SearchValues.Create("0123456789abcdef"u8);

    /// <summary>Lets a connection through, or ends it.</summary>
    public async Task ReceiveAsync(ConnectionContext connection, ConnectionDelegate next)
    {
        string? problem;
        try
        {
            using var patience = CancellationTokenSource.CreateLinkedTokenSource(connection.ConnectionClosed);
            patience.CancelAfter(options.Value.PreambleTimeout);
            problem = await ExamineAsync(connection.Transport.Input, patience.Token);
        }
        catch (Exception failure) when (failure is OperationCanceledException or IOException)
        {
            problem = "it did not say who it is";
        }

        if (problem is null)
        {
            await next(connection);
            return;
        }

        LogRefused(connection.RemoteEndPoint?.ToString(), problem);
        connection.Abort(new ConnectionAbortedException($"The connection is refused: {problem}."));
    }

    /// <summary>True for an id as Orleans gives one to each client: 128 random bits as 32 hexadecimal digits.</summary>
    internal static bool IsOfClient(GrainId id)
    {
        var key = id.Key.AsSpan();
        return id.Type.IsClient()
            && key.Length == ClientKeyLength
            && !key.ContainsAnyExcept(Digits);
    }

    /// <summary>Reads what a connection begins with, and leaves it to be read again.</summary>
    /// <returns>What is wrong with it; null if nothing is.</returns>
    private async Task<string?> ExamineAsync(PipeReader input, CancellationToken cancellationToken)
    {
        while (true)
        {
            var read = await input.ReadAsync(cancellationToken);
            var bytes = read.Buffer;
            if (TryTake(bytes, out var preamble, out var problem) || problem is not null)
            {
                problem ??= Judge(preamble);
                input.AdvanceTo(bytes.Start);
                return problem;
            }

            input.AdvanceTo(bytes.Start, bytes.End);
            if (read.IsCompleted || read.IsCanceled)
            {
                return "it ended before it said who it is";
            }
        }
    }

    private static bool TryTake(ReadOnlySequence<byte> bytes, out ReadOnlySequence<byte> preamble, out string? problem)
    {
        (preamble, problem) = (default, null);
        if (bytes.Length < LengthBytes)
        {
            return false;
        }

        Span<byte> prefix = stackalloc byte[LengthBytes];
        bytes.Slice(0, LengthBytes).CopyTo(prefix);
        var length = BinaryPrimitives.ReadInt32LittleEndian(prefix);
        if (length is < 0 or > PreambleBytesMax)
        {
            problem = $"it begins with {length} bytes about itself, and {PreambleBytesMax} is the most";
            return false;
        }

        if (bytes.Length < LengthBytes + length)
        {
            return false;
        }

        preamble = bytes.Slice(LengthBytes, length);
        return true;
    }

    private string? Judge(ReadOnlySequence<byte> preamble)
    {
        try
        {
            var id = serializer.Deserialize(preamble)!.NodeIdentity;
            return IsOfClient(id) ? null : $"it calls itself '{id}', and no client is called so";
        }
#pragma warning disable CA1031 // Whatever a stranger's bytes make of the decoder: they are not understood.
        catch (Exception failure)
#pragma warning restore CA1031
        {
            return $"what it says of itself is not understood ({failure.GetType().Name})";
        }
    }

    [LoggerMessage(6005, LogLevel.Warning, "A connection from {Remote} to the gateway is refused: {Problem}.")]
    private partial void LogRefused(string? remote, string problem);
}

/// <summary>
/// What a connection of Orleans begins with. The same fields as Orleans' own type, which is internal, so that both read
/// the same from the same bytes, whatever those are.
/// </summary>
[GenerateSerializer, Immutable, Alias("caspaxos.GatewayPreamble")]
internal sealed class GatewayPreamble
{
    [Id(0)]
    public NetworkProtocolVersion NetworkProtocolVersion { get; init; }

    [Id(1)]
    public GrainId NodeIdentity { get; init; }

    [Id(2)]
    public SiloAddress? SiloAddress { get; init; }

    [Id(3)]
    public string ClusterId { get; init; } = null!;
}
