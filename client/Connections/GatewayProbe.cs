using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace CasPaxos.Client;

/// <summary>A gateway that took a connection.</summary>
/// <param name="Host">As it was given, for the name in its certificate.</param>
/// <param name="EndPoint">Where it listens.</param>
internal sealed record Gateway(string Host, IPEndPoint EndPoint);

/// <summary>
/// Finds out which gateways listen before Orleans is asked to connect: it is quick, and it can say what is wrong with
/// each.
/// </summary>
internal static class GatewayProbe
{
    /// <summary>How long a gateway may take to accept a connection.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(3);

    /// <summary>How long the others may take after the first: they are for when that one fails.</summary>
    private static readonly TimeSpan Grace = TimeSpan.FromMilliseconds(50);

    /// <summary>The gateways that listen, at least one.</summary>
    /// <exception cref="CommandFailedException">An address is malformed, or none listens.</exception>
    public static async Task<IReadOnlyList<Gateway>> FindAsync(
        IReadOnlyList<string> addresses, ConnectionOrigin origin, CancellationToken cancellationToken)
    {
        var parsed = addresses.Select(Parse).ToList(); // All, before any is tried.
        using var end = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        end.CancelAfter(Patience);
        var found = new List<Gateway>();
        var failures = new List<string>();
        var tries = parsed.Select(address => TryAsync(address.Host, address.Port, end.Token)).ToList();
        await foreach (var done in Task.WhenEach(tries).WithCancellation(CancellationToken.None))
        {
            var (gateways, failure) = await done;
            if (gateways.Count > 0 && found.Count == 0)
            {
                end.CancelAfter(Grace);
            }

            found.AddRange(gateways);
            failures.Add(failure);
        }

        cancellationToken.ThrowIfCancellationRequested();
        return found.Count > 0
            ? found
            : throw new CommandFailedException(
                ExitCodes.Failed,
                $"Cannot connect to any gateway: {string.Join("; ", failures)}.\n{origin.Advice}");
    }

    /// <summary>Host and port; an IPv6 address in brackets.</summary>
    public static (string Host, int Port) Parse(string address)
    {
        var colon = address.LastIndexOf(':');
        var host = colon < 0 ? "" : address[..colon].TrimStart('[').TrimEnd(']');
        return host.Length > 0
            && int.TryParse(address.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var port)
            && port is > 0 and <= IPEndPoint.MaxPort
                ? (host, port)
                : throw CommandFailedException.Usage($"'{address}' is no gateway: HOST:PORT is needed.");
    }

    /// <summary>Every address of the host that listens; otherwise why none does.</summary>
    private static async Task<(IReadOnlyList<Gateway> Gateways, string Failure)> TryAsync(
        string host, int port, CancellationToken cancellationToken)
    {
        try
        {
            var addresses = IPAddress.TryParse(host, out var literal)
                ? [literal]
                : await Dns.GetHostAddressesAsync(host, cancellationToken);
            var tries = await Task.WhenAll(addresses.Select(
                address => TryAsync(new IPEndPoint(address, port), cancellationToken)));
            return (
                [.. addresses.Zip(tries).Where(one => one.Second is null)
                    .Select(one => new Gateway(host, new IPEndPoint(one.First, port)))],
                $"{host}:{port}: {tries.FirstOrDefault(problem => problem is not null) ?? "no address"}");
        }
        catch (SocketException failure)
        {
            return ([], $"{host}:{port}: {failure.Message}");
        }
        catch (OperationCanceledException)
        {
            return ([], $"{host}:{port}: its name was not resolved in time");
        }
    }

    private static async Task<string?> TryAsync(IPEndPoint endPoint, CancellationToken cancellationToken)
    {
        using var socket = new Socket(endPoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            await socket.ConnectAsync(endPoint, cancellationToken);
            return null;
        }
        catch (SocketException failure)
        {
            return failure.Message;
        }
        catch (OperationCanceledException)
        {
            return "no answer in time";
        }
    }
}
