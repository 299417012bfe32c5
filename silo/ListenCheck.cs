using System.Net;
using System.Net.Sockets;

namespace CasPaxos.Silo;

/// <summary>
/// Tries the ports before anything is started: a server that finds its port taken does not know which setting it has it
/// from.
/// </summary>
internal static class ListenCheck
{
    /// <exception cref="StartException">A port or an address cannot be had; names the setting.</exception>
    public static void Run(SiloHostOptions options)
    {
        var advertised = options.ListenOnAnyAddress ? IPAddress.Any : IPAddress.Parse(options.AdvertisedIPAddress);
        Try(nameof(options.SiloPort), new IPEndPoint(advertised, options.SiloPort));
        if (options.GatewayPort != 0)
        {
            Try(nameof(options.GatewayPort), new IPEndPoint(advertised, options.GatewayPort));
        }

        var url = new Uri(options.HttpUrl);
        var host = url.IsLoopback && url.HostNameType == UriHostNameType.Dns ? "127.0.0.1" : url.DnsSafeHost;
        if (IPAddress.TryParse(host, out var address))
        {
            Try(nameof(options.HttpUrl), new IPEndPoint(address, url.Port));
        }
    }

    private static void Try(string setting, IPEndPoint endpoint)
    {
        using var listener = new TcpListener(endpoint);
        try
        {
            listener.Start();
        }
        catch (SocketException failure)
        {
            throw new StartException(
                $"{SiloHostOptions.Section}:{setting}: {endpoint} cannot be listened on: {failure.Message}.");
        }
    }
}
