using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace CasPaxos.Testing;

/// <summary>What a <see cref="TcpProxy"/> does with what passes through it.</summary>
public enum ProxyMode
{
    /// <summary>Passes everything on, after <see cref="TcpProxy.Delay"/>.</summary>
    Pass,

    /// <summary>Swallows everything in both directions; connections stay open.</summary>
    BlackHole,

    /// <summary>Swallows what the server answers: statements arrive, replies do not.</summary>
    LoseReplies,

    /// <summary>
    /// Passes the next statement on and, when the server begins to answer it, cuts the connection before the reply;
    /// then passes everything again. A short answer comes in one piece, after the commit.
    /// </summary>
    CutBeforeReply,

    /// <summary>Refuses new connections, and cuts those that there are.</summary>
    Refuse,
}

/// <summary>Stands between a client and a server on this machine; loses what it is told to.</summary>
public sealed class TcpProxy : IAsyncDisposable
{
    private readonly int _target;
    private readonly TcpListener _listener;
    private readonly CancellationTokenSource _end = new();
    private readonly ConcurrentDictionary<Link, byte> _links = new();
    private readonly Task _accepting;
    private int _mode;
    private long _delayTicks;
    private int _cuts;

    /// <summary>Starts to listen on a free port.</summary>
    /// <param name="targetPort">The server's port on 127.0.0.1.</param>
    /// <param name="address">Where to listen; null for 127.0.0.1.</param>
    public TcpProxy(int targetPort, IPAddress? address = null)
    {
        _target = targetPort;
        _listener = new TcpListener(address ?? IPAddress.Loopback, 0);
        _listener.Start();
        Port = ((IPEndPoint)_listener.LocalEndpoint).Port;
        _accepting = AcceptAsync();
    }

    /// <summary>Where it listens.</summary>
    public int Port { get; }

    /// <summary>How long each piece is held back, in each direction.</summary>
    public TimeSpan Delay
    {
        get => TimeSpan.FromTicks(Interlocked.Read(ref _delayTicks));
        set => Interlocked.Exchange(ref _delayTicks, value.Ticks);
    }

    /// <summary>What it does now.</summary>
    public ProxyMode Mode
    {
        get => (ProxyMode)Volatile.Read(ref _mode);
        set
        {
            Volatile.Write(ref _mode, (int)value);
            if (value == ProxyMode.Refuse)
            {
                CutAll();
            }
        }
    }

    /// <summary>How often it has cut a connection between a statement and its reply.</summary>
    public int Cuts => Volatile.Read(ref _cuts);

    /// <summary>Cuts all connections that there are.</summary>
    public void CutAll()
    {
        foreach (var link in _links.Keys)
        {
            link.Cut();
        }
    }

    /// <summary>Stops listening and cuts everything.</summary>
    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        _listener.Stop();
        CutAll();
        await _accepting;
        _listener.Dispose();
        _end.Dispose();
    }

    private async Task AcceptAsync()
    {
        while (!_end.IsCancellationRequested)
        {
            try
            {
                var client = await _listener.AcceptTcpClientAsync(_end.Token);
                _ = CarryAsync(client);
            }
            catch (Exception failure) when (failure is OperationCanceledException or SocketException
                or ObjectDisposedException)
            {
                // Disposed, or a client that was gone before it was accepted.
            }
        }
    }

    private async Task CarryAsync(TcpClient client)
    {
        using var server = new TcpClient();
        using (client)
        {
            var link = new Link(client, server);
            _links.TryAdd(link, 0);
            try
            {
                if (Mode != ProxyMode.Refuse)
                {
                    await server.ConnectAsync(IPAddress.Loopback, _target);
                    client.NoDelay = server.NoDelay = true;
                    await Task.WhenAny(
                        PumpAsync(client.GetStream(), server.GetStream(), toServer: true, link),
                        PumpAsync(server.GetStream(), client.GetStream(), toServer: false, link));
                }
            }
            catch (SocketException)
            {
                // The server does not listen; the client sees its connection close.
            }
            finally
            {
                link.Cut();
                _links.TryRemove(link, out _);
            }
        }
    }

    private async Task PumpAsync(NetworkStream from, NetworkStream to, bool toServer, Link link)
    {
        var buffer = new byte[65_536];
        try
        {
            int count;
            while ((count = await from.ReadAsync(buffer)) > 0)
            {
                var mode = Mode;
                if (mode == ProxyMode.CutBeforeReply)
                {
                    link.StatementSent |= toServer;
                    if (!toServer && link.StatementSent)
                    {
                        // The server answers, so it has carried the statement out; nobody will hear of it.
                        Interlocked.Increment(ref _cuts);
                        Mode = ProxyMode.Pass;
                        link.Cut();
                        return;
                    }
                }

                if (mode == ProxyMode.BlackHole || (mode == ProxyMode.LoseReplies && !toServer))
                {
                    continue;
                }

                if (Delay > TimeSpan.Zero)
                {
                    await Task.Delay(Delay);
                }

                await to.WriteAsync(buffer.AsMemory(0, count));
            }
        }
        catch (Exception failure) when (failure is IOException or ObjectDisposedException)
        {
            // One side has closed; the other follows.
        }
    }

    private sealed class Link(TcpClient client, TcpClient server)
    {
        public bool StatementSent { get; set; }

        public void Cut()
        {
            client.Close();
            server.Close();
        }
    }
}
