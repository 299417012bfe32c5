using System.Net;
using System.Net.Sockets;

namespace CasPaxos.Silo;

/// <summary>Finds ports of the loopback interface that nobody listens on.</summary>
internal sealed class PortFinder
{
    /// <summary>How many ports from the wished one on are tried before the system chooses.</summary>
    private const int Tries = 50;

    private readonly HashSet<int> _given = [];

    /// <summary>The wished port, or one of the next; each is given once.</summary>
    public int Next(int wished)
    {
        for (var port = wished; port < wished + Tries; port++)
        {
            if (!_given.Contains(port) && TryListen(port) is not null)
            {
                _given.Add(port);
                return port;
            }
        }

        return TryListen(0) ?? throw new LocalException("No port of the loopback interface is free.");
    }

    private static int? TryListen(int port)
    {
        using var listener = new TcpListener(IPAddress.Loopback, port);
        try
        {
            listener.Start();
            return ((IPEndPoint)listener.LocalEndpoint).Port;
        }
        catch (SocketException)
        {
            return null;
        }
    }
}
