using System.Text;

namespace CasPaxos.Silo;

/// <summary>
/// In this host Orleans clients may call registers and nothing else: no management grain, no system target, no grain
/// that a library brings along. Deny by default: what a client needs is listed.
/// </summary>
internal sealed partial class ClientAccessFilter(ILogger<ClientAccessFilter> logger) : IIncomingGrainCallFilter
{
    /// <summary>What Orleans calls the sender of a silo's calls that come from no grain.</summary>
    private static readonly byte[] Silo = Encoding.UTF8.GetBytes("hosted-");

    /// <summary>Types of grain, and which of their interfaces.</summary>
    private static readonly HashSet<(string GrainType, string Interface)> Allowed =
    [
        ("caspaxos.register", "CasPaxos.Orleans.IRegisterGrain"),
        ("caspaxos.register", CancellationExtension),
        ("caspaxos.service", "CasPaxos.Orleans.IRegisterServiceGrain"),
        ("caspaxos.service", CancellationExtension),

        // Which grains there are: a client asks for it when it connects.
        ("sys.svc.manifest", "Orleans.Runtime.IClusterManifestSystemTarget"),
    ];

    private const string CancellationExtension = "Orleans.Runtime.IGrainCallCancellationExtension";

    public Task Invoke(IIncomingGrainCallContext context)
    {
        var target = context.TargetId.Type.ToString() ?? "";
        if (!IsClient(context.SourceId) || Allowed.Contains((target, context.InterfaceName)))
        {
            return context.Invoke();
        }

        LogRefused(context.SourceId, context.InterfaceName, context.MethodName, target);
        throw new UnauthorizedAccessException($"Clients may call registers only, not {context.InterfaceName}.");
    }

    private static bool IsClient(GrainId? source) =>
        source is not { } sender || (sender.IsClient() && !sender.Key.AsSpan().StartsWith(Silo));

    [LoggerMessage(6010, LogLevel.Warning, "Client {Client} was refused {Interface}.{Method} on {Target}.")]
    private partial void LogRefused(GrainId? client, string @interface, string method, string target);
}
