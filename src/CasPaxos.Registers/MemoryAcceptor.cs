using System.Text;

namespace CasPaxos.Registers;

/// <summary>
/// An acceptor in the memory of this process, for tests of applications. Nothing of it is durable: it must not be
/// restarted and go on as the same acceptor.
/// </summary>
public sealed class MemoryAcceptor : IAcceptor
{
    private readonly Lock _gate = new();
    private readonly SortedDictionary<RegisterKey, AcceptorRow> _rows = [];
    private long _epoch = 1;
    private Ballot _floor;
    private long _versionFloor;

    /// <summary>How many registers it holds, tombstones and mere promises included.</summary>
    public int Count
    {
        get
        {
            lock (_gate)
            {
                return _rows.Count;
            }
        }
    }

    /// <inheritdoc/>
    public Task<IReadOnlyList<AcceptorReply>> AskAsync(
        IReadOnlyList<AcceptorCall> batch, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(batch);
        var replies = new AcceptorReply[batch.Count];
        lock (_gate)
        {
            for (var i = 0; i < replies.Length; i++)
            {
                var (key, request) = batch[i];
                var (reply, persist) = Acceptor.Decide(
                    new AcceptorState(_epoch, _floor, _rows.GetValueOrDefault(key), _versionFloor), request);
                if (persist is { } state)
                {
                    Keep(key, state);
                }

                replies[i] = reply;
            }
        }

        return Task.FromResult<IReadOnlyList<AcceptorReply>>(replies);
    }

    /// <inheritdoc/>
    public Task<ScanPage> ScanAsync(ScanRequest request, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(request);
        var prefix = Encoding.UTF8.GetBytes(request.Prefix);
        lock (_gate)
        {
            var rows = new List<ScannedRow>();
            var bytes = 0L;
            foreach (var (key, row) in _rows)
            {
                if (key <= request.After || key > request.Through || !key.ToUtf8().AsSpan().StartsWith(prefix))
                {
                    continue;
                }

                if (rows.Count == request.Limit || bytes >= ScanRequest.ValueBytesMax)
                {
                    return Task.FromResult(new ScanPage(rows, Complete: false));
                }

                var value = request.WithValues ? row.Value : Head(row.Value);
                bytes += request.WithValues ? value.Length : 0;
                rows.Add(new ScannedRow(key, row.Accepted, value, row.Promised));
            }

            return Task.FromResult(new ScanPage(rows, Complete: true));
        }
    }

    private void Keep(RegisterKey key, AcceptorState state)
    {
        (_epoch, _floor, _versionFloor) = (state.Epoch, state.Floor, state.VersionFloor);
        if (state.Row is { } row)
        {
            _rows[key] = row;
        }
        else
        {
            _rows.Remove(key);
        }
    }

    private static ReadOnlyMemory<byte> Head(ReadOnlyMemory<byte> value) =>
        value[..Math.Min(value.Length, RecordHead.BytesMax)];
}
