using System.Globalization;

namespace CasPaxos.Checker.Tests;

/// <summary>What random histories are made of.</summary>
/// <param name="Operations">How many, on one key.</param>
/// <param name="Clients">Each asks one after the other.</param>
/// <param name="UnknownPercent">Of changes whose answer is lost; half of them never take effect.</param>
/// <param name="ETags">Answers tell ETags.</param>
/// <param name="Kinds">A letter for each kind, as often as it is to be asked: r p c s d i a.</param>
/// <param name="PausePercent">Chance of a long pause of a client after an answer.</param>
/// <param name="UniquePayloads">Every write has its own payload; otherwise one of few.</param>
internal sealed record RandomHistoryOptions(
    int Operations,
    int Clients,
    int UnknownPercent = 2,
    bool ETags = true,
    string Kinds = "rrrrppccsssddaia",
    int PausePercent = 50,
    bool UniquePayloads = true);

/// <summary>
/// Executes a register at random and writes down what its clients see: they overlap, each operation takes effect at a
/// random moment of its interval, unknown ones at any moment after their start, or never. Linearizable by construction.
/// </summary>
internal sealed class RandomHistory
{
    private readonly RandomHistoryOptions _options;
    private readonly Random _random;
    private readonly string _key;
    private readonly PriorityQueue<Action, (long Time, int Order)> _events = new();
    private readonly List<HistoryOperation> _history = [];
    private HistoryETag? _etag;
    private string _payload = "";
    private long _tombstone;
    private int _asked;
    private int _creations;
    private int _order;

    private RandomHistory(RandomHistoryOptions options, Random random, string key)
    {
        _options = options;
        _random = random;
        _key = key;
    }

    public static List<HistoryOperation> Generate(RandomHistoryOptions options, Random random, string key = "k")
    {
        var run = new RandomHistory(options, random, key);
        for (var client = 0; client < options.Clients; client++)
        {
            var name = $"c{client}";
            run.At(random.Next(50), () => run.Ask(name, null));
        }

        while (run._events.TryDequeue(out var happens, out var when))
        {
            run._now = when.Time;
            happens();
        }

        return run._history;
    }

    private long _now;

    private void At(long time, Action happens) => _events.Enqueue(happens, (time, _order++));

    private void Ask(string client, HistoryETag? seen)
    {
        if (_asked++ >= _options.Operations)
        {
            return;
        }

        var start = _now;
        var end = start + _random.Next(1, 40);
        var action = Choose(seen);
        var fate = _random.Next(100);
        HistoryOutcome outcome = HistoryOutcome.Unavailable.Instance;
        if (fate < _options.UnknownPercent)
        {
            outcome = HistoryOutcome.Unknown.Instance;
            if (_random.Next(2) == 0)
            {
                At(start + _random.Next(300), () => Apply(action));
            }
        }
        else if (fate < 99)
        {
            At(_random.NextInt64(start, end + 1), () => outcome = Apply(action));
        }

        At(end, () =>
        {
            if (outcome is HistoryOutcome.Applied { Current: var current } applied
                && action is not HistoryAction.Read && _random.Next(20) == 0)
            {
                outcome = applied with { Recovered = true, Current = _random.Next(2) == 0 ? current : Snapshot() };
            }

            _history.Add(new HistoryOperation(client, _key, action, outcome, start, end));
            var knows = Seen(outcome) ?? seen;
            At(end + 1 + (_random.Next(100) < _options.PausePercent ? _random.Next(100) : 0), () => Ask(client, knows));
        });
    }

    private HistoryAction Choose(HistoryETag? seen)
    {
        // Mostly the current ETag, so that swaps often succeed; the client's own would mostly be old.
        var expected = !_options.ETags ? null : _random.Next(3) == 0 ? seen : _etag;
        return _options.Kinds[_random.Next(_options.Kinds.Length)] switch
        {
            'p' => new HistoryAction.Put(Payload()),
            'c' => new HistoryAction.Create(Payload()),
            's' => new HistoryAction.CompareAndSwap(expected, Payload()),
            'd' => new HistoryAction.Delete(_random.Next(2) == 0 ? null : expected),
            'i' => new HistoryAction.Increment(_random.Next(1, 4)),
            'a' => new HistoryAction.Append(Payload()),
            _ => HistoryAction.Read.Instance,
        };
    }

    private string Payload()
    {
        if (!_options.UniquePayloads)
        {
            return _random.Next(4).ToString(CultureInfo.InvariantCulture);
        }

        return (_random.Next(4) == 0 ? "" : "v") + (1000 + _asked).ToString(CultureInfo.InvariantCulture);
    }

    private HistoryOutcome Apply(HistoryAction action)
    {
        if (_etag is null && _random.Next(3) == 0)
        {
            _tombstone += _random.Next(3); // Erased in the meantime, in databases whose floors are as high or higher.
        }

        switch (action)
        {
            case HistoryAction.Put put:
                return Write(put.Payload);
            case HistoryAction.Create create:
                return _etag is null ? Write(create.Payload) : Refuse(HistoryRefusal.Exists);
            case HistoryAction.CompareAndSwap swap:
                return swap.Expected == _etag ? Write(swap.Payload) : Refuse(HistoryRefusal.ETagMismatch);
            case HistoryAction.Delete when _etag is null:
                return Refuse(HistoryRefusal.Absent);
            case HistoryAction.Delete { Expected: { } expected } when expected != _etag:
                return Refuse(HistoryRefusal.ETagMismatch);
            case HistoryAction.Delete:
                _tombstone = _etag!.Value.Version + 1;
                _etag = null;
                _payload = "";
                return new HistoryOutcome.Applied(null, Snapshot());
            case HistoryAction.Increment increment:
                if (!long.TryParse(_etag is null ? "0" : _payload, CultureInfo.InvariantCulture, out var number))
                {
                    return Refuse(HistoryRefusal.NotANumber);
                }

                return Write((number + increment.By).ToString(CultureInfo.InvariantCulture));
            case HistoryAction.Append append:
                return Write(_payload + append.Bytes);
            default:
                return new HistoryOutcome.Applied(_options.ETags ? _etag : null, Snapshot());
        }
    }

    private HistoryOutcome.Applied Write(string payload)
    {
        _etag = _etag is { } etag
            ? etag with { Version = etag.Version + 1 }
            : new HistoryETag($"{_key}-{_creations++}", _tombstone + 1);
        _payload = payload;
        return new HistoryOutcome.Applied(_options.ETags ? _etag : null, Snapshot());
    }

    private HistoryOutcome.Refused Refuse(HistoryRefusal reason) => new(reason, Snapshot());

    private HistorySnapshot Snapshot() => _etag is null
        ? HistorySnapshot.Absent.Instance
        : new HistorySnapshot.Present(_options.ETags ? _etag : null, _payload);

    private static HistoryETag? Seen(HistoryOutcome outcome) => outcome switch
    {
        HistoryOutcome.Applied applied => applied.ETag,
        HistoryOutcome.Refused { Current: HistorySnapshot.Present present } => present.ETag,
        _ => null,
    };
}
