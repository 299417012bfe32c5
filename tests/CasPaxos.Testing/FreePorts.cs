using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace CasPaxos.Testing;

/// <summary>Ports of the loopback interface for servers that keep theirs over a restart.</summary>
public static class FreePorts
{
    private static readonly ConcurrentDictionary<int, byte> Taken = new();

    /// <summary>
    /// A port that nobody listens on, each time another one. Below the range that the system gives to outgoing
    /// connections: one of those could take the port between a stop and the next start.
    /// </summary>
    public static int Next()
    {
        while (true)
        {
            var port = Random.Shared.Next(12_000, 32_000);
            if (!Taken.TryAdd(port, 0))
            {
                continue;
            }

            using var listener = new TcpListener(IPAddress.Loopback, port);
            try
            {
                listener.Start();
                return port;
            }
            catch (SocketException)
            {
                // Somebody else's.
            }
        }
    }
}
