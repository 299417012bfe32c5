using System.Runtime.InteropServices;

namespace CasPaxos.Checker;

/// <summary>Translates the operations of one key into numbers.</summary>
internal sealed class KeyHistoryBuilder
{
    private readonly IReadOnlyList<HistoryOperation> _operations;
    private readonly List<KeyOperation> _answered;
    private readonly List<KeyOperation> _unknown = [];
    private readonly Dictionary<string, int> _creations = new(StringComparer.Ordinal);
    private readonly List<string> _creationIds = [];
    private readonly PayloadTable _payloads;

    public KeyHistoryBuilder(IReadOnlyList<HistoryOperation> operations, bool tellsApart)
    {
        _operations = operations;
        _answered = new(operations.Count);
        _payloads = Survey(operations, tellsApart);
    }

    public KeyHistory Build()
    {
        foreach (var operation in _operations)
        {
            Add(operation);
        }

        CollectionsMarshal.AsSpan(_answered).Sort(static (a, b) => a.Start.CompareTo(b.Start));
        var classes = new Dictionary<OperationClass, KeyOperation>(_answered.Count);
        for (var place = 0; place < _answered.Count; place++)
        {
            var operation = _answered[place];
            operation.Place = place;
            ref var twin = ref CollectionsMarshal.GetValueRefOrAddDefault(classes, operation.Class, out var exists);
            operation.HasTwin = exists;
            if (exists)
            {
                twin!.HasTwin = true;
            }

            twin = operation;
        }

        return new KeyHistory([.. _answered], Classify(_unknown), _payloads, _creationIds, _creationIds.Count > 0);
    }

    /// <summary>Finds out which payloads answers show, before any payload gets a number.</summary>
    private static PayloadTable Survey(IReadOnlyList<HistoryOperation> operations, bool tellsApart)
    {
        var shown = new HashSet<string>(StringComparer.Ordinal);
        var appends = false;
        var increments = false;
        var encoded = false;
        foreach (var operation in operations)
        {
            appends |= operation.Action is HistoryAction.Append;
            increments |= operation.Action is HistoryAction.Increment;
            var written = WrittenBy(operation.Action);
            encoded |= PayloadText.IsEncoded(written ?? (operation.Action as HistoryAction.Append)?.Bytes ?? "");
            var current = operation.Outcome switch
            {
                HistoryOutcome.Applied applied => applied.Current,
                HistoryOutcome.Refused refused => refused.Current,
                _ => null,
            };
            if (current is HistorySnapshot.Present { Payload: { } payload }
                && !(operation.Outcome is HistoryOutcome.Applied { Recovered: false } && payload == written))
            {
                shown.Add(payload);
                encoded |= PayloadText.IsEncoded(payload);
            }
        }

        // In Base64 what begins with the same bytes need not begin with the same text.
        return new PayloadTable(shown, appends, increments, mergesUnseen: !tellsApart && !(appends && encoded));
    }

    private static KeyOperation[][] Classify(List<KeyOperation> unknown)
    {
        unknown.Sort(static (a, b) => a.Start.CompareTo(b.Start));
        var classes = unknown.GroupBy(static operation => operation.Class).Select(static group => group.ToArray());
        KeyOperation[][] result = [.. classes];
        for (var place = 0; place < result.Length; place++)
        {
            foreach (var operation in result[place])
            {
                operation.Place = place;
            }
        }

        return result;
    }

    private void Add(HistoryOperation operation)
    {
        switch (operation.Outcome)
        {
            case HistoryOutcome.Unavailable:
                return;
            case HistoryOutcome.Unknown:
                if (operation.Action is not HistoryAction.Read)
                {
                    _unknown.Add(Translate(operation, HistorySnapshot.NotReported.Instance, null));
                }

                return;
            case HistoryOutcome.Refused refused:
                _answered.Add(Translate(operation, refused.Current, null, refused));
                return;
            case HistoryOutcome.Applied { Recovered: true } applied when operation.Action is not HistoryAction.Read:
                var hasSnapshot = applied.Current is not HistorySnapshot.NotReported;
                var effect = Translate(
                    operation, HistorySnapshot.NotReported.Instance, applied.ETag, hasSnapshotAfter: hasSnapshot);
                _answered.Add(effect);
                if (hasSnapshot)
                {
                    _answered.Add(Translate(operation, applied.Current, null, after: effect));
                }

                return;
            case HistoryOutcome.Applied applied:
                _answered.Add(Translate(operation, applied.Current, applied.ETag));
                return;
            default:
                throw new System.Diagnostics.UnreachableException();
        }
    }

    private KeyOperation Translate(
        HistoryOperation operation,
        HistorySnapshot current,
        HistoryETag? told,
        HistoryOutcome.Refused? refused = null,
        KeyOperation? after = null,
        bool hasSnapshotAfter = false)
    {
        var present = current as HistorySnapshot.Present;
        var etag = told ?? present?.ETag;
        var asked = AskedBy(operation.Action);
        var kind = refused is null && after is null ? asked : StepKind.Observe;
        var written = kind == StepKind.Observe ? null : WrittenBy(operation.Action);
        var expected = ExpectedBy(operation.Action);
        var shown = present?.Payload;
        var contradiction = (told is not null && present?.ETag is { } other && other != told)
            || (written is not null && shown is not null && shown != written)
            || (kind == StepKind.Delete ? present is not null : told is not null && current is HistorySnapshot.Absent);
        return new KeyOperation
        {
            Source = operation,
            Kind = kind,
            Asked = asked,
            IsUnknown = operation.Outcome is HistoryOutcome.Unknown,
            IsRefusal = refused is not null,
            Reason = refused?.Reason ?? HistoryRefusal.Unspecified,
            Payload = written is null ? RegisterState.None : _payloads.NumberOf(written),
            By = (operation.Action as HistoryAction.Increment)?.By ?? 0,
            Bytes = (operation.Action as HistoryAction.Append)?.Bytes ?? "",
            ExpectedCreation = expected is null ? RegisterState.None : NumberOf(expected.Value.CreationId),
            ExpectedVersion = expected?.Version ?? 0,
            Told = present is not null || (etag is not null && kind != StepKind.Delete) ? Told.Present
                : current is HistorySnapshot.Absent ? Told.Absent
                : Told.Nothing,
            ToldCreation = etag is null ? RegisterState.None : NumberOf(etag.Value.CreationId),
            ToldVersion = etag?.Version ?? 0,

            // What it wrote itself tells nothing, and must not count as a payload that an answer shows.
            ToldPayload = shown is null || written is not null ? RegisterState.None : _payloads.NumberOf(shown),
            ContradictsItself = contradiction,
            HasSnapshotAfter = hasSnapshotAfter,
            After = after,
        };
    }

    private int NumberOf(string creationId)
    {
        ref var number = ref CollectionsMarshal.GetValueRefOrAddDefault(_creations, creationId, out var exists);
        if (!exists)
        {
            number = _creationIds.Count;
            _creationIds.Add(creationId);
        }

        return number;
    }

    /// <summary>The payload that an action names, if it does.</summary>
    public static string? WrittenBy(HistoryAction action) => action switch
    {
        HistoryAction.Put put => put.Payload,
        HistoryAction.Create create => create.Payload,
        HistoryAction.CompareAndSwap swap => swap.Payload,
        _ => null,
    };

    private static HistoryETag? ExpectedBy(HistoryAction action) => action switch
    {
        HistoryAction.CompareAndSwap swap => swap.Expected,
        HistoryAction.Delete delete => delete.Expected,
        _ => null,
    };

    private static StepKind AskedBy(HistoryAction action) => action switch
    {
        HistoryAction.Put => StepKind.Put,
        HistoryAction.Create => StepKind.Create,

        // A swap that expects an absent register is a creation under another name.
        HistoryAction.CompareAndSwap swap => swap.Expected is null ? StepKind.Create : StepKind.CompareAndSwap,
        HistoryAction.Delete => StepKind.Delete,
        HistoryAction.Increment => StepKind.Increment,
        HistoryAction.Append => StepKind.Append,
        _ => StepKind.Observe,
    };
}
